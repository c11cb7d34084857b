// Package tree holds what a commit holds, as plain values: files by path, mode
// and id of content, and the places of submodules.
//
// It promises that whoever works on commits need not know where they come from:
// a git server, a checkout on disk, or a test. It reads nothing itself; content
// comes from the Blobs that it is given.
package tree

import (
	"cmp"
	"slices"
)

// Mode is what a file is.
type Mode uint8

// Modes of files.
const (
	Regular Mode = iota + 1
	Executable
	Symlink
)

// File is a file in a commit.
type File struct {
	// Path relative to the root, with slashes.
	Path string
	Mode Mode
	// Blob is the id of the content.
	Blob string
	// Submodule is the path of the submodule that the file is in; "" for a file
	// of the repository itself.
	Submodule string
}

// Commit is a commit and its files.
type Commit struct {
	Hash string
	// Subject is the first line of the message.
	Subject string
	// Author is the author's name.
	Author string
	// Files are sorted by path.
	Files []File
	// Submodules are sorted by path. Their files are not among Files before
	// they are grafted.
	Submodules []Submodule
}

// Submodule is a folder of a commit whose files are those of a commit of
// another repository.
type Submodule struct {
	Path   string
	Commit string
	// URL is where .gitmodules says that it comes from, without credentials;
	// "" where nobody asked.
	URL string
	// Err is why its files, which were asked for, are not among those of the
	// commit.
	Err error
}

// File finds a file by its path.
func (c *Commit) File(name string) (File, bool) {
	i, found := slices.BinarySearchFunc(c.Files, name, func(f File, name string) int { return cmp.Compare(f.Path, name) })
	if !found {
		return File{}, false
	}
	return c.Files[i], true
}

// Paths are those of all files.
func (c *Commit) Paths() []string {
	paths := make([]string, len(c.Files))
	for i, f := range c.Files {
		paths[i] = f.Path
	}
	return paths
}

// Sort puts files and submodules into the order of their paths.
func (c *Commit) Sort() {
	slices.SortFunc(c.Files, byPath)
	slices.SortFunc(c.Submodules, func(a, b Submodule) int { return cmp.Compare(a.Path, b.Path) })
}

// Graft puts the files of a submodule's commit among those of c. The order of
// c.Submodules stays.
func (c *Commit) Graft(path string, sub *Commit) {
	for _, f := range sub.Files {
		f.Path, f.Submodule = path+"/"+f.Path, path
		c.Files = append(c.Files, f)
	}
	slices.SortFunc(c.Files, byPath)
}

func byPath(a, b File) int { return cmp.Compare(a.Path, b.Path) }
