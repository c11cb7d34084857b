package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

// gitServer is the program.
const gitServer = "gitserver"

// startGitServer compiles and starts the git server.
func startGitServer(ctx context.Context, c *cluster, s *report) error {
	if _, err := c.gitPassword(); err != nil {
		return err
	}
	program, err := c.compileOwn(ctx, s, "./cmd/"+gitServer)
	if err != nil {
		return err
	}
	err = c.launch(ctx, s, process.Program{
		Name: gitServer, Path: program,
		Args: []string{
			"--listen=" + layout.GitEndpoint, "--root=" + c.places.State("git"),
			"--url=http://" + layout.GitHost, "--url=http://" + layout.GitEndpoint, // the cluster's, and what people clone by
			"--user=" + layout.GitUser, "--password-file=" + c.places.GitPassword(), "--webhook=" + layout.WebhookURL,
		},
		Configs: []string{program, c.places.GitPassword()}, // a newer program or password restarts it
	}, c.answers("http://"+layout.GitEndpoint+"/healthz"))
	s.result("%s at http://%s", s.done, layout.GitEndpoint)
	return err
}

// gitPassword is the git server's password, which is made up when there is none.
func (c *cluster) gitPassword() (string, error) {
	path := c.places.GitPassword()
	content, err := os.ReadFile(path)
	if password := strings.TrimSpace(string(content)); password != "" {
		return password, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the git server's password: %w", err)
	}
	password := rand.Text()
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("writing the git server's password: %w", err)
	}
	return password, nil
}
