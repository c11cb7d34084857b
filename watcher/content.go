package watcher

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/headway-dev/headway/watcher/git"
)

// maxLinks is how many links are followed to a file, as in Linux.
const maxLinks = 40

// content gives what is in the files of one commit, through the links between
// them.
type content struct {
	commit *git.Commit
	blobs  blobs
}

// blobs reads small files.
type blobs interface {
	Read(blob string, limit int64) ([]byte, error)
}

// Read returns a file; of a longer one, its first limit bytes or one more.
func (c content) Read(name string, limit int64) ([]byte, error) {
	f, err := c.file(name)
	if err != nil {
		return nil, err
	}
	return c.blobs.Read(f.Blob, limit)
}

// ID is that of the blob; empty for a link that leads to no file.
func (c content) ID(name string) string {
	f, err := c.file(name)
	if err != nil {
		return ""
	}
	return f.Blob
}

// Links are the symbolic links of the commit.
func (c content) Links() []string {
	var links []string
	for _, f := range c.commit.Files {
		if f.Mode == git.Symlink {
			links = append(links, f.Path)
		}
	}
	return links
}

// Target is where a link points.
func (c content) Target(link string) (string, error) {
	f, found := c.commit.File(link)
	if !found {
		return "", fmt.Errorf("%s: %w", link, fs.ErrNotExist)
	}
	target, err := c.blobs.Read(f.Blob, maxLinkTarget)
	return string(target), err
}

// file finds a file; the error wraps fs.ErrNotExist when there is none.
func (c content) file(name string) (git.File, error) {
	at := name
	for range maxLinks {
		f, found := c.commit.File(at)
		if !found {
			break
		}
		if f.Mode != git.Symlink {
			return f, nil
		}
		target, err := c.blobs.Read(f.Blob, maxLinkTarget)
		if err != nil {
			return git.File{}, err
		}
		at = path.Join(path.Dir(at), string(target))
	}
	return git.File{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// maxLinkTarget is the longest target of a link that is read, in bytes.
const maxLinkTarget = 4096
