package validate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/headway-dev/headway/watcher/detect"
)

// tree is what detection sees of the checkout.
func (c *checkout) tree() *detect.Tree {
	return detect.NewTree(c.files, diskContent{c.root, c.files}, nil)
}

// diskContent reads the files of the checkout at root.
type diskContent struct {
	root  string
	files detect.Files
}

// Read returns at most limit bytes of a file. A link out of the checkout leads
// to nothing, as it does in a commit.
func (d diskContent) Read(name string, limit int64) ([]byte, error) {
	data, err := readPlain(d.root, name, limit, (*os.Root).Stat)
	if err == nil {
		return data, nil
	}
	info, _ := os.Lstat(filepath.Join(d.root, filepath.FromSlash(name)))
	var unfit *notPlainError
	if errors.As(err, &unfit) || info != nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return nil, bare(err)
}

// ID is the name: a checkout has one content for each.
func (diskContent) ID(name string) string { return name }

// Links are the files of the checkout that are symbolic links.
func (d diskContent) Links() []string {
	var links []string
	for _, name := range d.files {
		if info, err := os.Lstat(filepath.Join(d.root, filepath.FromSlash(name))); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			links = append(links, name)
		}
	}
	return links
}

// Target is where a link points.
func (d diskContent) Target(link string) (string, error) {
	target, err := os.Readlink(filepath.Join(d.root, filepath.FromSlash(link)))
	return filepath.ToSlash(target), bare(err)
}
