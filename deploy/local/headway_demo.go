package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/command"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/worktree"
)

const (
	// demoName names the demo's repository, Repository and App.
	demoName = "hello"
	// demoHost is what the demo answers to.
	demoHost = demoName + ".localhost:" + layout.PublicPort
	demoURL  = "http://" + demoHost
)

// showDemo does what a newcomer would: it pushes examples/hello to the git
// server, tells Headway about the repository, and opens the URL.
func showDemo(ctx context.Context, c *cluster, s *report) error {
	password, err := c.gitPassword()
	if err != nil {
		return err
	}
	if err := pushDemo(ctx, s, password); err != nil {
		return err
	}
	if err := c.apply(ctx, demoObjects(password)); err != nil {
		return fmt.Errorf("telling Headway about the repository: %w", err)
	}
	if err := demoLive(ctx, c, s); err != nil {
		return err
	}
	// Browsers and curl find *.localhost on loopback whatever the machine's resolver says.
	page, err := c.get(ctx, "http://127.0.0.1:"+layout.PublicPort, demoHost)
	if err != nil {
		return fmt.Errorf("opening %s: %w", demoURL, err)
	}
	first, _, _ := strings.Cut(page, "\n")
	s.result("%s answers: %s", demoURL, first)
	return nil
}

// pushDemo makes a commit of the example and pushes it, unless the repository
// holds a main branch, which may be somebody's work by now.
func pushDemo(ctx context.Context, s *report, password string) error {
	folder, err := os.MkdirTemp("", "headway-demo-")
	if err != nil {
		return fmt.Errorf("making a work tree: %w", err)
	}
	defer os.RemoveAll(folder)
	tree, err := worktree.New(ctx, folder, "examples/"+demoName, worktree.GitServer(demoName, password))
	if err != nil {
		return err
	}
	if out, err := tree.Git(ctx, "ls-remote", "origin", "refs/heads/main"); err == nil && out != "" {
		s.note("%s.git was pushed before", demoName)
		return nil
	}
	if err := tree.Commit(ctx, "Say hello"); err != nil {
		return err
	}
	if _, err := tree.Push(ctx); err != nil {
		return err
	}
	s.note("examples/%s pushed to %s", demoName, tree.HostURL)
	return nil
}

// demoObjects are what `headway repo add` would apply.
func demoObjects(password string) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Secret
metadata: {name: %[1]s-git, namespace: default}
stringData: {username: %[2]s, password: %[3]s}
---
apiVersion: headway.dev/v1alpha1
kind: Repository
metadata: {name: %[1]s, namespace: default}
spec:
  url: http://%[4]s/%[1]s.git
  secretRef: {name: %[1]s-git}
`, demoName, layout.GitUser, password, layout.GitHost)
}

// demoLive waits until the app serves, and says how far it is. A revision that
// failed ends the wait.
func demoLive(ctx context.Context, c *cluster, s *report) error {
	program, err := c.compileOwn(ctx, s, "./cmd/headway")
	if err != nil {
		return err
	}
	var last explain.Finding
	err = poll(ctx, 10*time.Minute, 300*time.Millisecond, func(ctx context.Context) error {
		status, err := command.Output(exec.CommandContext(ctx, program, "status", demoName, "--output=json", "--namespace=default", "--kubeconfig="+c.places.Kubeconfig()))
		found := explain.Finding{Severity: explain.Underway, Text: "Headway to read the repository"}
		if err != nil {
			found.Text += "; " + command.LastLines(err.Error(), 1)
		} else if found, err = readDemo(status); err != nil {
			return err
		}
		line, _, _ := strings.Cut(found.Text, "\n")
		if found != last {
			s.note("%s", line)
			s.waitFor(line)
		}
		last = found
		if found.Severity == explain.Underway {
			return errors.New(line)
		}
		return nil
	})
	if err == nil && last.Severity == explain.Failed {
		return errors.New(last.Text)
	}
	return err
}

// readDemo reads what headway status prints of the demo. A live app is all there
// is to say; else the newest revision that is not ready says most.
func readDemo(status string) (explain.Finding, error) {
	var demo struct {
		Apps      []v1alpha1.App
		Revisions []v1alpha1.Revision
	}
	if err := json.Unmarshal([]byte(status), &demo); err != nil {
		return explain.Finding{}, fmt.Errorf("reading the state of the demo: %w", err)
	}
	app := &demo.Apps[0]
	if explain.ForApp(app, nil).State.Severity == explain.Good {
		return explain.Finding{Severity: explain.Good, Text: "app " + demoName + " is live"}, nil
	}
	for _, found := range explain.Detail(app, nil, demo.Revisions) {
		if found.Kind == "revision" {
			return explain.Finding{Severity: found.Severity, Text: found.String()}, nil
		}
	}
	return explain.Finding{Severity: explain.Underway, Text: "a revision of app " + demoName}, nil
}
