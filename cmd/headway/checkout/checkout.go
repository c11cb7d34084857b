// Package checkout reads a repository on disk as the cluster would read a commit
// of it: the files that git would commit, and what their headway.yaml files ask
// for. It changes nothing on disk and never leaves the folder it was given.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/specfile"
	"github.com/headway-dev/headway/watcher/tree"
)

// Checkout is a repository on disk, taken for a commit: what one of its files
// would hold.
type Checkout struct {
	// Root is the folder with .git, or the folder asked for without one.
	Root   string
	disk   disk
	Commit *tree.Commit
	Files  detect.Files
}

// Open lists the files of the repository at root.
func Open(ctx context.Context, root string) (*Checkout, error) {
	names, err := gitFiles(ctx, root)
	if err != nil {
		// No git, or no repository: everything on disk counts.
		names, err = diskFiles(root)
	}
	c := &Checkout{Root: root, disk: disk{root, map[string]string{}}, Commit: &tree.Commit{}}
	if err == nil {
		c.Commit.Files, err = c.disk.list(names)
	}
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", root, err)
	}
	c.Commit.Sort()
	c.Files = c.Commit.Paths()
	return c, nil
}

// RootOf is the repository around a folder; the folder itself without one.
func RootOf(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// Draft puts a file among those of the commit that is not written yet.
func (c *Checkout) Draft(name, text string) {
	c.disk.drafts[name] = text
	c.Commit.Files = slices.DeleteFunc(c.Commit.Files, func(f tree.File) bool { return f.Path == name })
	c.Commit.Files = append(c.Commit.Files, tree.File{Path: name, Mode: tree.Regular, Blob: name})
	c.Commit.Sort()
}

// Specs parses the headway.yaml files, without the files around them.
func (c *Checkout) Specs() (plan.SpecFiles, error) {
	return plan.ReadSpecFiles(c.Commit, c.disk, nil)
}

// Read does to the headway.yaml files what the watcher does to them in a commit.
func (c *Checkout) Read() (*plan.Snapshot, error) {
	specs, err := c.Specs()
	if err != nil {
		return nil, err
	}
	return specs.Resolve(c.Commit, c.disk, nil)
}

// Content is what is in the files.
func (c *Checkout) Content() tree.Content { return tree.Content{Commit: c.Commit, Blobs: c.disk} }

// Tree is what detection sees of the checkout.
func (c *Checkout) Tree() *detect.Tree { return detect.NewTree(c.Files, c.Content(), nil) }

// Canonical is the absolute path without symlinks, so that paths compare.
func Canonical(p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err != nil {
		return "", fmt.Errorf("resolving %s: %w", p, err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("resolving %s: %w", p, Bare(err))
	}
	return real, nil
}

// Located is the canonical path of what the command line names, but for a
// headway.yaml or headway.events.yaml that is a symlink: that one stays what it is.
func Located(p string) (string, error) {
	base := filepath.Base(p)
	if base != specfile.FileName && base != specfile.EventsFileName {
		return Canonical(p)
	}
	dir, err := Canonical(filepath.Dir(p))
	return filepath.Join(dir, base), err
}

// Bare is the cause of a file error without the path, which the caller gives.
func Bare(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// gitFiles are the files that are tracked or would be by git add: ignored ones
// never reach the cluster.
func gitFiles(ctx context.Context, root string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("running git ls-files: %w", err)
	}
	var files []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		if name != "" {
			files = append(files, name)
		}
	}
	return files, nil
}

// diskFiles are all files below root but git's own and installed packages.
func diskFiles(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && p == root:
			return err
		case err != nil, d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir // unreadable folders are not part of a commit either
		case !d.IsDir():
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	return files, err
}

// Rel is the path of p, which is canonical, in the repository.
func (c *Checkout) Rel(p string) (string, error) {
	rel, err := filepath.Rel(c.Root, p)
	if err != nil {
		return "", fmt.Errorf("locating %s in %s: %w", p, c.Root, err)
	}
	return filepath.ToSlash(rel), nil
}

// Display is how a person in the working folder would write the path of a file.
func (c *Checkout) Display(name string) string {
	p := filepath.Join(c.Root, filepath.FromSlash(name))
	wd, err := Canonical(".")
	if err != nil {
		return p
	}
	rel, err := filepath.Rel(wd, p)
	if err != nil {
		return p
	}
	return rel
}
