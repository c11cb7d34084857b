package validate

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

// checkout is a repository on disk, taken for a commit: what one of its files
// would hold.
type checkout struct {
	// root is the folder with .git, or the folder asked for without one.
	root   string
	disk   disk
	commit *tree.Commit
	files  detect.Files
}

// openCheckout lists the files of the repository at root.
func openCheckout(ctx context.Context, root string) (*checkout, error) {
	names, err := gitFiles(ctx, root)
	if err != nil {
		// No git, or no repository: everything on disk counts.
		names, err = diskFiles(root)
	}
	c := &checkout{root: root, disk: disk{root, map[string]string{}}, commit: &tree.Commit{}}
	if err == nil {
		c.commit.Files, err = c.disk.list(names)
	}
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", root, err)
	}
	c.commit.Sort()
	c.files = c.commit.Paths()
	return c, nil
}

// rootOf is the repository around a folder; the folder itself without one.
func rootOf(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// draft puts a file among those of the commit that is not written yet.
func (c *checkout) draft(name, text string) {
	c.disk.drafts[name] = text
	c.commit.Files = slices.DeleteFunc(c.commit.Files, func(f tree.File) bool { return f.Path == name })
	c.commit.Files = append(c.commit.Files, tree.File{Path: name, Mode: tree.Regular, Blob: name})
	c.commit.Sort()
}

// read does to the headway.yaml files what the watcher does to them in a commit.
func (c *checkout) read() (*plan.Snapshot, error) {
	specs, err := plan.ReadSpecFiles(c.commit, c.disk, nil)
	if err != nil {
		return nil, err
	}
	return specs.Resolve(c.commit, c.disk, nil)
}

// content is what is in the files.
func (c *checkout) content() tree.Content { return tree.Content{Commit: c.commit, Blobs: c.disk} }

// tree is what detection sees of the checkout.
func (c *checkout) tree() *detect.Tree { return detect.NewTree(c.files, c.content(), nil) }

// canonical is the absolute path without symlinks, so that paths compare.
func canonical(p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err != nil {
		return "", fmt.Errorf("resolving %s: %w", p, err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("resolving %s: %w", p, bare(err))
	}
	return real, nil
}

// located is the canonical path of what the command line names, but for a
// headway.yaml that is a symlink: that one stays what it is.
func located(p string) (string, error) {
	if filepath.Base(p) != specfile.FileName {
		return canonical(p)
	}
	dir, err := canonical(filepath.Dir(p))
	return filepath.Join(dir, specfile.FileName), err
}

// bare is the cause of a file error without the path, which the caller gives.
func bare(err error) error {
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

// rel is the path of p, which is canonical, in the repository.
func (c *checkout) rel(p string) (string, error) {
	rel, err := filepath.Rel(c.root, p)
	if err != nil {
		return "", fmt.Errorf("locating %s in %s: %w", p, c.root, err)
	}
	return filepath.ToSlash(rel), nil
}

// display is how a person in the working folder would write the path of a file.
func (c *checkout) display(name string) string {
	p := filepath.Join(c.root, filepath.FromSlash(name))
	wd, err := canonical(".")
	if err != nil {
		return p
	}
	rel, err := filepath.Rel(wd, p)
	if err != nil {
		return p
	}
	return rel
}
