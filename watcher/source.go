package watcher

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/spec"
)

// sources say which files of a commit belong to an app: its folder, and what
// its watch globs match, without what its ignore globs match. The key and the
// artifact of a Revision are both made of them, so that a key stands for all
// that a build can see.
type sources struct {
	folder        string
	watch, ignore spec.Globs
}

// readSources takes the sources from a headway.yaml.
func readSources(s *spec.Spec) (sources, error) {
	out := sources{folder: s.Path}
	var err error
	if out.watch, err = spec.ParseGlobs(s.Watch); err != nil {
		return sources{}, &detect.KeyError{Key: "watch", Message: err.Error()}
	}
	if out.ignore, err = spec.ParseGlobs(s.Ignore); err != nil {
		return sources{}, &detect.KeyError{Key: "ignore", Message: err.Error()}
	}
	return out, nil
}

// imply adds the files that a template depends on without being told. names
// are those of the commit that are not ignored.
func (s *sources) imply(template string, names detect.Files) {
	for _, name := range detect.ImplicitWatch(s.folder, template, names) {
		s.watch = append(s.watch, spec.LiteralGlob(name))
	}
}

// files picks the sources out of the files of a commit. No headway.yaml is a
// source: how an app runs is in the spec hash, and a change of it alone must
// not build.
func (s *sources) files(all []git.File) []git.File {
	var out []git.File
	for _, f := range all {
		if path.Base(f.Path) != spec.FileName && (s.inFolder(f.Path) || s.watch.Match(f.Path)) && !s.ignore.Match(f.Path) {
			out = append(out, f)
		}
	}
	return out
}

func (s *sources) inFolder(name string) bool {
	return s.folder == "." || strings.HasPrefix(name, s.folder) && len(name) > len(s.folder) && name[len(s.folder)] == '/'
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
