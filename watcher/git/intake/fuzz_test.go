package intake

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// FuzzTake: whatever a pack is, it is taken or refused, and what is refused leaves
// no file but its own.
func FuzzTake(f *testing.F) {
	var p packer
	at := p.add(plumbing.BlobObject, 0, 11, strings.NewReader("hello world"))
	p.add(plumbing.OFSDeltaObject, at, 5, bytes.NewReader([]byte{11, 5, 0x91, 0, 5}))
	p.add(plumbing.TreeObject, 0, 0, strings.NewReader(""))
	f.Add(p.done())
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00"))
	b := Bounds{Objects: 100, ObjectBytes: 1 << 16, FolderBytes: 1 << 12, ExpandedBytes: 1 << 20, FreeBytes: 1 << 18, Ratio: 100, Memory: 1 << 30}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "objects", "pack"), 0o700); err != nil {
			t.Fatal(err)
		}
		pack := put(t, dir, data)
		held, err := take(dir, pack, b, 1<<30)
		left, _ := filepath.Glob(filepath.Join(dir, "*"))
		packs, _ := filepath.Glob(filepath.Join(dir, "objects", "pack", "*"))
		switch {
		case err != nil && (len(left) != 2 || len(packs) != 0):
			t.Errorf("refused (%v), and left %v and %v", err, left, packs)
		case err == nil && (!held.Taken || held.Objects > 0 && len(packs) == 1):
			t.Errorf("taken as %+v, with %v", held, packs)
		}
	})
}

// FuzzPatch: a delta makes what it makes elsewhere.
func FuzzPatch(f *testing.F) {
	f.Add([]byte("hello world"), []byte{11, 5, 0x91, 0, 5})
	f.Add([]byte("abc"), []byte{3, 4, 1, 'x', 0x90, 3})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		head := &deltaHead{}
		_, _ = head.Write(delta)
		if _, target, ok := head.sizes(); !ok || target < 0 || target > 1<<20 || len(base) == 0 {
			return // refused before it comes to a patch; elsewhere an empty base is
		}
		got, err := patch(base, delta)
		want, other := packfile.PatchDelta(base, delta)
		if err == nil && (other != nil || !bytes.Equal(got, want)) {
			t.Errorf("made %q, %v; elsewhere %q, %v", got, err, want, other)
		}
		if err != nil && other == nil {
			t.Errorf("refused (%v), elsewhere %q", err, want)
		}
	})
}
