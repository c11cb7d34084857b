package plan

import (
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/tree"
)

// Holds reports whether a Revision would be the same if it were made of this
// headway.yaml and its commit.
func (c *Candidate) Holds(r *v1alpha1.Revision) bool {
	id := identityOf(r)
	return c.Problem == nil && id.key == c.key && id.specHash == c.specHash
}

// Own are the paths of an app in its commit, sorted: its sources, its
// headway.yaml, and the submodules that it has sources in. These are not only
// the app's: what several are built from is of each.
func (c *Candidate) Own(commit *tree.Commit) []string {
	own := []string{c.File}
	for _, f := range SourceFiles(c.App, commit) {
		if f.Submodule != "" {
			f.Path = f.Submodule
		}
		own = append(own, f.Path)
	}
	slices.Sort(own)
	return slices.Compact(own)
}

// Cover names paths for git restore: of those that differ between two commits,
// the ones in own. A folder stands for its files where nothing else in it
// differs. The root does not: what somebody has changed meanwhile is not to go.
func Cover(a, b *tree.Commit, own []string) []string {
	var out []string
	for folder, differing := range byFolder("", differing(a, b)) {
		out = append(out, cover(folder, differing, own)...)
	}
	slices.Sort(out)
	return out
}

// cover of paths that all are, or are below, name.
func cover(name string, paths, own []string) []string {
	isOwn := func(p string) bool { _, is := slices.BinarySearch(own, p); return is }
	if !slices.ContainsFunc(paths, func(p string) bool { return !isOwn(p) }) {
		return []string{name}
	}
	var out []string
	if slices.Contains(paths, name) && isOwn(name) {
		out = append(out, name)
	}
	for folder, below := range byFolder(name+"/", paths) {
		out = append(out, cover(folder, below, own)...)
	}
	return out
}

// byFolder splits paths by the name that follows a prefix.
func byFolder(prefix string, paths []string) map[string][]string {
	out := map[string][]string{}
	for _, p := range paths {
		if rest, below := strings.CutPrefix(p, prefix); below {
			first, _, _ := strings.Cut(rest, "/")
			out[prefix+first] = append(out[prefix+first], p)
		}
	}
	return out
}

// differing are the paths of files and submodules that two commits do not have
// alike, sorted.
func differing(a, b *tree.Commit) []string {
	had := entries(a)
	var out []string
	for name, is := range entries(b) {
		if had[name] != is {
			out = append(out, name)
		}
		delete(had, name)
	}
	for name := range had {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// entries are what a commit itself has at its paths.
func entries(c *tree.Commit) map[string]tree.File {
	out := make(map[string]tree.File, len(c.Files))
	for _, f := range c.Files {
		if f.Submodule == "" {
			out[f.Path] = f
		}
	}
	for _, sub := range c.Submodules {
		out[sub.Path] = tree.File{Path: sub.Path, Blob: sub.Commit}
	}
	return out
}
