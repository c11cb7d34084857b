package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/headway-dev/headway/watcher/spec"
)

// notPlainError says that a headway.yaml is something the cluster would not
// read: it takes files out of commits, and follows nothing.
type notPlainError struct{ what string }

func (e *notPlainError) Error() string {
	return "is " + e.what + "; " + spec.FileName + " must be a plain file"
}

// located is the canonical path of what the command line names, but for a
// headway.yaml that is a symlink: that one stays what it is.
func located(p string) (string, error) {
	if filepath.Base(p) != spec.FileName {
		return canonical(p)
	}
	dir, err := canonical(filepath.Dir(p))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, spec.FileName), nil
}

// readSpec reads a file of the checkout at root, a little more than may be in
// it and never all of a huge one. It never leaves the checkout, whatever links
// there are, and refuses what is no plain file with a *notPlainError.
func readSpec(root, rel string) (data []byte, err error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	name := filepath.FromSlash(rel)
	info, err := r.Lstat(name)
	if err != nil {
		return nil, err
	}
	if err := plainFile(info); err != nil {
		return nil, err
	}
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, spec.MaxBytes+1))
}

// plainFile returns a *notPlainError for anything but a plain file.
func plainFile(info fs.FileInfo) error {
	switch {
	case info.Mode().IsRegular():
		return nil
	case info.Mode()&fs.ModeSymlink != 0:
		return &notPlainError{"a symbolic link"}
	case info.IsDir():
		return &notPlainError{"a folder"}
	}
	return &notPlainError{"a device, pipe or socket"}
}
