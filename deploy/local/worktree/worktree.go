// Package worktree makes git work trees on this machine whose origin is a git
// server of the local cluster.
package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/deploy/command"
	"github.com/headway-dev/headway/deploy/local/layout"
)

// Tree is a git work tree.
type Tree struct {
	// Dir is the folder of the work tree.
	Dir string
	// URL is how the cluster names the repository, HostURL how this machine
	// does; neither holds the password.
	URL, HostURL string

	passwords []string
}

// Remote is a repository, and who may push to it.
type Remote struct {
	// URL is how the cluster names the repository, HostURL how this machine does.
	URL, HostURL   string
	User, Password string
}

// GitServer is a repository of the git server, "name" or "owner/name"; the first
// push makes it. The password is that of layout.GitUser.
func GitServer(name, password string) Remote {
	return Remote{
		URL:     "http://" + layout.GitHost + "/" + name + ".git",
		HostURL: "http://" + layout.GitEndpoint + "/" + name + ".git",
		User:    layout.GitUser, Password: password,
	}
}

// New fills dir with exactly the files of an example folder. Nothing is committed
// yet.
func New(ctx context.Context, dir, example string, remote Remote) (*Tree, error) {
	t := &Tree{Dir: dir, URL: remote.URL, HostURL: remote.HostURL}
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		return nil, fmt.Errorf("copying %s: %w", example, err)
	}
	if _, err := t.Git(ctx, "init", "--quiet", "--initial-branch=main"); err != nil {
		return nil, err
	}
	return t, t.AddRemote(ctx, "origin", remote)
}

// AddRemote names a further repository that the tree can be pushed to.
func (t *Tree) AddRemote(ctx context.Context, name string, remote Remote) error {
	t.passwords = append(t.passwords, remote.Password)
	url := strings.Replace(remote.HostURL, "://", "://"+remote.User+":"+remote.Password+"@", 1)
	_, err := t.Git(ctx, "remote", "add", name, url)
	return err
}

// Git runs in the work tree, with no configuration of the machine's own, and never
// asks.
func (t *Tree) Git(ctx context.Context, arguments ...string) (string, error) {
	git := exec.CommandContext(ctx, "git", arguments...)
	git.Dir = t.Dir
	git.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "no_proxy=*",
		"GIT_AUTHOR_NAME=Headway", "GIT_AUTHOR_EMAIL=headway@localhost", "GIT_COMMITTER_NAME=Headway", "GIT_COMMITTER_EMAIL=headway@localhost")
	out, err := command.Output(git)
	if err != nil {
		text := err.Error()
		for _, password := range t.passwords {
			text = strings.ReplaceAll(text, password, "***")
		}
		return "", errors.New(text)
	}
	return strings.TrimSpace(out), nil
}

// Commit takes everything in the work tree into a commit.
func (t *Tree) Commit(ctx context.Context, subject string) error {
	if _, err := t.Git(ctx, "add", "--all"); err != nil {
		return err
	}
	_, err := t.Git(ctx, "commit", "--quiet", "--message", subject)
	return err
}

// Push pushes the branch as it is and returns the full commit.
func (t *Tree) Push(ctx context.Context) (string, error) {
	if _, err := t.Git(ctx, "push", "--quiet", "origin", "HEAD"); err != nil {
		return "", err
	}
	return t.Git(ctx, "rev-parse", "HEAD")
}

// Write replaces a file; it makes the folder of a new one.
func (t *Tree) Write(path, text string) error {
	path = filepath.Join(t.Dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// Edit replaces the one place in a file that reads before.
func (t *Tree) Edit(path, before, after string) error {
	data, err := os.ReadFile(filepath.Join(t.Dir, path))
	if err != nil {
		return err
	}
	if n := strings.Count(string(data), before); n != 1 {
		return fmt.Errorf("%q stands in %s %d times, want once", before, path, n)
	}
	return t.Write(path, strings.Replace(string(data), before, after, 1))
}
