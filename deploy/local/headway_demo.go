package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/local/layout"
)

const (
	// demoName names the demo's repository, Repository and App.
	demoName = "hello"
	// publicPort is the node port of the activator; it answers on loopback.
	publicPort = "8080"
	// demoURL is where the demo answers.
	demoURL = "http://" + demoName + ".localhost:" + publicPort
)

// showDemo does what a newcomer would: it pushes examples/hello to the git
// server, tells Headway about the repository, and opens the URL.
func showDemo(ctx context.Context, c *cluster, s *report) error {
	path, err := c.gitPassword()
	if err != nil {
		return err
	}
	password, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the git server's password: %w", err)
	}
	d := demo{c: c, s: s, password: strings.TrimSpace(string(password))}
	if err := d.push(ctx); err != nil {
		return err
	}
	if err := c.apply(ctx, d.repository()); err != nil {
		return fmt.Errorf("telling Headway about the repository: %w", err)
	}
	if err := d.live(ctx); err != nil {
		return err
	}
	return d.open(ctx)
}

type demo struct {
	c        *cluster
	s        *report
	password string
}

func (d demo) remote() string {
	return "http://" + gitUser + ":" + d.password + "@" + layout.GitEndpoint + "/" + demoName + ".git"
}

// push makes a commit of the example and pushes it, unless the repository holds
// a main branch, which may be somebody's work by now.
func (d demo) push(ctx context.Context) error {
	if out, err := d.git(ctx, "/", "ls-remote", d.remote(), "refs/heads/main"); err == nil && strings.TrimSpace(out) != "" {
		d.s.note("%s.git was pushed before", demoName)
		return nil
	}
	folder, err := os.MkdirTemp("", "headway-demo-")
	if err != nil {
		return fmt.Errorf("making a work tree: %w", err)
	}
	defer os.RemoveAll(folder)
	if err := os.CopyFS(folder, os.DirFS("examples/"+demoName)); err != nil {
		return fmt.Errorf("copying examples/%s: %w", demoName, err)
	}
	for _, arguments := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"add", "."},
		{"commit", "--quiet", "--message=Say hello"},
		{"push", "--quiet", d.remote(), "main"},
	} {
		if _, err := d.git(ctx, folder, arguments...); err != nil {
			return err
		}
	}
	d.s.note("examples/%s pushed to http://%s/%s.git", demoName, layout.GitEndpoint, demoName)
	return nil
}

// git runs without the configuration of whoever runs this, and never asks.
func (d demo) git(ctx context.Context, folder string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "no_proxy=*",
		"GIT_AUTHOR_NAME=Headway", "GIT_AUTHOR_EMAIL=headway@localhost", "GIT_COMMITTER_NAME=Headway", "GIT_COMMITTER_EMAIL=headway@localhost")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", arguments[0], err, strings.ReplaceAll(stderr.String(), d.password, "***"))
	}
	return stdout.String(), nil
}

// repository is what `headway repo add` would apply.
func (d demo) repository() []byte {
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
`, demoName, gitUser, d.password, layout.GitHost)
}

// live waits until the app serves, and tells how far it is. A build that failed
// ends the wait.
func (d demo) live(ctx context.Context) error {
	var last demoState
	err := poll(ctx, 10*time.Minute, 300*time.Millisecond, func(ctx context.Context) error {
		var out strings.Builder
		if err := d.c.kubectl(ctx, nil, &out, "get", "repositories,revisions,apps", "--namespace=default", "--output=json"); err != nil {
			return err
		}
		state, err := readState([]byte(out.String()))
		if err != nil {
			return err
		}
		if state != last {
			d.s.note("%s", state.line)
			d.s.waitFor(state.line)
		}
		last = state
		if state.live || state.failed {
			return nil
		}
		return errors.New(state.line)
	})
	if err == nil && last.failed {
		return errors.New(last.line)
	}
	return err
}

// demoState is how far the demo is.
type demoState struct {
	line         string // for people
	live, failed bool
}

// demoObject is what the state is read from: a Repository, Revision or App.
type demoObject struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct{ App string }
	Status   struct {
		Conditions []struct{ Type, Status, Reason, Message string }
	}
}

// readState takes the list of repositories, revisions and apps in this order. A
// live app is all there is to say; else the last Revision that is not ready
// says most, and before there is one, the Repository does.
func readState(list []byte) (demoState, error) {
	var all struct{ Items []demoObject }
	if err := json.Unmarshal(list, &all); err != nil {
		return demoState{}, fmt.Errorf("reading the state of the demo: %w", err)
	}
	state := demoState{line: "Headway to look at the repository"}
	for _, item := range all.Items {
		if item.Metadata.Name != demoName && item.Spec.App != demoName {
			continue
		}
		for _, c := range item.Status.Conditions {
			if c.Type != "Ready" || item.Kind != "App" && c.Status == "True" {
				continue
			}
			if item.Kind == "App" && c.Status == "True" {
				return demoState{line: "app " + demoName + " is live", live: true}, nil
			}
			if item.Kind != "App" {
				first, _, _ := strings.Cut(c.Message, "\n")
				state.line = strings.TrimSpace(strings.ToLower(item.Kind) + " " + item.Metadata.Name + ": " + c.Reason + ": " + first)
				state.failed = item.Kind == "Revision" && c.Status == "False" && failures[c.Reason]
				if state.failed {
					state.line = strings.TrimSpace(state.line + strings.TrimPrefix(c.Message, first))
				}
			}
		}
	}
	return state, nil
}

// failures are the reasons of a Revision that no waiting cures.
var failures = map[string]bool{"BuildFailed": true, "NotBuilt": true, "TemplateNotFound": true, "InvalidArgs": true}

// open requests the URL as a browser would, and shows the first line. Browsers
// and curl find *.localhost on loopback whatever the machine's resolver says.
func (d demo) open(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+publicPort, nil)
	if err != nil {
		return err
	}
	request.Host = strings.TrimPrefix(demoURL, "http://")
	response, err := loopback.Do(request)
	if err != nil {
		return fmt.Errorf("opening %s: %w", demoURL, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return fmt.Errorf("opening %s: %w", demoURL, err)
	}
	first, _, _ := strings.Cut(string(body), "\n")
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", demoURL, response.Status, first)
	}
	d.s.result("%s answers: %s", demoURL, first)
	return nil
}
