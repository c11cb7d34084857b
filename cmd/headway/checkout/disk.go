package checkout

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/headway-dev/headway/watcher/tree"
)

// disk is the content of a checkout: the id of a file is its path. It never
// leaves the checkout, whatever links there are.
type disk struct {
	root string
	// drafts are files that are to be written.
	drafts map[string]string
}

// Read returns a file, or where a link points.
func (d disk) Read(name string, limit int64) (data []byte, err error) {
	if draft, ok := d.drafts[name]; ok {
		return []byte(draft), nil
	}
	r, err := os.OpenRoot(d.root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(Bare(err), r.Close()) }()
	file := filepath.FromSlash(name)
	if target, err := r.Readlink(file); err == nil {
		return []byte(filepath.ToSlash(target)), nil
	}
	f, err := r.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// list are the files that a commit would hold of those with the given names:
// neither what is gone or behind a link out of the checkout, nor a pipe.
func (d disk) list(names []string) (files []tree.File, err error) {
	r, err := os.OpenRoot(d.root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for _, name := range names {
		info, err := r.Lstat(filepath.FromSlash(name))
		switch {
		case err != nil:
		case info.Mode().IsRegular():
			files = append(files, tree.File{Path: name, Mode: tree.Regular, Blob: name})
		case info.Mode().Type() == os.ModeSymlink:
			files = append(files, tree.File{Path: name, Mode: tree.Symlink, Blob: name})
		}
	}
	return files, nil
}
