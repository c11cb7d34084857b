package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/tree"
)

const (
	// maxTreeDepth bounds the folders in folders.
	maxTreeDepth = 256
	// maxPath is the longest path of a file, in bytes: Linux opens no longer one.
	maxPath = 4096
)

// Commit reads a commit and lists its files; no content is read. One with very
// many files waits for more memory to hold; what was read before has to be let go
// then. An error wraps ErrCorrupt when the cache has to be reset, and is an *Error
// when the commit is not one that Headway can take.
func (c *Cache) Commit(ctx context.Context, hash string) (*tree.Commit, error) {
	if err := c.Hold(ctx); err != nil {
		return nil, err
	}
	listed, err := c.list(hash)
	if !errors.Is(err, errLarge) {
		return listed, err
	}
	c.Rest()
	c.large = true
	if err := c.Hold(ctx); err != nil {
		return nil, err
	}
	return c.list(hash)
}

// errLarge: a commit needs more memory than what is held.
var errLarge = errors.New("a commit with very many files")

func (c *Cache) list(hash string) (*tree.Commit, error) {
	o, err := c.store.EncodedObject(plumbing.AnyObject, plumbing.NewHash(hash))
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w: %w", hash, ErrCorrupt, err)
	}
	if o.Type() != plumbing.CommitObject {
		return nil, fmt.Errorf("%s is a %s: %w", hash, o.Type(), ErrNotCommit)
	}
	commit, err := object.DecodeCommit(c.store, o)
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w: %w", hash, ErrCorrupt, err)
	}
	subject, _, _ := strings.Cut(strings.TrimLeft(commit.Message, "\r\n"), "\n")
	out := &tree.Commit{Hash: hash, Subject: oneLine(subject), Author: oneLine(commit.Author.Name)}
	l := lister{Commit: out, cache: c, entries: c.limits.Entries, bytes: c.limits.PathBytes}
	if err := l.list(commit.TreeHash, "", 0); err != nil {
		return nil, fmt.Errorf("reading the tree of commit %s: %w", hash, err)
	}
	out.Sort()
	return out, nil
}

// lister walks a tree. What it may still list counts every entry, folders too.
type lister struct {
	*tree.Commit
	cache   *Cache
	entries int
	bytes   int64
}

// held is the memory that the files take.
func (l *lister) held() int64 {
	limits := l.cache.limits
	return fileMemory*int64(limits.Entries-l.entries) + limits.PathBytes - l.bytes
}

// count takes an entry from what may still be listed.
func (l *lister) count(name string) error {
	l.entries--
	l.bytes -= int64(len(name))
	switch {
	case l.entries < 0:
		return failure(v1alpha1.ReasonTooLarge, "the commit has more than %d files and folders; split the repository", l.cache.limits.Entries)
	case len(name) > maxPath:
		return failure(v1alpha1.ReasonTooLarge, "the commit has a path of %d bytes, and %d are the most: %s; give its folders shorter names", len(name), maxPath, oneLine(name))
	case !l.cache.large && l.held() > listMemory:
		return errLarge
	case l.bytes < 0:
		return failure(v1alpha1.ReasonTooLarge, "the paths of the commit's files have more than %s together; split the repository, or give folders shorter names", size(l.cache.limits.PathBytes))
	}
	return nil
}

func (l *lister) list(id plumbing.Hash, folder string, depth int) error {
	if depth > maxTreeDepth {
		return failure(v1alpha1.ReasonTooLarge, "folders are nested more than %d deep; split the repository", maxTreeDepth)
	}
	t, err := object.GetTree(l.cache.store, id)
	if err != nil {
		return fmt.Errorf("folder %q: %w: %w", folder, ErrCorrupt, err)
	}
	seen := make(map[string]bool, len(t.Entries))
	for _, entry := range t.Entries {
		path := path.Join(folder, entry.Name)
		if err := l.count(path); err != nil {
			return err
		}
		if !safeName(entry.Name) || seen[entry.Name] {
			return failure(v1alpha1.ReasonFetchFailed, "the commit has a file %q in folder %q that git itself would refuse; remove it", oneLine(entry.Name), oneLine(folder))
		}
		seen[entry.Name] = true
		switch entry.Mode {
		case filemode.Dir:
			if err := l.list(entry.Hash, path, depth+1); err != nil {
				return err
			}
		case filemode.Regular, filemode.Deprecated:
			l.Files = append(l.Files, tree.File{Path: path, Mode: tree.Regular, Blob: entry.Hash.String()})
		case filemode.Executable:
			l.Files = append(l.Files, tree.File{Path: path, Mode: tree.Executable, Blob: entry.Hash.String()})
		case filemode.Symlink:
			l.Files = append(l.Files, tree.File{Path: path, Mode: tree.Symlink, Blob: entry.Hash.String()})
		case filemode.Submodule:
			l.Submodules = append(l.Submodules, tree.Submodule{Path: path, Commit: entry.Hash.String()})
		}
	}
	return nil
}

// safeName refuses the names that would lead out of a folder.
func safeName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.EqualFold(name, ".git") &&
		!strings.ContainsAny(name, "/\x00")
}

// Open opens the content of a file and gives its size in bytes.
func (c *Cache) Open(blob string) (int64, io.ReadCloser, error) {
	o, err := object.GetBlob(c.store, plumbing.NewHash(blob))
	if err != nil {
		return 0, nil, fmt.Errorf("reading file %s: %w: %w", blob, ErrCorrupt, err)
	}
	r, err := o.Reader()
	if err != nil {
		return 0, nil, fmt.Errorf("reading file %s: %w: %w", blob, ErrCorrupt, err)
	}
	return o.Size, r, nil
}

// Size is the size of a file in bytes.
func (c *Cache) Size(blob string) (int64, error) {
	size, err := c.store.EncodedObjectSize(plumbing.NewHash(blob))
	if err != nil {
		return 0, fmt.Errorf("reading file %s: %w: %w", blob, ErrCorrupt, err)
	}
	return size, nil
}

// Read reads a small file; of a longer one, limit+1 bytes.
func (c *Cache) Read(blob string, limit int64) ([]byte, error) {
	_, r, err := c.Open(blob)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("reading file %s: %w: %w", blob, ErrCorrupt, err)
	}
	return data, nil
}
