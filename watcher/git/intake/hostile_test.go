//go:build !race

// Memory is measured here, of which the race detector takes several times as much.

package intake

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// TestHostilePacks: each ends with what it is refused for, or is taken, and the
// process has taken no more memory than this.
func TestHostilePacks(t *testing.T) {
	tests := map[string]struct {
		pack func() []byte
		// text of the problem; "" where the pack is taken.
		text string
		peak int64
	}{
		"a file of zeros": {func() []byte {
			var p packer
			p.add(plumbing.BlobObject, 0, 250<<20, zeroFile(250<<20))
			return p.done()
		}, "", 80 << 20},
		"a file too large": {func() []byte {
			var p packer
			p.add(plumbing.BlobObject, 0, 257<<20, zeroFile(1))
			return p.done()
		}, "a file of 257 MiB, more than the limit of 256 MiB", 80 << 20},
		"many files of zeros": {func() []byte {
			var p packer
			for range 9 {
				p.add(plumbing.BlobObject, 0, 4<<20, zeroFile(4<<20))
			}
			return p.done()
		}, "over 100 times as much", 80 << 20},
		"tiny files": {func() []byte {
			var p packer
			for i := range 400_000 {
				p.tiny(i)
			}
			return p.done()
		}, "", 120 << 20},
		"too many files": {func() []byte {
			var p packer
			p.tiny(0)
			p.n = 1_000_001
			return p.done()
		}, "1000001 objects, more than the limit of 1000000", 80 << 20},
		"fewer than it says": {func() []byte {
			var p packer
			p.tiny(0)
			p.n = 900_000
			return p.done()
		}, "cannot be read", 80 << 20},
		"deltas that double": {func() []byte {
			var p packer
			at, n := p.add(plumbing.BlobObject, 0, 1<<10, zeroFile(1<<10)), int64(1<<10)
			for range 19 {
				delta := doubling(n)
				at = p.add(plumbing.OFSDeltaObject, at, int64(len(delta)), bytes.NewReader(delta))
				n *= 2
			}
			return p.done()
		}, "a file of 512 MiB, more than the limit of 256 MiB", 80 << 20},
		"large files as differences": {func() []byte {
			var p packer
			at := p.add(plumbing.BlobObject, 0, 30<<20, zeroFile(30<<20))
			delta := doubling(30 << 20)
			at = p.add(plumbing.OFSDeltaObject, at, int64(len(delta)), bytes.NewReader(delta))
			delta = doubling(60 << 20)
			p.add(plumbing.OFSDeltaObject, at, int64(len(delta)), bytes.NewReader(delta))
			return p.done()
		}, "of memory, more than the limit of 200 MiB", 80 << 20},
		"files as differences": {func() []byte {
			var p packer
			at := p.add(plumbing.BlobObject, 0, 30<<20, zeroFile(30<<20))
			delta := doubling(30 << 20)
			p.add(plumbing.OFSDeltaObject, at, int64(len(delta)), bytes.NewReader(delta))
			return p.done()
		}, "", 160 << 20},
		"a long chain": {func() []byte {
			var p packer
			at := p.add(plumbing.BlobObject, 0, 1<<20, zeroFile(1<<20))
			same := append(binary.AppendUvarint(binary.AppendUvarint(nil, 1<<20), 1<<20), 0x80|0x40, 16)
			for range 400 {
				at = p.add(plumbing.OFSDeltaObject, at, int64(len(same)), bytes.NewReader(same))
			}
			return p.done()
		}, "", 110 << 20},
		"a huge folder": {func() []byte {
			var p packer
			p.add(plumbing.TreeObject, 0, 9<<20, zeroFile(9<<20))
			return p.done()
		}, "a folder of 9 MiB", 80 << 20},
		"a delta that does not fit": {func() []byte {
			var p packer
			at := p.add(plumbing.BlobObject, 0, 3, strings.NewReader("abc"))
			p.add(plumbing.OFSDeltaObject, at, 4, bytes.NewReader([]byte{3, 9, 0x90, 9}))
			return p.done()
		}, "does not fit its base", 80 << 20},
		"longer than it says": {func() []byte {
			var p packer
			p.add(plumbing.BlobObject, 0, 10, zeroFile(100<<20))
			return p.done()
		}, "exceeds declared size", 80 << 20},
		"not a pack": {func() []byte { return []byte("<html>") }, "cannot be read", 80 << 20},
		"cut":        {func() []byte { var p packer; p.tiny(1); return p.done()[:30] }, "cannot be read", 80 << 20},
	}
	smaller := map[string]func(*Bounds){
		"many files of zeros":        func(b *Bounds) { b.FreeBytes = 32 << 20 },
		"large files as differences": func(b *Bounds) { b.Memory = 200 << 20 },
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := bare(t)
			pack := put(t, dir, test.pack())
			b := DefaultBounds()
			if change := smaller[name]; change != nil { // so that the test is quick
				change(&b)
			}
			taken, err := Take(t.Context(), dir, pack, b, 48<<20)
			if err == nil && !taken.Taken {
				if taken.Need <= 48<<20 {
					t.Fatalf("not taken, although it needs %s", mib(taken.Need))
				}
				taken, err = Take(t.Context(), dir, pack, b, taken.Need)
			}
			why := new(*Problem)
			switch {
			case test.text == "" && (err != nil || !taken.Taken):
				t.Errorf("%+v, %v; want it taken", taken, err)
			case test.text != "" && (!errors.As(err, why) || !strings.Contains(err.Error(), test.text) || (*why).Kind == Died):
				t.Errorf("%v; want ...%s...", err, test.text)
			}
			if taken.Peak == 0 || taken.Peak > test.peak {
				t.Errorf("the process had %s, more than %s", mib(taken.Peak), mib(test.peak))
			}
			t.Logf("pack %s, process %s, needed %s", mib(int64(len(mustRead(t, dir, pack)))), mib(taken.Peak), mib(taken.Need))
		})
	}
}

func (p *packer) tiny(i int) {
	content := fmt.Sprintf("%06x", i)
	if p.n == 0 {
		p.add(plumbing.BlobObject, 0, 6, strings.NewReader(content))
		return
	}
	p.n++
	p.WriteByte(byte(plumbing.BlobObject)<<4 | 6)
	// zlib's header, one stored block, and its checksum: no compressor for each.
	p.Write([]byte{0x78, 0x01, 0x01, 6, 0, 0xf9, 0xff})
	p.WriteString(content)
	a, b := uint32(1), uint32(0)
	for _, c := range []byte(content) {
		a = (a + uint32(c)) % 65521
		b = (b + a) % 65521
	}
	p.Write(binary.BigEndian.AppendUint32(nil, b<<16|a))
}

// mustRead reads a pack, wherever it is now.
func mustRead(t *testing.T, dir, pack string) []byte {
	t.Helper()
	data, err := os.ReadFile(pack)
	if err != nil {
		found, _ := filepath.Glob(filepath.Join(dir, "objects/pack/*.pack"))
		data, err = os.ReadFile(found[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// hog is a process that takes all the memory that it gets.
const hog = "headway-git-intake-hog"

func init() {
	if os.Args[0] == hog {
		if err := confine(16 << 20); err != nil {
			panic(err)
		}
		var kept [][]byte
		for range 1024 {
			kept = append(kept, bytes.Repeat([]byte("x"), 1<<20))
		}
		fmt.Println(len(kept))
		os.Exit(0)
	}
}

// TestKernelBoundsTheProcess: a need that was reckoned too low ends the process
// and no other one, and is told.
func TestKernelBoundsTheProcess(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args, cmd.Env = []string{hog}, []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err == nil {
		t.Fatalf("a process of 16 MiB had %s MiB", out)
	}
	if why := died(err, said.String(), 16<<20); !strings.Contains(why.Message, "more than the 16 MiB of memory") {
		t.Errorf("told as %q: %s", why.Message, said.String())
	}
}

// TestEndIsTold: a process that is ended from outside is a problem of its own.
func TestEndIsTold(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "kill -KILL $$")
	if why := died(cmd.Run(), "", 1<<20); why.Kind != Died || !strings.Contains(why.Message, "signal: killed") {
		t.Errorf("%+v", why)
	}
}
