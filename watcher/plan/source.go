package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/tree"
)

// SourceFiles picks the sources of an app out of the files of its commit. The
// key and the artifact of a Revision are both made of them, so that a key stands
// for all that a build can see.
func SourceFiles(app *detect.App, c *tree.Commit) []tree.File {
	var out []tree.File
	for _, f := range c.Files {
		if app.Sources.Has(f.Path) {
			out = append(out, f)
		}
	}
	return out
}

// treeKey is the hash of files by name, mode and blob id. No content is read:
// git has hashed it.
func treeKey(files []tree.File) string {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b tree.File) int { return cmp.Compare(a.Path, b.Path) })
	h := sha256.New()
	for _, f := range sorted {
		// A path cannot hold NUL, so no two lists give the same bytes.
		_, _ = io.WriteString(h, fmt.Sprintf("%d %s %s\x00", f.Mode, f.Blob, f.Path))
	}
	return hex.EncodeToString(h.Sum(nil))
}
