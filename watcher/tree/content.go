package tree

import (
	"fmt"
	"io/fs"
	"path"
)

// maxLinks is how many links are followed to a file, as in Linux.
const maxLinks = 40

// Blobs reads the content of small files, and the targets of links.
type Blobs interface {
	// Read returns what an id stands for; of something longer, its first limit
	// bytes or one more.
	Read(blob string, limit int64) ([]byte, error)
}

// Content gives what is in the files of one commit, through the links between
// them.
type Content struct {
	Commit *Commit
	Blobs  Blobs
}

// Read returns a file; of a longer one, its first limit bytes or one more.
func (c Content) Read(name string, limit int64) ([]byte, error) {
	f, err := c.file(name)
	if err != nil {
		return nil, err
	}
	return c.Blobs.Read(f.Blob, limit)
}

// ID is that of the blob; empty for a link that leads to no file.
func (c Content) ID(name string) string {
	f, err := c.file(name)
	if err != nil {
		return ""
	}
	return f.Blob
}

// Links are the symbolic links of the commit.
func (c Content) Links() []string {
	var links []string
	for _, f := range c.Commit.Files {
		if f.Mode == Symlink {
			links = append(links, f.Path)
		}
	}
	return links
}

// Target is where a link points.
func (c Content) Target(link string) (string, error) {
	f, found := c.Commit.File(link)
	if !found {
		return "", fmt.Errorf("%s: %w", link, fs.ErrNotExist)
	}
	target, err := c.Blobs.Read(f.Blob, maxLinkTarget)
	return string(target), err
}

// file finds a file; the error wraps fs.ErrNotExist when there is none.
func (c Content) file(name string) (File, error) {
	at := name
	for range maxLinks {
		f, found := c.Commit.File(at)
		if !found {
			break
		}
		if f.Mode != Symlink {
			return f, nil
		}
		target, err := c.Blobs.Read(f.Blob, maxLinkTarget)
		if err != nil {
			return File{}, err
		}
		at = path.Join(path.Dir(at), string(target))
	}
	return File{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// maxLinkTarget is the longest target of a link that is read, in bytes.
const maxLinkTarget = 4096
