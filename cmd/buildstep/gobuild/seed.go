package gobuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// seed fills the build cache with the compiled standard library of the build
// image, so that the first build of a repository does not compile it; that is
// most of a cold build. It happens once for each Go version. A build image
// without a seed is fine.
//
// Entries of Go's cache are named by hashes, so that a copy merges into what is
// there, whichever builds run meanwhile.
func seed(ctx context.Context, from, cache string) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	version, err := goEnv(ctx, "GOVERSION")
	if err != nil {
		return err
	}
	mark := filepath.Join(cache, "seeded-"+version)
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	err = fs.WalkDir(os.DirFS(from), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(cache, name)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if _, err := os.Stat(target); err == nil {
			return nil
		}
		return copyFile(filepath.Join(from, name), target)
	})
	if err != nil {
		return fmt.Errorf("seeding the build cache: %w", err)
	}
	return os.WriteFile(mark, nil, 0o644)
}

// goEnv is a variable of the Go command.
func goEnv(ctx context.Context, name string) (string, error) {
	value, err := exec.CommandContext(ctx, "go", "env", name).Output()
	if err != nil {
		return "", fmt.Errorf("asking for Go's %s: %w", name, err)
	}
	return strings.TrimSpace(string(value)), nil
}

// copyFile writes the target in one move, so that nobody sees half of it.
func copyFile(source, target string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(target), ".seed-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), target)
}
