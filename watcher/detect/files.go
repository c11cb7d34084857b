package detect

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/watcher/specfile"
)

// Files are the paths of all files of a commit, relative to its root and
// sorted by byte order. Has and Under cost a binary search.
type Files []string

// NewFiles sorts a copy of paths.
func NewFiles(paths []string) Files {
	files := slices.Clone(paths)
	slices.Sort(files)
	return files
}

// Has reports whether there is a file of this name.
func (f Files) Has(name string) bool {
	_, ok := slices.BinarySearch(f, name)
	return ok
}

// Without are the files that no glob matches: what a build sees of the
// repository where they are ignored.
func (f Files) Without(ignored specfile.Globs) Files {
	if len(ignored) == 0 {
		return f
	}
	return slices.DeleteFunc(slices.Clone(f), ignored.Match)
}

// Under are the files in a folder and the folders below it; "." is the root.
func (f Files) Under(dir string) Files {
	if dir == "." {
		return f
	}
	prefix := dir + "/"
	start, _ := slices.BinarySearch(f, prefix)
	end := start
	for end < len(f) && strings.HasPrefix(f[end], prefix) {
		end++
	}
	return f[start:end]
}

// in are the files of one folder, without those of the folders below it.
func (f Files) in(dir string) []string {
	var names []string
	for under := f.Under(dir); len(under) > 0; {
		name := under[0]
		rest := strings.TrimPrefix(name, dir+"/")
		if dir == "." {
			rest = name
		}
		below, _, deeper := strings.Cut(rest, "/")
		if !deeper {
			names = append(names, name)
			under = under[1:]
			continue
		}
		// All of a folder below is passed at once.
		prefix := path.Join(dir, below) + "/"
		n, _ := slices.BinarySearchFunc(under, prefix, func(name, prefix string) int {
			if strings.HasPrefix(name, prefix) || name < prefix {
				return -1
			}
			return 1
		})
		under = under[n:]
	}
	return names
}

// folder names a path in a sentence.
func folder(p string) string {
	if p == "." {
		return "the repository's root"
	}
	return fmt.Sprintf("folder %q", p)
}
