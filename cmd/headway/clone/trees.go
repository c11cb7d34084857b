package clone

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/headway-dev/headway/watcher/tree"
)

// Trees reads the files of commits, and of what the working folder would be as
// a commit. It is a tree.Blobs for all of them. Nothing is written to the clone:
// what is not in it yet goes into a folder of its own. It is for one goroutine.
type Trees struct {
	c *Clone
	// temporary has an index and objects of its own.
	temporary string
	env       []string
	cat       *exec.Cmd
	ask       io.WriteCloser
	answers   *bufio.Reader
}

// OpenTrees starts to read; Close ends it.
func (c *Clone) OpenTrees(ctx context.Context) (*Trees, error) {
	dir, err := os.MkdirTemp("", "headway-plan-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for objects: %w", err)
	}
	t := &Trees{c: c, temporary: dir}
	if err := t.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the clone: %w", err), os.RemoveAll(dir))
	}
	return t, nil
}

func (t *Trees) start(ctx context.Context) error {
	objects, err := t.c.Git(ctx, "rev-parse", "--path-format=absolute", "--git-path", "objects")
	if err != nil {
		return err
	}
	index, err := t.c.Git(ctx, "rev-parse", "--path-format=absolute", "--git-path", "index")
	if err != nil {
		return err
	}
	own := filepath.Join(t.temporary, "objects")
	if err := os.Mkdir(own, 0o700); err != nil {
		return err
	}
	// With the index of the clone git need not read what has not changed.
	data, err := os.ReadFile(index)
	if err == nil {
		err = os.WriteFile(filepath.Join(t.temporary, "index"), data, 0o600)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	t.env = append(os.Environ(), "GIT_INDEX_FILE="+filepath.Join(t.temporary, "index"),
		"GIT_OBJECT_DIRECTORY="+own, "GIT_ALTERNATE_OBJECT_DIRECTORIES="+objects)
	t.cat = exec.CommandContext(ctx, "git", "-C", t.c.Root, "cat-file", "--batch")
	t.cat.Env = t.env
	out, err := t.cat.StdoutPipe()
	if err != nil {
		return err
	}
	if t.ask, err = t.cat.StdinPipe(); err != nil {
		return err
	}
	t.answers = bufio.NewReader(out)
	return t.cat.Start()
}

// Close ends the reading and takes the folder away.
func (t *Trees) Close() error {
	return errors.Join(t.ask.Close(), t.cat.Wait(), os.RemoveAll(t.temporary))
}

// git runs a git command among the objects of t.
func (t *Trees) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", t.c.Root}, args...)...)
	cmd.Env = t.env
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(string(failed.Stderr)))
	}
	return string(out), err
}

// Working is the working folder as a commit: with all that git add would take.
// It has no hash, which is the one that the commit would get.
func (t *Trees) Working(ctx context.Context) (*tree.Commit, error) {
	if _, err := t.git(ctx, "-c", "advice.addEmbeddedRepo=false", "add", "--all", "."); err != nil {
		return nil, fmt.Errorf("reading the working folder: %w", err)
	}
	top, err := t.git(ctx, "write-tree")
	if err != nil {
		return nil, fmt.Errorf("reading the working folder: %w", err)
	}
	return t.files(ctx, strings.TrimSpace(top))
}

// Commit is a commit that the clone has, by its full hash.
func (t *Trees) Commit(ctx context.Context, hash string) (*tree.Commit, error) {
	c, err := t.files(ctx, hash)
	if err != nil {
		return nil, err
	}
	c.Hash = hash
	said, err := t.git(ctx, "log", "-1", "--format=%s%n%an", hash)
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w", hash, err)
	}
	c.Subject, c.Author, _ = strings.Cut(strings.TrimSuffix(said, "\n"), "\n")
	return c, nil
}

// files are those of a tree. What a submodule holds is not among them.
func (t *Trees) files(ctx context.Context, top string) (*tree.Commit, error) {
	out, err := t.git(ctx, "ls-tree", "-r", "-z", "--full-tree", top)
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", top, err)
	}
	return parseTree(out), nil
}

var modes = map[string]tree.Mode{"100644": tree.Regular, "100755": tree.Executable, "120000": tree.Symlink}

// parseTree reads what git ls-tree -r -z prints.
func parseTree(out string) *tree.Commit {
	c := &tree.Commit{}
	for entry := range strings.SplitSeq(out, "\x00") {
		about, name, _ := strings.Cut(entry, "\t")
		words := strings.Fields(about)
		if len(words) == 3 && modes[words[0]] != 0 {
			c.Files = append(c.Files, tree.File{Path: name, Mode: modes[words[0]], Blob: words[2]})
		} else if len(words) == 3 && words[1] == "commit" {
			c.Submodules = append(c.Submodules, tree.Submodule{Path: name, Commit: words[2]})
		}
	}
	c.Sort()
	return c
}

// Read returns the beginning of a blob, as tree.Blobs says.
func (t *Trees) Read(blob string, limit int64) ([]byte, error) {
	if _, err := io.WriteString(t.ask, blob+"\n"); err != nil {
		return nil, fmt.Errorf("asking git for %s: %w", blob, err)
	}
	head, err := t.answers.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", blob, err)
	}
	words := strings.Fields(head) // hash, type, size
	if len(words) != 3 {
		return nil, fmt.Errorf("reading %s: git says %q", blob, strings.TrimSpace(head))
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", blob, err)
	}
	data := make([]byte, min(size, limit+1))
	if _, err := io.ReadFull(t.answers, data); err != nil {
		return nil, fmt.Errorf("reading %s: %w", blob, err)
	}
	// The rest, and the line's end behind it.
	if _, err := io.CopyN(io.Discard, t.answers, size-int64(len(data))+1); err != nil {
		return nil, fmt.Errorf("reading %s: %w", blob, err)
	}
	return data, nil
}
