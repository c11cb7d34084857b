// Package clone works on the git clone around the working folder by the git
// program of the user: with their name, hooks, signature and credentials. It
// forces nothing, and never sends more than it was told to.
package clone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/headway-dev/headway/cmd/headway/cli"
)

// Clone is a working clone.
type Clone struct {
	s cli.Streams
	// Root is its top folder.
	Root string
	// Branch is the one that is checked out; empty for none.
	Branch string
	// Remote is the one that the cluster watches, once FindRemote has found it.
	Remote string
}

// Open finds the clone around the working folder.
func Open(ctx context.Context, s cli.Streams) (*Clone, error) {
	c := &Clone{s: s, Root: "."}
	root, err := c.Git(ctx, "rev-parse", "--show-toplevel")
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("there is no git program on this machine, and this command works by it")
	case err != nil:
		return nil, fmt.Errorf("this folder is in no clone of a git repository (%w); change to a clone of the app's", err)
	}
	c.Root = root
	// Without a branch git fails, and says nothing that matters.
	c.Branch, _ = c.Git(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	return c, nil
}

// FindRemote finds the remote that the cluster watches.
func (c *Clone) FindRemote(ctx context.Context) error {
	remotes, err := c.Git(ctx, "remote")
	if err != nil {
		return fmt.Errorf("listing remotes: %w", err)
	}
	upstream, _ := c.Git(ctx, "config", "branch."+c.Branch+".remote")
	c.Remote, err = chooseRemote(upstream, strings.Fields(remotes))
	return err
}

// chooseRemote is the remote of the branch that is checked out, else origin,
// else the only one.
func chooseRemote(upstream string, remotes []string) (string, error) {
	switch {
	case slices.Contains(remotes, upstream):
		return upstream, nil
	case slices.Contains(remotes, "origin"):
		return "origin", nil
	case len(remotes) == 1:
		return remotes[0], nil
	case len(remotes) == 0:
		return "", errors.New("this clone has no remote to push to; git remote add origin URL adds one")
	}
	return "", fmt.Errorf("this clone has the remotes %s, and none is called origin or is that of the branch: git branch --set-upstream-to", cli.Enumerate(remotes))
}

// Git runs a git command and returns what it prints, without the last line's
// end. Its error has what git says.
func (c *Clone) Git(ctx context.Context, args ...string) (string, error) {
	var out, words bytes.Buffer
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", c.Root}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.s.In, &out, &words
	if err := cmd.Run(); err != nil {
		if said := strings.TrimSpace(words.String()); said != "" {
			return "", errors.New(said)
		}
		return "", err
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// Run runs a git command that may take a while and talk: with hooks, or to a
// server.
func (c *Clone) Run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", c.Root}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.s.In, c.s.Err, c.s.Err
	return cmd.Run()
}

// Push sends one ref to the remote, and nothing that the user's configuration
// would add.
func (c *Clone) Push(ctx context.Context, ref string) error { return c.PushTo(ctx, ref, ref) }

// PushTo sends what the clone has, a ref or a commit, to a ref of the remote.
func (c *Clone) PushTo(ctx context.Context, from, ref string) error {
	return c.Run(ctx, "push", "--quiet", "--no-follow-tags", "--recurse-submodules=no", c.Remote, from+":"+ref)
}

// Delete deletes a ref of the remote if it is at a commit, and not otherwise.
func (c *Clone) Delete(ctx context.Context, ref, at string) error {
	return c.Run(ctx, "push", "--quiet", "--no-follow-tags", "--recurse-submodules=no", "--force-with-lease="+ref+":"+at, c.Remote, ":"+ref)
}

// Describe is a commit that the clone has, in one line.
func (c *Clone) Describe(ctx context.Context, commit string) (string, error) {
	subject, err := c.Git(ctx, "log", "-1", "--format=%s (%an, %as)", commit)
	if err != nil {
		return "", fmt.Errorf("reading commit %s: %w", commit, err)
	}
	return commit[:min(12, len(commit))] + " " + cli.Printable(subject, 200), nil
}

// Advertisement are the refs of the remote and what they point at: a tag at
// what it tags. Head is its default branch, by its full name.
type Advertisement struct {
	Head string
	Refs map[string]string
}

// List asks the remote.
func (c *Clone) List(ctx context.Context) (Advertisement, error) {
	out, err := c.Git(ctx, "ls-remote", "--symref", c.Remote)
	if err != nil {
		return Advertisement{}, fmt.Errorf("listing the refs of %s: %w", c.Remote, err)
	}
	return parseAdvertisement(out), nil
}

// parseAdvertisement reads what git ls-remote --symref prints.
func parseAdvertisement(out string) Advertisement {
	ad := Advertisement{Refs: map[string]string{}}
	for l := range strings.Lines(out) {
		value, name, _ := strings.Cut(strings.TrimRight(l, "\n"), "\t")
		target, symbolic := strings.CutPrefix(value, "ref: ")
		switch {
		case symbolic && name == "HEAD":
			ad.Head = target
		case !symbolic:
			// A tag comes before what it tags, which has ^{} behind its name.
			ad.Refs[strings.TrimSuffix(name, "^{}")] = value
		}
	}
	return ad
}

// Fetch fetches a branch and returns its head. It moves no branch of the clone.
func (c *Clone) Fetch(ctx context.Context, branch string) (string, error) {
	if _, err := c.Git(ctx, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", c.Remote, "refs/heads/"+branch); err != nil {
		return "", fmt.Errorf("fetching %s of %s: %w", branch, c.Remote, err)
	}
	return c.Git(ctx, "rev-parse", "--verify", "FETCH_HEAD^{commit}")
}

// Branches are those of the clone; none where git does not say.
func (c *Clone) Branches(ctx context.Context) []string {
	out, err := c.Git(ctx, "for-each-ref", "--format=%(refname:short)", "refs/heads")
	if err != nil {
		return nil
	}
	return strings.Fields(out)
}

// Resolve returns the full hash of a commit; with an error if the clone does
// not have it.
func (c *Clone) Resolve(ctx context.Context, commit string) (string, error) {
	full, err := c.Git(ctx, "rev-parse", "--verify", "--quiet", commit+"^{commit}")
	if err != nil || strings.HasPrefix(commit, "-") {
		return "", fmt.Errorf("this clone has no commit %s; git fetch %s gets what is new, or it is a clone of another repository", commit, c.Remote)
	}
	return full, nil
}

// Distance is how many commits HEAD is ahead of another commit, and behind it.
func (c *Clone) Distance(ctx context.Context, other string) (ahead, behind int, err error) {
	out, err := c.Git(ctx, "rev-list", "--left-right", "--count", "HEAD..."+other)
	left, right, _ := strings.Cut(out, "\t")
	if err == nil {
		ahead, err = strconv.Atoi(left)
	}
	if err == nil {
		behind, err = strconv.Atoi(right)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("comparing %s with %s: %w", c.Branch, c.Remote, err)
	}
	return ahead, behind, nil
}
