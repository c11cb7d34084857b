package validate

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

// readSpec reads a headway.yaml of the checkout at root, a little more than may
// be in it. It refuses what is no plain file with a *notPlainError.
func readSpec(root, rel string) ([]byte, error) {
	return readPlain(root, rel, spec.MaxBytes+1, (*os.Root).Lstat)
}

// readPlain reads a plain file of the checkout at root, at most limit bytes of
// it. It never leaves the checkout, whatever links there are. stat tells what
// the file is: Lstat takes a link for one, Stat for what it leads to.
func readPlain(root, rel string, limit int64, stat func(*os.Root, string) (fs.FileInfo, error)) (data []byte, err error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	name := filepath.FromSlash(rel)
	info, err := stat(r, name)
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
	return io.ReadAll(io.LimitReader(f, limit))
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
