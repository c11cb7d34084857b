package git

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Who makes the commits that Headway pushes.
const (
	authorName  = "Headway"
	authorEmail = "headway@noreply"
)

// ErrNoChange: the files are in the commit already.
var ErrNoChange = errors.New("the files are as they are to become")

// Revert is a commit to make: that on top of Head which has some files as
// another commit has them.
type Revert struct {
	// Head becomes the parent; From has the files. Both are in the cache.
	Head, From string
	// Paths of the files, and of submodules. Those that From has not are removed;
	// folders are not named.
	Paths []string
	// Message of the commit, and when it is made.
	Message string
	When    time.Time
}

// Made is a commit that the remote does not have yet.
type Made struct {
	// Hash of the commit.
	Hash string
	// objects are the commit, and what it has and its parent has not.
	objects *memory.Storage
}

// Revert makes a commit, in memory alone. Modes, links and the commits of
// submodules are taken as they are. The error is ErrNoChange where the commit
// would change nothing, wraps ErrCorrupt where the cache has to be reset, and is
// an *Error where the commit cannot be made.
func (c *Cache) Revert(r Revert) (*Made, error) {
	head, err := c.tree(r.Head)
	if err != nil {
		return nil, err
	}
	from, err := c.tree(r.From)
	if err != nil {
		return nil, err
	}
	w := &writer{cache: c, made: memory.NewStorage(), folders: map[plumbing.Hash]*object.Tree{}, budget: c.limits.PushBytes}
	root := &edit{}
	for _, name := range r.Paths {
		entry, err := w.find(from, name)
		if err != nil {
			return nil, err
		}
		root.at(name).set(entry)
	}
	tree, err := w.folder(head, "", root)
	if err != nil {
		return nil, err
	}
	if tree == head {
		return nil, ErrNoChange
	}
	who := object.Signature{Name: authorName, Email: authorEmail, When: r.When.UTC()}
	hash, err := w.store(&object.Commit{Author: who, Committer: who, Message: r.Message,
		TreeHash: tree, ParentHashes: []plumbing.Hash{plumbing.NewHash(r.Head)}})
	if err != nil {
		return nil, err
	}
	return &Made{Hash: hash.String(), objects: w.made}, nil
}

// tree is that of a commit.
func (c *Cache) tree(hash string) (plumbing.Hash, error) {
	commit, err := object.GetCommit(c.store, plumbing.NewHash(hash))
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("reading commit %s: %w: %w", hash, ErrCorrupt, err)
	}
	return commit.TreeHash, nil
}

// edit is what becomes of one name in a folder.
type edit struct {
	// named: the file of this name becomes entry, or goes where that is nil.
	named bool
	entry *object.TreeEntry
	// below are the edits in the folder of this name.
	below map[string]*edit
}

// at is the edit of a path.
func (e *edit) at(name string) *edit {
	for part := range strings.SplitSeq(name, "/") {
		if e.below == nil {
			e.below = map[string]*edit{}
		}
		if e.below[part] == nil {
			e.below[part] = &edit{}
		}
		e = e.below[part]
	}
	return e
}

func (e *edit) set(entry *object.TreeEntry) { e.named, e.entry = true, entry }

// writer makes the folders of a commit.
type writer struct {
	cache   *Cache
	made    *memory.Storage
	folders map[plumbing.Hash]*object.Tree
	// budget is how many bytes of files may still be taken.
	budget int64
}

// find is what a path leads to in a tree; nil where it leads to no file.
func (w *writer) find(tree plumbing.Hash, name string) (*object.TreeEntry, error) {
	for {
		first, rest, deeper := strings.Cut(name, "/")
		folder, err := w.read(tree)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(folder.Entries, func(e object.TreeEntry) bool { return e.Name == first })
		switch {
		case i < 0, deeper != (folder.Entries[i].Mode == filemode.Dir):
			return nil, nil
		case !deeper:
			return &folder.Entries[i], nil
		}
		tree, name = folder.Entries[i].Hash, rest
	}
}

func (w *writer) read(tree plumbing.Hash) (*object.Tree, error) {
	if known := w.folders[tree]; known != nil {
		return known, nil
	}
	folder, err := object.GetTree(w.cache.store, tree)
	if err != nil {
		return nil, fmt.Errorf("reading folder %s: %w: %w", tree, ErrCorrupt, err)
	}
	w.folders[tree] = folder
	return folder, nil
}

// folder is the folder with its edits; the zero hash where nothing is left in
// it, and where there is none and nothing is added.
func (w *writer) folder(had plumbing.Hash, name string, edits *edit) (plumbing.Hash, error) {
	entries := map[string]object.TreeEntry{}
	if !had.IsZero() {
		folder, err := w.read(had)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		for _, entry := range folder.Entries {
			entries[entry.Name] = entry
		}
	}
	before := maps.Clone(entries)
	for part, e := range edits.below {
		if err := w.apply(entries, path.Join(name, part), part, e); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	if maps.Equal(before, entries) {
		return had, nil
	}
	if len(entries) == 0 {
		return plumbing.ZeroHash, nil
	}
	sorted := object.TreeEntrySorter(slices.Collect(maps.Values(entries)))
	slices.SortFunc(sorted, compareEntries)
	return w.store(&object.Tree{Entries: sorted})
}

// apply changes one name of a folder.
//
//	there is     a file is taken         only edits below            the file goes
//	nothing      it is there             the folder of what is new   nothing
//	a file       it takes its place      that, if the file goes too  nothing
//	a folder     if all in it goes       it is changed               it is changed
func (w *writer) apply(entries map[string]object.TreeEntry, at, name string, e *edit) error {
	had, there := entries[name]
	isFolder := there && had.Mode == filemode.Dir
	var inner plumbing.Hash
	if isFolder {
		inner = had.Hash
	}
	inner, err := w.folder(inner, at, e)
	if err != nil {
		return err
	}
	switch {
	case !inner.IsZero() && (e.entry != nil || there && !isFolder && !e.named):
		return failure(ReasonConflict, "%s is a file in one of the commits and a folder in the other, with files that are not to change", oneLine(at))
	case !inner.IsZero():
		entries[name] = object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: inner}
	case e.entry != nil:
		if had.Hash != e.entry.Hash {
			if err := w.take(e.entry); err != nil {
				return err
			}
		}
		entries[name] = *e.entry
	case isFolder, e.named:
		delete(entries, name)
	}
	return nil
}

// compareEntries is git's order: a folder sorts as if its name ended in "/".
func compareEntries(a, b object.TreeEntry) int {
	key := func(e object.TreeEntry) string {
		if e.Mode == filemode.Dir {
			return e.Name + "/"
		}
		return e.Name
	}
	return strings.Compare(key(a), key(b))
}

// take adds the content of a file. The remote had it once; whether it still has
// it cannot be told.
func (w *writer) take(entry *object.TreeEntry) error {
	if entry.Mode == filemode.Submodule {
		return nil
	}
	o, err := w.cache.store.EncodedObject(plumbing.BlobObject, entry.Hash)
	if err != nil {
		return fmt.Errorf("reading file %s: %w: %w", entry.Hash, ErrCorrupt, err)
	}
	if w.budget -= o.Size(); w.budget < 0 {
		return failure(v1alpha1.ReasonTooLarge, "the files that the commit would bring have more than %s", size(w.cache.limits.PushBytes))
	}
	_, err = w.made.SetEncodedObject(o)
	return err
}

// store adds a folder or a commit.
func (w *writer) store(o interface {
	Encode(plumbing.EncodedObject) error
}) (plumbing.Hash, error) {
	encoded := w.made.NewEncodedObject()
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("making a commit: %w", err)
	}
	return w.made.SetEncodedObject(encoded)
}
