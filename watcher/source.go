package watcher

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/spec"
)

// sourceFiles are the files of a commit that belong to an app: its folder, and
// what its watch globs match. No headway.yaml is a source: how an app runs is
// in the spec hash, and a change of it alone must not build.
func sourceFiles(files []git.File, folder string, watch []spec.Glob) []git.File {
	inFolder := func(name string) bool {
		return folder == "." || len(name) > len(folder) && name[len(folder)] == '/' && name[:len(folder)] == folder
	}
	var out []git.File
	for _, f := range files {
		if path.Base(f.Path) == spec.FileName {
			continue
		}
		if inFolder(f.Path) || slices.ContainsFunc(watch, func(g spec.Glob) bool { return g.Match(f.Path) }) {
			out = append(out, f)
		}
	}
	return out
}

// watched are the globs of a headway.yaml and the files that its template
// depends on without being told.
func watched(s *spec.Spec, template string, names detect.Files) ([]spec.Glob, error) {
	var globs []spec.Glob
	for _, pattern := range s.Watch {
		g, err := spec.ParseGlob(pattern)
		if err != nil {
			return nil, fmt.Errorf("watch: %w", err)
		}
		globs = append(globs, g)
	}
	for _, name := range detect.ImplicitWatch(s.Path, template, names) {
		globs = append(globs, spec.LiteralGlob(name))
	}
	return globs, nil
}

// treeKey is the hash of files by name, mode and blob id. No content is read:
// git has hashed it.
func treeKey(files []git.File) string {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b git.File) int { return cmp.Compare(a.Path, b.Path) })
	h := sha256.New()
	for _, f := range sorted {
		// A path cannot hold NUL, so no two lists give the same bytes.
		_, _ = io.WriteString(h, fmt.Sprintf("%d %s %s\x00", f.Mode, f.Blob, f.Path))
	}
	return hex.EncodeToString(h.Sum(nil))
}
