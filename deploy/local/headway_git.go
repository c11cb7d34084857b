package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

const (
	// gitServer is the program, gitUser its one account.
	gitServer, gitUser = "gitserver", "headway"
	// webhookURL is where the controller takes hints on loopback: the node port
	// of the Service headway-webhook.
	webhookURL = "http://127.0.0.1:8081/webhook"
)

// startGitServer compiles and starts the git server.
func startGitServer(ctx context.Context, c *cluster, s *report) error {
	password, err := c.gitPassword()
	if err != nil {
		return err
	}
	program, err := c.compileOwn(ctx, s, "./cmd/"+gitServer)
	if err != nil {
		return err
	}
	s.waitFor("the git server to be healthy")
	started, err := process.Ensure(ctx, process.Program{
		Name: gitServer, Path: program, Log: c.places.Log(gitServer),
		Args: []string{
			"--listen=" + layout.GitEndpoint, "--root=" + c.places.State("git"),
			"--url=http://" + layout.GitHost, "--url=http://" + layout.GitEndpoint, // the cluster's, and what people clone by
			"--user=" + gitUser, "--password-file=" + password, "--webhook=" + webhookURL,
		},
		Configs: []string{program, password}, // a newer program or password restarts it
	})
	if err != nil {
		return err
	}
	err = poll(ctx, 20*time.Second, 50*time.Millisecond, func(ctx context.Context) error {
		if running, err := process.Running(gitServer, program); err != nil || !running {
			return fmt.Errorf("the git server does not run, see %s", c.places.Log(gitServer))
		}
		return healthy(ctx, "http://"+layout.GitEndpoint+"/healthz")
	})
	if err != nil {
		return err
	}
	state := "running already"
	if started {
		state = "started"
	}
	s.result("%s at http://%s", state, layout.GitEndpoint)
	return nil
}

// healthy checks that a URL of this machine answers 200.
func healthy(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := loopback.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// loopback talks to this machine past any proxy.
var loopback = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}

// gitPassword is the path of the file with the git server's password, which is
// made up when it is not there.
func (c *cluster) gitPassword() (string, error) {
	path := c.places.State("git-password")
	content, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(content))) > 0 {
		return path, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the git server's password: %w", err)
	}
	if err := os.WriteFile(path, []byte(rand.Text()+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("writing the git server's password: %w", err)
	}
	return path, nil
}
