package channel

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small makes blocks of 32 kB, of which 60 events of 1 KiB fill two and begin a
// third.
var small = Settings{Keep: usual.Keep, Size: 127_000, MaxEvent: usual.MaxEvent, Dedupe: usual.Dedupe}

// filled makes a store with 60 events in three blocks and closes it.
func filled(t *testing.T) (dir string, want []string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	c := ensure(t, s, orders, small)
	events := made("e", 60)
	for i := range events {
		events[i].Data = make([]byte, 1024)
	}
	for chunk := range slices.Chunk(events, 10) {
		appendAll(t, c, chunk...)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(blocks(t, dir)); got != 3 {
		t.Fatalf("%d blocks, want 3", got)
	}
	return dir, idsOf(events)
}

func folder(dir string) string {
	return filepath.Join(dir, "jetstream", "$G", "streams", streamName(orders))
}

// blocks are the files with the events, the oldest first.
func blocks(t *testing.T, dir string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(folder(dir), "msgs", "*.blk"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func flip(data []byte) []byte { data[len(data)/2] ^= 1; return data }

func TestDamage(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string, blocks []string)
		lost   bool
	}{
		{name: "nothing", damage: func(*testing.T, string, []string) {}},
		{name: "tail cut", lost: true, damage: func(t *testing.T, _ string, blocks []string) {
			change(t, blocks[2], func(b []byte) []byte { return b[:len(b)-500] })
		}},
		{name: "zeros at the end", damage: func(t *testing.T, _ string, blocks []string) {
			change(t, blocks[2], func(b []byte) []byte { return append(b, make([]byte, 500)...) })
		}},
		{name: "index missing", damage: func(t *testing.T, dir string, _ []string) {
			if err := os.Remove(filepath.Join(folder(dir), "msgs", "index.db")); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "index flipped", damage: func(t *testing.T, dir string, _ []string) {
			change(t, filepath.Join(folder(dir), "msgs", "index.db"), flip)
		}},
		{name: "oldest block flipped", lost: true, damage: func(t *testing.T, _ string, blocks []string) { change(t, blocks[0], flip) }},
		{name: "middle block flipped", lost: true, damage: func(t *testing.T, _ string, blocks []string) { change(t, blocks[1], flip) }},
		{name: "newest block flipped", lost: true, damage: func(t *testing.T, _ string, blocks []string) { change(t, blocks[2], flip) }},
		{name: "oldest block missing", lost: true, damage: func(t *testing.T, _ string, blocks []string) { os.Remove(blocks[0]) }},
		{name: "middle block missing", lost: true, damage: func(t *testing.T, _ string, blocks []string) { os.Remove(blocks[1]) }},
		{name: "newest block missing", lost: true, damage: func(t *testing.T, _ string, blocks []string) { os.Remove(blocks[2]) }},
		{name: "all blocks missing", lost: true, damage: func(t *testing.T, _ string, blocks []string) {
			for _, b := range blocks {
				os.Remove(b)
			}
		}},
		{name: "description empty", damage: func(t *testing.T, dir string, _ []string) {
			change(t, filepath.Join(folder(dir), "meta.inf"), func([]byte) []byte { return nil })
		}},
		{name: "sum of the description missing", damage: func(t *testing.T, dir string, _ []string) {
			os.Remove(filepath.Join(folder(dir), "meta.sum"))
		}},
		{name: "folder of the stream missing", lost: true, damage: func(t *testing.T, dir string, _ []string) {
			os.RemoveAll(folder(dir))
		}},
		{name: "index and middle block", lost: true, damage: func(t *testing.T, dir string, blocks []string) {
			os.Remove(filepath.Join(folder(dir), "msgs", "index.db"))
			change(t, blocks[1], flip)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, want := filled(t)
			tt.damage(t, dir, blocks(t, dir))
			for start := range 2 { // what is found must be known at the next start
				s := open(t, dir)
				c := ensure(t, s, orders, small)
				got := ids(t, c)
				gap := c.State().Gap
				if (gap != nil) != tt.lost {
					t.Fatalf("start %d: gap = %+v, %d events left", start, gap, len(got))
				}
				if lost := len(want) - len(got); gap != nil && gap.Lost != uint64(lost) {
					t.Errorf("start %d: gap = %+v, %d are lost", start, gap, lost)
				}
				if gap == nil && !cmp.Equal(want, got) {
					t.Errorf("start %d: %s", start, cmp.Diff(want, got))
				}
				if last := c.State().Last; last != 60 {
					t.Errorf("start %d: last = %d", start, last)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			c := ensure(t, open(t, dir), orders, small)
			appendAll(t, c, made("next", 1)...)
			records, err := c.Read(t.Context(), 61, 10, 1000)
			if err != nil || len(records) != 1 || records[0].Seq != 61 {
				t.Errorf("the next event is %v, %v; want number 61", records, err)
			}
		})
	}
}
