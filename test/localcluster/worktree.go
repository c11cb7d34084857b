package localcluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/deploy/local/layout"
)

// WorkTree is a git work tree on this machine whose origin is the git server.
type WorkTree struct {
	// Dir is the folder of the work tree.
	Dir string
	// URL is how the cluster names the repository, HostURL how this machine
	// does; neither holds the password.
	URL, HostURL string

	password string
}

// NewWorkTree fills dir with exactly the files of an example folder. Nothing is
// committed yet; the first push makes the repository, "owner/name", on the server.
func (c *Cluster) NewWorkTree(ctx context.Context, dir, name, example string) (*WorkTree, error) {
	w := &WorkTree{
		Dir:      dir,
		URL:      "http://" + layout.GitHost + "/" + name + ".git",
		HostURL:  "http://" + layout.GitEndpoint + "/" + name + ".git",
		password: c.GitPassword,
	}
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		return nil, fmt.Errorf("copying %s: %w", example, err)
	}
	if _, err := w.Git(ctx, "init", "--quiet", "--initial-branch=main"); err != nil {
		return nil, err
	}
	origin := strings.Replace(w.HostURL, "://", "://"+GitUser+":"+c.GitPassword+"@", 1)
	_, err := w.Git(ctx, "remote", "add", "origin", origin)
	return w, err
}

// Git runs in the work tree, with no configuration of the machine's own.
func (w *WorkTree) Git(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", arguments...)
	command.Dir = w.Dir
	command.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		said := strings.ReplaceAll(stderr.String(), w.password, "***")
		return "", fmt.Errorf("running git %s: %w: %s", arguments[0], err, strings.TrimSpace(said))
	}
	return strings.TrimSpace(string(out)), nil
}

// Commit takes everything in the work tree into a commit.
func (w *WorkTree) Commit(ctx context.Context, subject string) error {
	if _, err := w.Git(ctx, "add", "--all"); err != nil {
		return err
	}
	_, err := w.Git(ctx, "commit", "--quiet", "--message", subject)
	return err
}

// Push pushes the branch as it is and returns the full commit.
func (w *WorkTree) Push(ctx context.Context) (string, error) {
	if _, err := w.Git(ctx, "push", "--quiet", "origin", "HEAD"); err != nil {
		return "", err
	}
	return w.Git(ctx, "rev-parse", "HEAD")
}

// Write replaces a file; it makes the folder of a new one.
func (w *WorkTree) Write(path, text string) error {
	path = filepath.Join(w.Dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// Edit replaces the one place in a file that reads before.
func (w *WorkTree) Edit(path, before, after string) error {
	data, err := os.ReadFile(filepath.Join(w.Dir, path))
	if err != nil {
		return err
	}
	if n := strings.Count(string(data), before); n != 1 {
		return fmt.Errorf("%q stands in %s %d times, want once", before, path, n)
	}
	return w.Write(path, strings.Replace(string(data), before, after, 1))
}
