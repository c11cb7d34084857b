package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/headway-dev/headway/deploy/command"
	"github.com/headway-dev/headway/deploy/local/layout"
)

// headwaySteps install Headway on the running cluster and show it at work.
func headwaySteps() []step {
	return []step{
		{name: "git server", log: gitServer, run: startGitServer},
		{name: "headway", run: installHeadway},
		{name: "demo", run: showDemo},
		{name: "ready", run: sayNext},
	}
}

// installHeadway runs the installer that `make deploy` runs, with the settings
// of this cluster.
func installHeadway(ctx context.Context, c *cluster, s *report) error {
	if err := c.prepareEventing(ctx, s); err != nil {
		return err
	}
	program, err := c.compileOwn(ctx, s, "./deploy/install")
	if err != nil {
		return err
	}
	install := exec.CommandContext(ctx, program,
		"--registry="+layout.RegistryHost+"/headway", "--registry-address="+layout.RegistryEndpoint, "--plain-http",
		"--apps-registry="+layout.RegistryHost+"/apps",
		"--domain=localhost", "--public-port="+layout.PublicPort, "--events-url="+layout.EventsURL,
		"--eventing-replicas="+strconv.Itoa(c.eventingReplicas), "--kustomization=deploy/local/headway", "--tools="+c.bin)
	install.Env = append(os.Environ(), "KUBECONFIG="+c.places.Kubeconfig(), "PATH="+c.bin+":"+os.Getenv("PATH"))
	output, err := install.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting the installer: %w", err)
	}
	var complaints bytes.Buffer
	install.Stderr = &complaints
	if err := install.Start(); err != nil {
		return fmt.Errorf("starting the installer: %w", err)
	}
	last := ""
	for lines := bufio.NewScanner(output); lines.Scan(); {
		last = lines.Text()
		s.note("%s", last)
		s.waitFor("the installer: " + last)
	}
	if err := install.Wait(); err != nil {
		if complaints.Len() == 0 {
			return fmt.Errorf("running the installer: %w", err)
		}
		return errors.New(strings.TrimSpace(command.LastLines(complaints.String(), 60)))
	}
	s.result("%s", last)
	return nil
}

// programs is the folder of this module's own compiled programs.
func programs(places layout.Layout) string { return filepath.Join(places.Root, "programs") }

// compileOwn compiles a program of this module, which takes a moment when
// nothing has changed, and returns its path.
func (c *cluster) compileOwn(ctx context.Context, s *report, pkg string) (string, error) {
	path := filepath.Join(programs(c.places), filepath.Base(pkg))
	s.waitFor("the compiler: " + pkg)
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	_, err := command.Output(build)
	return path, err
}

// sayNext ends `make up` with what to do now.
func sayNext(_ context.Context, c *cluster, s *report) error {
	s.note("%s", demoURL)
	s.note("")
	s.note(`eval "$(go run ./deploy/local env)"   puts headway and kubectl on the PATH, for this cluster`)
	s.note("headway status                        shows what is live")
	s.note("")
	s.note("change the app and push it:")
	s.note(`git clone "http://%s:$(cat %s)@%s/%s.git"`, layout.GitUser, c.places.GitPassword(), layout.GitEndpoint, demoName)
	s.note("")
	s.note("make down                             takes all of it away again")
	return nil
}
