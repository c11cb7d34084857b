package validate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/watcher/detect"
)

// checkout is a repository on disk: what a commit of it would hold.
type checkout struct {
	// root is the folder with .git, or the folder asked for without one.
	root  string
	files detect.Files
}

// openCheckout finds the repository around dir and lists its files.
func openCheckout(ctx context.Context, dir string) (*checkout, error) {
	dir, err := canonical(dir)
	if err != nil {
		return nil, err
	}
	root := dir
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			root = at
			break
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	files, err := gitFiles(ctx, root)
	if err != nil {
		// No git, or no repository: everything on disk counts.
		if files, err = diskFiles(root); err != nil {
			return nil, fmt.Errorf("listing the files of %s: %w", root, err)
		}
	}
	return &checkout{root: root, files: detect.NewFiles(files)}, nil
}

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
		if name == "" {
			continue
		}
		if _, err := os.Lstat(filepath.Join(root, name)); err == nil { // not deleted on disk
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

// display is how a person in the working folder would write the path.
func display(p string) string {
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
