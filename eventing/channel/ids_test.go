package channel

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// written is what the file with the ids has of a channel, while no store is open.
func written(t *testing.T, dir string, m key) *run {
	t.Helper()
	file, has, err := openIDs(dir, maxSeen/2, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.close(); err != nil {
		t.Fatal(err)
	}
	return has.runs[m]
}

// TestKnownAfterAStart sends every event again after a start, whatever became of the
// file with the ids. What that start had to read, the next one has in the file.
func TestKnownAfterAStart(t *testing.T) {
	const kept = 60
	young := func(dir string) string { return filepath.Join(dir, "ids.young") }
	tests := []struct {
		name        string
		damage      func(t *testing.T, path string, early []byte)
		first, last uint64 // that are in the file
		firstAfter  uint64 // after a start, where that is not 1
	}{
		{name: "nothing", first: 1, last: 60, damage: func(*testing.T, string, []byte) {}},
		{name: "torn", first: 1, last: 59, damage: func(t *testing.T, path string, _ []byte) {
			change(t, path, func(b []byte) []byte { return b[:len(b)-7] })
		}},
		{name: "zeros at the end", first: 1, last: 60, damage: func(t *testing.T, path string, _ []byte) {
			change(t, path, func(b []byte) []byte { return append(b, make([]byte, 300)...) })
		}},
		{name: "flipped", first: 1, last: 28, damage: func(t *testing.T, path string, _ []byte) { change(t, path, flip) }},
		{name: "stale", first: 1, last: 29, damage: func(t *testing.T, path string, early []byte) {
			change(t, path, func([]byte) []byte { return early })
		}},
		{name: "beginning missing", first: 30, last: 60, firstAfter: 30, damage: func(t *testing.T, path string, early []byte) {
			change(t, path, func(b []byte) []byte { return b[len(early):] })
		}},
		{name: "missing", damage: func(t *testing.T, path string, _ []byte) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "more than the log", first: 1, last: 61, damage: func(t *testing.T, path string, _ []byte) {
			change(t, path, func(b []byte) []byte {
				m, _, _ := parseFrame(b)
				return appendFrame(b, m, run{first: 61, last: 61, known: []knownID{{m.of(&made("other", 1)[0]), uint32(time.Now().Unix())}}})
			})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			c := ensure(t, s, orders, usual)
			events := made("e", kept)
			appendAll(t, c, events[:25]...)
			for _, one := range events[25:29] {
				appendAll(t, c, one)
			}
			s.ids.mu.Lock()
			s.ids.write()
			s.ids.mu.Unlock()
			early, err := os.ReadFile(young(dir))
			if err != nil {
				t.Fatal(err)
			}
			appendAll(t, c, events[29:59]...)
			appendAll(t, c, events[59])
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			tt.damage(t, young(dir), early)
			r := written(t, dir, c.mark)
			if r == nil {
				r = &run{}
			}
			if r.first != tt.first || r.last != tt.last {
				t.Errorf("the file has %d to %d, want %d to %d", r.first, r.last, tt.first, tt.last)
			}
			for range 2 {
				s = open(t, dir)
				c = ensure(t, s, orders, usual)
				appendAll(t, c, events...)
				if diff := cmp.Diff(idsOf(events), ids(t, c)); diff != "" {
					t.Fatal(diff)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if r := written(t, dir, c.mark); r == nil || r.first != max(tt.firstAfter, 1) || r.last != kept {
					t.Fatalf("after a start the file has %+v", r)
				}
			}
		})
	}
}

// TestIDsAreBelieved: an event that the file alone has counts as kept, unless the log
// has lost some: then all is read from there, and what is lost can be sent again.
func TestIDsAreBelieved(t *testing.T) {
	for _, lost := range []bool{false, true} {
		dir, want := filled(t, false)
		c := ensure(t, open(t, dir), orders, small)
		if err := c.store.Close(); err != nil {
			t.Fatal(err)
		}
		events := made("e", 61)
		change(t, filepath.Join(dir, "ids.young"), func([]byte) []byte {
			f := run{first: 1, last: 60}
			for i := range events {
				f.known = append(f.known, knownID{c.mark.of(&events[i]), uint32(time.Now().Unix())})
			}
			return appendFrame(nil, c.mark, f)
		})
		if lost {
			change(t, blocks(t, dir)[2], func(b []byte) []byte { return b[:len(b)-500] })
			want = append(want[:59:59], "e-59", "e-60")
		}
		c = ensure(t, open(t, dir), orders, small)
		appendAll(t, c, events...)
		if diff := cmp.Diff(want, ids(t, c)); diff != "" {
			t.Errorf("lost: %v: %s", lost, diff)
		}
	}
}

// TestWhatMadeRoomIsNotRead: the ids that are known are the newest ones of all channels
// together. What has made room for those of others is not read by the next start.
func TestWhatMadeRoomIsNotRead(t *testing.T) {
	for _, tt := range []struct {
		name  string
		since time.Duration // when the full file begins
		known bool
	}{
		{"kept before", time.Hour, false},
		{"kept since", -time.Hour, true},
	} {
		dir := t.TempDir()
		c := ensure(t, open(t, dir), orders, usual)
		events := made("e", 60)
		appendAll(t, c, events...)
		if err := c.store.Close(); err != nil {
			t.Fatal(err)
		}
		change(t, filepath.Join(dir, "ids.young"), func([]byte) []byte { return nil })
		other := run{first: 1, last: 1, known: []knownID{{key{1}, uint32(time.Now().Add(tt.since).Unix())}}}
		if err := os.WriteFile(filepath.Join(dir, "ids.old"), appendFrame(nil, key{2}, other), 0o600); err != nil {
			t.Fatal(err)
		}
		c = ensure(t, open(t, dir), orders, usual)
		appendAll(t, c, events...)
		if got := len(ids(t, c)); (got == 60) != tt.known {
			t.Errorf("%s: %d events are there after 60 were sent again", tt.name, got)
		}
		if err := c.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFramesOfIDs(t *testing.T) {
	m := key{1, 2, 3}
	want := run{first: 7, last: 9, known: []knownID{{key{4}, 5}, {key{6}, 7}}}
	frame := appendFrame(nil, m, want)
	got, f, size := parseFrame(append(frame, 1, 2, 3))
	if diff := cmp.Diff(want, f, cmp.AllowUnexported(run{}, knownID{})); diff != "" || got != m || size != len(frame) {
		t.Errorf("%v, %d of %d bytes: %s", got, size, len(frame), diff)
	}
	for i := range frame {
		frame[i] ^= 0x40
		if _, _, size := parseFrame(frame); size != 0 {
			t.Fatalf("byte %d is changed and nobody notices", i)
		}
		frame[i] ^= 0x40
	}
	for cut := range len(frame) {
		if _, _, size := parseFrame(frame[:cut]); size != 0 {
			t.Fatalf("a frame of %d bytes is taken for whole", cut)
		}
	}
}

// TestIDsAreBounded: the newest half at least is kept, in two files.
func TestIDsAreBounded(t *testing.T) {
	dir, m := t.TempDir(), key{1}
	i, _, err := openIDs(dir, 1000, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(5500) {
		i.note(m, run{first: n, last: n, known: []knownID{{key{byte(n), byte(n >> 8)}, 1}}})
	}
	if err := i.close(); err != nil {
		t.Fatal(err)
	}
	i.note(m, run{}) // closed: nothing
	r := written(t, dir, m)
	if r.last != 5499 || r.first > 4500 || r.first < 3500 || uint64(len(r.known)) != r.last-r.first+1 {
		t.Errorf("%d entries of %d to %d are there", len(r.known), r.first, r.last)
	}
}
