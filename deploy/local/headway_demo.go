package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
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
	tree, err := worktree.New(ctx, folder, demoName, "examples/"+demoName, password)
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

// demoLive waits until the app serves, and says how far it is. A build that
// failed ends the wait.
func demoLive(ctx context.Context, c *cluster, s *report) error {
	var last demoState
	err := poll(ctx, 10*time.Minute, 300*time.Millisecond, func(ctx context.Context) error {
		list, err := c.kubectl().Run(ctx, "", "get", "repositories,revisions,apps", "--namespace=default", "--output=json")
		if err != nil {
			return err
		}
		state, err := readState(list)
		if err != nil {
			return err
		}
		if state != last {
			s.note("%s", state.line)
			s.waitFor(state.line)
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

// readState takes the list of repositories, revisions and apps in this order. A
// live app is all there is to say; else the last Revision that is not ready
// says most, and before there is one, the Repository does.
func readState(list string) (demoState, error) {
	var all struct {
		Items []struct {
			metav1.TypeMeta   `json:",inline"`
			metav1.ObjectMeta `json:"metadata"`
			Spec              struct{ App string }
			Status            struct{ Conditions []metav1.Condition }
		}
	}
	if err := json.Unmarshal([]byte(list), &all); err != nil {
		return demoState{}, fmt.Errorf("reading the state of the demo: %w", err)
	}
	state := demoState{line: "Headway to look at the repository"}
	for _, item := range all.Items {
		ready := meta.FindStatusCondition(item.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || item.Name != demoName && item.Spec.App != demoName {
			continue
		}
		switch {
		case item.Kind == "App" && ready.Status == metav1.ConditionTrue:
			return demoState{line: "app " + demoName + " is live", live: true}, nil
		case item.Kind == "App" || ready.Status == metav1.ConditionTrue:
			continue
		}
		message, _, _ := strings.Cut(ready.Message, "\n")
		state.failed = item.Kind == "Revision" && ready.Status == metav1.ConditionFalse && failures[ready.Reason]
		if state.failed {
			message = ready.Message
		}
		state.line = strings.TrimSpace(strings.ToLower(item.Kind) + " " + item.Name + ": " + ready.Reason + ": " + message)
	}
	return state, nil
}

// failures are the reasons of a Revision that no waiting cures.
var failures = map[string]bool{"BuildFailed": true, "NotBuilt": true, "TemplateNotFound": true, "InvalidArgs": true}
