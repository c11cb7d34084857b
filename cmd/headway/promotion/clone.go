package promotion

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

// clone is a working clone, and the remote that the cluster watches.
type clone struct {
	s cli.Streams
	// root is its top folder.
	root string
	// branch is the one that is checked out; empty for none.
	branch string
	remote string
}

// openClone finds the clone around the working folder.
func openClone(ctx context.Context, s cli.Streams) (*clone, error) {
	c := &clone{s: s, root: "."}
	root, err := c.git(ctx, "rev-parse", "--show-toplevel")
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("there is no git program on this machine, and this command works by it")
	case err != nil:
		return nil, fmt.Errorf("this folder is in no clone of a git repository (%w); change to a clone of the app's", err)
	}
	c.root = root
	// Without a branch git fails, and says nothing that matters.
	c.branch, _ = c.git(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	remotes, err := c.git(ctx, "remote")
	if err != nil {
		return nil, fmt.Errorf("listing remotes: %w", err)
	}
	upstream, _ := c.git(ctx, "config", "branch."+c.branch+".remote")
	c.remote, err = chooseRemote(upstream, strings.Fields(remotes))
	return c, err
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

// git runs a git command and returns what it prints, without the last line's
// end. Its error has what git says.
func (c *clone) git(ctx context.Context, args ...string) (string, error) {
	var out, words bytes.Buffer
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", c.root}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.s.In, &out, &words
	if err := cmd.Run(); err != nil {
		if said := strings.TrimSpace(words.String()); said != "" {
			return "", errors.New(said)
		}
		return "", err
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// run runs a git command that may take a while and talk: with hooks, or to a
// server.
func (c *clone) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", c.root}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.s.In, c.s.Err, c.s.Err
	return cmd.Run()
}

// push sends one ref to the remote, and nothing that the user's configuration
// would add.
func (c *clone) push(ctx context.Context, ref string) error {
	return c.run(ctx, "push", "--quiet", "--no-follow-tags", "--recurse-submodules=no", c.remote, ref+":"+ref)
}

// advertisement are the refs of the remote and what they point at: a tag at
// what it tags. HEAD is its default branch, by its full name.
type advertisement struct {
	head string
	refs map[string]string
}

func (c *clone) list(ctx context.Context) (advertisement, error) {
	out, err := c.git(ctx, "ls-remote", "--symref", c.remote)
	if err != nil {
		return advertisement{}, fmt.Errorf("listing the refs of %s: %w", c.remote, err)
	}
	return parseAdvertisement(out), nil
}

// parseAdvertisement reads what git ls-remote --symref prints.
func parseAdvertisement(out string) advertisement {
	ad := advertisement{refs: map[string]string{}}
	for l := range strings.Lines(out) {
		value, name, _ := strings.Cut(strings.TrimRight(l, "\n"), "\t")
		target, symbolic := strings.CutPrefix(value, "ref: ")
		switch {
		case symbolic && name == "HEAD":
			ad.head = target
		case !symbolic:
			// A tag comes before what it tags, which has ^{} behind its name.
			ad.refs[strings.TrimSuffix(name, "^{}")] = value
		}
	}
	return ad
}

// fetch fetches a branch and returns its head. It moves no branch of the clone.
func (c *clone) fetch(ctx context.Context, branch string) (string, error) {
	if _, err := c.git(ctx, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", c.remote, "refs/heads/"+branch); err != nil {
		return "", fmt.Errorf("fetching %s of %s: %w", branch, c.remote, err)
	}
	return c.git(ctx, "rev-parse", "--verify", "FETCH_HEAD^{commit}")
}

// resolve returns the full hash of a commit; with an error if the clone does
// not have it.
func (c *clone) resolve(ctx context.Context, commit string) (string, error) {
	full, err := c.git(ctx, "rev-parse", "--verify", "--quiet", commit+"^{commit}")
	if err != nil || strings.HasPrefix(commit, "-") {
		return "", fmt.Errorf("this clone has no commit %s; git fetch %s gets what is new, or it is a clone of another repository", commit, c.remote)
	}
	return full, nil
}

// distance is how many commits HEAD is ahead of another commit, and behind it.
func (c *clone) distance(ctx context.Context, other string) (ahead, behind int, err error) {
	out, err := c.git(ctx, "rev-list", "--left-right", "--count", "HEAD..."+other)
	left, right, _ := strings.Cut(out, "\t")
	if err == nil {
		ahead, err = strconv.Atoi(left)
	}
	if err == nil {
		behind, err = strconv.Atoi(right)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("comparing %s with %s: %w", c.branch, c.remote, err)
	}
	return ahead, behind, nil
}
