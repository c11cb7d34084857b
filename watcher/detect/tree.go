package detect

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/headway-dev/headway/watcher/specfile"
)

// maxBytes is how much of a file is read: what decides stands at the beginning
// of even the longest ones.
const maxBytes = 1 << 20

// Content gives what is in the files of a commit.
type Content interface {
	// Read returns a file; of a longer one, at least its first limit bytes.
	// The error wraps fs.ErrNotExist where a link leads to no file.
	Read(name string, limit int64) ([]byte, error)
	// ID is the same for two files only if their contents are.
	ID(name string) string
	// Links are the names of all symbolic links, sorted by byte order.
	Links() []string
	// Target is where a link points.
	Target(link string) (string, error)
}

// Tree is a commit: the names of all its files, and the content of the few
// that decide how it is built. One goroutine at a time.
type Tree struct {
	Files
	content Content
	memo    *Memo
	// links are the names of the symbolic links.
	links Files
}

// NewTree is the tree of a commit. A nil memo remembers nothing beyond it.
func NewTree(files Files, content Content, memo *Memo) *Tree {
	if memo == nil {
		memo = &Memo{}
	}
	return &Tree{Files: files, content: content, memo: memo, links: content.Links()}
}

// without is the tree without the files that a glob matches.
func (t *Tree) without(ignored specfile.Globs) *Tree {
	out := *t
	out.Files, out.links = t.Without(ignored), t.links.Without(ignored)
	return &out
}

// read returns the beginning of a file; nothing of one that is not there.
func (t *Tree) read(name string) ([]byte, error) {
	if !t.Has(name) {
		return nil, nil
	}
	data, err := t.content.Read(name, maxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, nil
}

// Memo remembers what Go files say, so that the next commit of a repository
// costs no more than the files it has changed. The zero value is empty. One
// goroutine at a time.
type Memo struct {
	files map[memoKey]goFile
}

// memoKey is all that a goFile follows from.
type memoKey struct{ name, id, tags string }

// maxMemo is the number of Go files that a Memo remembers, some 300 bytes each.
const maxMemo = 20_000

func (m *Memo) put(key memoKey, f goFile) {
	if m.files == nil {
		m.files = map[memoKey]goFile{}
	}
	if len(m.files) >= maxMemo {
		clear(m.files)
	}
	m.files[key] = f
}
