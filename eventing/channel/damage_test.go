package channel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
)

// small makes blocks of 32 kB, of which 60 events of 1 KiB fill two and begin a
// third.
var small = Settings{Keep: usual.Keep, Size: 127_000, MaxEvent: usual.MaxEvent, Dedupe: usual.Dedupe}

// filled makes a store with 60 events in three blocks and closes it. The next start
// believes them if they were checked.
func filled(t *testing.T, checked bool) (dir string, want []string) {
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
	checkNow(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !checked {
		if err := os.WriteFile(uncheckedPath(dir), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(blocks(t, dir)); got != 3 {
		t.Fatalf("%d blocks, want 3", got)
	}
	return dir, idsOf(events)
}

// checkNow has all full blocks checked and noted.
func checkNow(t *testing.T, s *Store) {
	t.Helper()
	<-s.checker.through
	if err := s.checker.round(false); err != nil {
		t.Fatal(err)
	}
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
	for i := range 2 * len(tests) {
		tt, checked := tests[i/2], i%2 == 1
		t.Run(fmt.Sprintf("%s, checked %t", tt.name, checked), func(t *testing.T) {
			dir, want := filled(t, checked)
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

// TestDamageWhileRunning changes the disk under a server that does not remember
// what is there.
func TestDamageWhileRunning(t *testing.T) {
	const record, payload, number = 1175, 500, 4 // bytes a record; where in one
	tests := []struct {
		name  string
		block int
		at    int
		lost  uint64
		gone  bool // the server has forgotten the newest events
	}{
		{name: "one event", block: 1, at: 13*record + payload, lost: 1},
		{name: "a sequence number", block: 1, at: number, lost: 27},
		{name: "a sequence number in the newest block", block: 2, at: number, lost: 6, gone: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, want := filled(t, false)
			s := open(t, dir)
			c := ensure(t, s, orders, small)
			ids(t, c) // what the server has read to the end it lets go
			runtime.GC()
			change(t, blocks(t, dir)[tt.block], func(b []byte) []byte { b[tt.at] ^= 1; return b })
			got := ids(t, c)
			gap := c.State().Gap
			if gap == nil || gap.Lost != tt.lost || len(want)-len(got) != int(tt.lost) {
				t.Fatalf("gap = %+v, %d events left; want %d lost", gap, len(got), tt.lost)
			}
			ids(t, c)
			if again := c.State().Gap; again.Lost != tt.lost {
				t.Errorf("reading twice counts twice: %+v", again)
			}
			err := c.Append(t.Context(), made("next", 1))
			var away *Unavailable
			if errors.As(err, &away) != tt.gone || (s.Healthy() != nil) != tt.gone {
				t.Errorf("Append = %v, healthy: %v", err, s.Healthy())
			}
			s.Close()
			c = ensure(t, open(t, dir), orders, small)
			appendAll(t, c, made("next", 1)...)
			if st := c.State(); st.Gap == nil || st.Last != 61 {
				t.Errorf("after the restart: state = %+v, gap = %+v", st, st.Gap)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const keep = time.Hour
	before := known{First: 11, Last: 20, FirstAt: ago(30 * time.Minute), LastAt: ago(time.Minute)}
	old := known{First: 11, Last: 20, FirstAt: ago(3 * time.Hour), LastAt: ago(2 * time.Hour)}
	told := before
	told.Gap, told.Hidden = Gap{From: 13, To: 14, Lost: 2, Found: ago(time.Minute)}, 2
	state := func(first, last uint64) jetstream.StreamState {
		return jetstream.StreamState{FirstSeq: first, LastSeq: last, Msgs: last + 1 - first}
	}
	tests := []struct {
		name    string
		k       known
		st      jetstream.StreamState
		deleted []uint64
		want    Gap
		last    uint64
	}{
		{name: "new", st: state(0, 0)},
		{name: "all there", k: before, st: state(11, 20), last: 20},
		{name: "more than was noted", k: before, st: state(11, 22), last: 22},
		{name: "in between", k: before, st: state(11, 20), deleted: []uint64{13, 17}, want: Gap{From: 13, To: 17, Lost: 2, Found: now}, last: 20},
		{name: "newest", k: before, st: state(11, 18), want: Gap{From: 19, To: 20, Lost: 2, Found: now}, last: 20},
		{name: "oldest", k: before, st: state(14, 20), want: Gap{From: 11, To: 13, Lost: 3, Found: now}, last: 20},
		{name: "oldest grew old", k: known{First: 11, Last: 20, FirstAt: ago(2 * keep), LastAt: now}, st: state(14, 20), last: 20},
		{name: "all", k: before, st: state(0, 0), want: Gap{From: 11, To: 20, Lost: 10, Found: now}, last: 20},
		{name: "all grew old", k: old, st: state(21, 20), last: 20},
		{name: "all grew old and the number is lost", k: old, st: state(0, 0), last: 20},
		{name: "known before", k: told, st: state(11, 20), want: told.Gap, last: 20},
		{name: "more than before", k: told, st: state(11, 20), deleted: []uint64{16}, want: Gap{From: 13, To: 16, Lost: 3, Found: now}, last: 20},
		{name: "known for long", k: known{First: 11, Last: 20, FirstAt: now, LastAt: now, Hidden: 1, Gap: Gap{From: 1, To: 2, Lost: 1, Found: ago(2 * keep)}}, st: state(11, 20), last: 20},
	}
	for _, tt := range tests {
		got := compare(tt.k, tt.st, tt.deleted, keep, now)
		if diff := cmp.Diff(tt.want, got.Gap); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if got.Last != tt.last {
			t.Errorf("%s: last = %d, want %d", tt.name, got.Last, tt.last)
		}
	}
}

func TestRecords(t *testing.T) {
	want := known{First: 1, Last: 2, FirstAt: time.Unix(3, 4).UTC(), Hidden: 5, Gap: Gap{From: 6, To: 7, Lost: 8, Found: time.Unix(9, 0).UTC()}}
	name := strings.Repeat("n", 63) + "_" + strings.Repeat("c", 63)
	record := appendRecord(nil, name, want)
	stream, got, ok := parseRecord(record)
	if diff := cmp.Diff(want, got); diff != "" || stream != name || !ok || len(record) != recordSize {
		t.Errorf("%q, %v, %d bytes: %s", stream, ok, len(record), diff)
	}
	for i := range record {
		record[i] ^= 1
		if stream, _, ok := parseRecord(record); ok || stream != "" {
			t.Fatalf("byte %d is changed and nobody notices", i)
		}
		record[i] ^= 1
	}
	if stream, _, ok := parseRecord(make([]byte, recordSize)); stream != "" || !ok {
		t.Error("zeros are not an empty record")
	}
}
