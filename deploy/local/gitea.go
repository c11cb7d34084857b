package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headway-dev/headway/deploy/command"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

// gitea is the program, and the value of --forge that asks for it.
const gitea = "gitea"

// giteaUser is the numeric id that it runs under: it refuses to be root. Nobody
// on the machine needs to have it.
const giteaUser = 64242

// forgeSteps bring up the forge that was asked for; none for "".
func forgeSteps(forge string) []step {
	if forge != gitea {
		return nil
	}
	return []step{
		{name: "gitea program", run: compileGitea},
		{name: "gitea", log: gitea, run: startGitea},
	}
}

// startGitea starts Gitea with an administrator and a token for its API.
func startGitea(ctx context.Context, c *cluster, s *report) error {
	bin, err := c.giteaBin(ctx)
	if err != nil {
		return err
	}
	source, err := giteaSource(ctx)
	if err != nil {
		return err
	}
	// It signs with these what it hands out, and calls itself from git's hooks.
	if _, err := secret(c.places.State("gitea-secret")); err != nil {
		return err
	}
	folder, home, programs := c.places.State(gitea), layout.GiteaHome(), filepath.Join(layout.Runtime, filepath.Base(bin))
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.Chown(folder, giteaUser, giteaUser)); err != nil {
		return fmt.Errorf("giving %s its folder: %w", gitea, err)
	}
	if err := errors.Join(c.mountOpen(ctx, folder, home), c.mountOpen(ctx, bin, programs)); err != nil {
		return err
	}
	values := newSettings(c.places)
	values.GiteaSource = source
	config, err := c.writeConfig("gitea.ini", "gitea.ini", values)
	if err != nil {
		return err
	}
	program := process.Program{
		Name: gitea, Path: filepath.Join(programs, gitea),
		Args:    []string{"web", "--config=" + config, "--pid=" + filepath.Join(home, "pid")},
		Env:     []string{"HOME=" + home, "USER=" + gitea, "GIT_CONFIG_NOSYSTEM=1"},
		User:    giteaUser,
		Configs: []string{config},
	}
	if err := c.launch(ctx, s, program, c.answers(layout.GiteaURL+"/api/healthz")); err != nil {
		return err
	}
	s.result("%s at %s, user %s, token in %s", s.done, layout.GiteaURL, layout.GitUser, c.places.GiteaToken())
	return c.giteaToken(ctx, s, program, config)
}

// mountOpen makes a folder reachable at a path of the runtime folder, to users who
// may not pass through a closed folder on the way to it.
func (c *cluster) mountOpen(ctx context.Context, folder, at string) error {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return fmt.Errorf("making a mount point: %w", err)
	}
	mounted, err := ourMounts(c.places)
	if err != nil || slices.Contains(mounted, at) {
		return err
	}
	return call(ctx, "", "mount", "--bind", folder, at)
}

// giteaToken makes the administrator, and a token with all rights, unless the
// token is there. The token is the only way in: the password is random, and not
// kept.
func (c *cluster) giteaToken(ctx context.Context, s *report, program process.Program, config string) error {
	path := c.places.GiteaToken()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.waitFor("the administrator of " + gitea)
	admin := func(arguments ...string) (string, error) {
		run := exec.CommandContext(ctx, program.Path, append([]string{"admin", "user", "--config=" + config}, arguments...)...)
		run.Dir = "/"
		run.Env = append(os.Environ(), program.Env...)
		run.SysProcAttr = program.Attributes()
		return command.Output(run)
	}
	// A killed `up` may have made one before it could write the token.
	users, err := admin("list")
	if err != nil {
		return err
	}
	if !strings.Contains(users, " "+layout.GitUser+" ") {
		if _, err := admin("create", "--username="+layout.GitUser, "--email="+layout.GitUser+"@localhost", "--random-password", "--must-change-password=false", "--admin"); err != nil {
			return err
		}
	}
	token, err := admin("generate-access-token", "--username="+layout.GitUser, "--token-name=up-"+rand.Text(), "--scopes=all", "--raw")
	if err != nil {
		return err
	}
	return replaceFile(path, []byte(strings.TrimSpace(token)+"\n"))
}
