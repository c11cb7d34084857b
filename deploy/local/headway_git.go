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
func (c *cluster) gitPassword() (string, error) { return secret(c.places.GitPassword()) }

// secretLength is that of 32 bytes in base64, which Gitea wants.
const secretLength = 43

// secret reads a random text from a file, which is made when there is none.
func secret(path string) (string, error) {
	content, err := os.ReadFile(path)
	if text := strings.TrimSpace(string(content)); text != "" {
		return text, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	text := (rand.Text() + rand.Text())[:secretLength]
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("writing a secret: %w", err)
	}
	return text, nil
}
