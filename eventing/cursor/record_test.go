package cursor

import (
	"testing"

	diff "github.com/google/go-cmp/cmp"
)

func TestRecordsComeBack(t *testing.T) {
	heads := []head{{}, {floor: 1 << 60, delivered: 1, filtered: 2, dead: 3, removed: 1765000000000, channel: "orders"},
		{floor: 7, channel: "dead", run: run{begun: true, to: 1 << 60, gone: 3, started: 1765000000000, finished: 1765000000001, note: "12 are gone"}},
	}
	for _, want := range heads {
		got, err := decodeHead(want.encode())
		if err != nil || got != want {
			t.Errorf("%+v comes back as %+v, %v", want, got, err)
		}
	}
	for _, entry := range []Entry{{Attempts: 7, Status: 503, First: 1765000000000, Due: -1}, {Attempts: 1, Status: 400, Due: 5, Dead: "answered 400"}} {
		if got, err := decodeEntry(entry.encode()); err != nil || got != entry {
			t.Errorf("%+v comes back as %+v, %v", entry, got, err)
		}
	}
}

func TestDamagedRecords(t *testing.T) {
	good := Entry{Attempts: 1, Status: 500, First: 1, Due: 2}.encode()
	tests := map[string][]byte{
		"empty": nil, "another version": append([]byte{9}, good[1:]...), "cut": good[:len(good)-1],
		"too large": {version, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0},
	}
	for name, record := range tests {
		if e, err := decodeEntry(record); err == nil {
			t.Errorf("%s: no error, %+v", name, e)
		}
	}
}

// What can be read is written as it would be again; nothing panics.
func FuzzRecords(f *testing.F) {
	f.Add(head{floor: 300, channel: "a"}.encode())
	f.Add(head{channel: "a", run: run{begun: true, to: 9, note: "b"}}.encode())
	f.Add(Entry{Attempts: 300, Status: 500, First: 12345678, Due: 2}.encode())
	f.Add(encodeEnd(70000))
	f.Add([]byte{version, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := decodeHead(b); err == nil {
			if again, err := decodeHead(h.encode()); err != nil || again != h {
				t.Errorf("head: %s %v", diff.Diff(h.encode(), again.encode()), err)
			}
		}
		if e, err := decodeEntry(b); err == nil {
			if again, err := decodeEntry(e.encode()); err != nil || again != e {
				t.Errorf("entry %+v: %+v %v", e, again, err)
			}
		}
		if to, err := decodeEnd(b); err == nil {
			if again, err := decodeEnd(encodeEnd(to)); err != nil || again != to {
				t.Errorf("end %d: %d %v", to, again, err)
			}
		}
	})
}

func TestDamagedRun(t *testing.T) {
	good := head{channel: "a", run: run{begun: true, to: 9, note: "a note"}}.encode()
	for n := range len(good) - len("a") {
		if h, err := decodeHead(good[:n]); err == nil {
			t.Errorf("%d bytes of %d: no error, %+v", n, len(good), h)
		}
	}
}
