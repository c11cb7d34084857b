package channel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
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

// TestCheckFindsDamage changes a block that a start believes, and nobody reads it.
func TestCheckFindsDamage(t *testing.T) {
	tests := []struct {
		name      string
		at        int    // in record 14 of a block of 27; 0 is nowhere
		lost      uint64 // found by the check
		lostAfter uint64 // and by the next start
		fails     bool
	}{
		{name: "nothing"},
		{name: "one event", at: 500, lost: 1, lostAfter: 1},
		{name: "a sequence number", at: 4, lostAfter: 14, fails: true},
		{name: "a sequence number, much larger", at: 10, lostAfter: 14, fails: true},
		{name: "a length", at: 1, lostAfter: 14, fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, want := filled(t, true)
			if tt.at > 0 {
				change(t, blocks(t, dir)[1], func(b []byte) []byte {
					at := 0
					for range 13 {
						at += int(binary.LittleEndian.Uint32(b[at:]) &^ headersBit)
					}
					b[at+tt.at] ^= 0x10
					return b
				})
			}
			<-time.After(2 * startReads) // by the clock of the server, which would read the block otherwise
			s := open(t, dir)
			if !s.checker.believed {
				t.Fatal("everything was read at the start")
			}
			c := ensure(t, s, orders, small)
			<-s.checker.through
			err := c.Append(t.Context(), made("next", 1))
			var away *Unavailable
			if errors.As(err, &away) != tt.fails || (s.Healthy() != nil) != tt.fails {
				t.Errorf("Append = %v, healthy: %v", err, s.Healthy())
			}
			if got := lostOf(c); got != tt.lost {
				t.Errorf("the check has found %d lost events, want %d", got, tt.lost)
			}
			s.Close()
			for start := range 2 { // the second one believes what the first has mended
				s = open(t, dir)
				if s.checker.believed == (tt.fails && start == 0) {
					t.Errorf("start %d: believed: %v", start, s.checker.believed)
				}
				c = ensure(t, s, orders, small)
				appendAll(t, c, made("next", 1)...)
				if got := lostOf(c); got != tt.lostAfter {
					t.Errorf("start %d has found %d lost events, want %d", start, got, tt.lostAfter)
				}
				if got := ids(t, c); len(got) != len(want)-int(tt.lostAfter)+1 || c.State().Last != 61 {
					t.Errorf("start %d: %d events, the last is %d", start, len(got), c.State().Last)
				}
				<-s.checker.through
				if err := s.Healthy(); err != nil {
					t.Errorf("start %d: %v", start, err)
				}
				s.Close()
			}
		})
	}
}

func lostOf(c *Channel) uint64 {
	if gap := c.State().Gap; gap != nil {
		return gap.Lost
	}
	return 0
}

// TestIndex: what a server believes is what it would find by reading everything.
func TestIndex(t *testing.T) {
	tests := []struct {
		name  string
		make  func(t *testing.T, c *Channel)
		whole bool // there is no index, as something was deleted
	}{
		{name: "nothing", whole: true, make: func(*testing.T, *Channel) {}},
		{name: "one event", make: func(t *testing.T, c *Channel) { appendAll(t, c, made("a", 1)...) }},
		{name: "some blocks", make: fill},
		{name: "a deleted event", whole: true, make: func(t *testing.T, c *Channel) {
			fill(t, c)
			if err := stream(t, c).DeleteMsg(t.Context(), 20); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "deleted up to an event", whole: true, make: func(t *testing.T, c *Channel) {
			fill(t, c)
			if err := stream(t, c).Purge(t.Context(), jetstream.WithPurgeSequence(40)); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "empty once", make: func(t *testing.T, c *Channel) {
			fill(t, c)
			if err := stream(t, c).Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			appendAll(t, c, made("next", 3)...)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			tt.make(t, ensure(t, s, orders, small))
			checkNow(t, s)
			s.Close()
			for { // what was purged goes in the background
				if _, err := os.Stat(filepath.Join(folder(dir), "__msgs__")); err != nil {
					break
				}
				runtime.Gosched()
			}
			var states []jetstream.StreamState
			for _, whole := range []bool{false, true} {
				copied := filepath.Join(t.TempDir(), "store")
				if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				if whole {
					if err := os.WriteFile(uncheckedPath(copied), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				} else if err := reindex(folder(copied)); (err != nil) != tt.whole {
					t.Errorf("writing the index: %v", err)
				}
				var said bytes.Buffer
				s := openWith(t, Options{Dir: copied, Log: slog.New(slog.NewTextHandler(&said, nil))})
				c, _ := s.Channel(orders)
				info, err := stream(t, c).Info(t.Context(), jetstream.WithDeletedDetails(true))
				if err != nil {
					t.Fatal(err)
				}
				states = append(states, info.State)
				s.Close()
				if strings.Contains(said.String(), "WARN") {
					t.Errorf("the server does not believe its index: %s", said.String())
				}
			}
			if diff := cmp.Diff(states[1], states[0]); diff != "" {
				t.Errorf("with an index (want what is read, got): %s", diff)
			}
		})
	}
}

func fill(t *testing.T, c *Channel) {
	events := made("e", 60)
	for i := range events {
		events[i].Data = make([]byte, 1024)
	}
	for chunk := range slices.Chunk(events, 10) {
		appendAll(t, c, chunk...)
	}
}

func stream(t *testing.T, c *Channel) jetstream.Stream {
	t.Helper()
	s, err := c.store.js.Stream(t.Context(), c.stream)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScan: no changed bit of a block is overlooked.
func TestScan(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c := ensure(t, s, orders, usual)
	appendAll(t, c, made("alone", 1)...)
	appendAll(t, c, made("batch", 3)...)
	s.Close()
	whole, err := os.ReadFile(blocks(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	b, damaged, err := scan(streamName(orders), 1, bytes.NewReader(whole))
	if err != nil || len(damaged) > 0 || b.first != 1 || b.last != 4 || b.size != int64(len(whole)) || b.bytes != uint64(len(whole)) || b.odd || b.deleted != 0 {
		t.Fatalf("%+v, %v, %v", b, damaged, err)
	}
	if at := time.Unix(0, b.end); time.Since(at) > time.Hour || b.begin > b.end {
		t.Errorf("the newest event is of %s", at)
	}
	for i := range whole {
		for bit := range 8 {
			whole[i] ^= 1 << bit
			if _, damaged, err := scan(streamName(orders), 1, bytes.NewReader(whole)); err == nil && len(damaged) == 0 {
				t.Errorf("bit %d of byte %d is changed and nobody notices", bit, i)
			}
			whole[i] ^= 1 << bit
		}
	}
	for cut := 1; cut < len(whole); cut++ {
		if b, _, err := scan(streamName(orders), 1, bytes.NewReader(whole[:cut])); err == nil && b.last == 4 {
			t.Errorf("%d of %d bytes are taken for the whole", cut, len(whole))
		}
	}
}
