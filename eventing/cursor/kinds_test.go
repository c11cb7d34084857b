package cursor

import (
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/channel/channeltest"
	"github.com/headway-dev/headway/eventing/natstest"
)

// TestOtherStores runs the tests of places with logs in JetStream.
func TestOtherStores(t *testing.T) {
	natstest.Run(t, "TestPlaceIsLikeSets", "TestRemovedPlaces", "TestAnotherChannel", "TestNotBegun", "TestMove")
}

// openAs opens a store of a kind. Opened again, it is on the same servers.
func openAs(t *testing.T, kind, path string, now func() time.Time) (*Store, error) {
	t.Helper()
	if kind == "" {
		return Open(path, now)
	}
	server := channeltest.Server(t, kind, path)
	opened, err := OpenLog(t.Context(), server.JetStream(), server.Replicas(), 0, now)
	var claimed *Claimed
	if errors.As(err, &claimed) { // by the one before
		return OpenLog(t.Context(), server.JetStream(), server.Replicas(), claimed.Claim, now)
	}
	return opened, err
}

// Whoever opens the log ends the right to it of whoever had it.
func TestDeposed(t *testing.T) {
	path := t.TempDir()
	first, err := openAs(t, natstest.External, path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := first.Place(mail, "orders")
	p.Begin("orders", 3)
	if err := first.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, err := openAs(t, natstest.External, path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if second.Claim() <= first.Claim() {
		t.Errorf("the second claim is %d, the first %d", second.Claim(), first.Claim())
	}
	p.End(4, Delivered)
	for range 2 {
		if err := first.Flush(t.Context()); !errors.Is(err, ErrDeposed) || !errors.Is(first.Healthy(), ErrDeposed) {
			t.Errorf("the first writes: %v; healthy: %v", err, first.Healthy())
		}
	}
	if q, begun := second.Place(mail, "orders"); !begun || q.Counts().Floor != 3 {
		t.Errorf("the second has %+v, %v", q.Counts(), begun)
	}
	closeStore(t, second)
	if err := first.Close(); !errors.Is(err, ErrDeposed) {
		t.Errorf("closing the first: %v", err)
	}
}

// A log that has grown is written anew, and has the same places.
func TestCompact(t *testing.T) {
	path := t.TempDir()
	s, err := openAs(t, natstest.External, path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.Place(mail, "orders")
	p.Begin("orders", 0)
	for seq := uint64(2); seq < 60_000; seq += 2 { // 20 kB, and a lot of them
		p.End(seq, Delivered)
		p.Retry(seq+1, Entry{Attempts: 1})
	}
	for n := range compactMessages + 10 {
		p.Retry(3, Entry{Attempts: uint32(n)})
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	l := s.disk.(*log)
	if l.messages > 100 || l.whole == 0 {
		t.Errorf("%d messages are left after a compaction of %d bytes", l.messages, l.whole)
	}
	before, entries := p.Counts(), p.Entries()
	closeStore(t, s)
	if s, err = openAs(t, natstest.External, path, time.Now); err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	if p, _ = s.Place(mail, "orders"); p.Counts() != before || len(p.Entries()) != len(entries) || p.Entries()[3] != entries[3] {
		t.Errorf("read back are %+v, want %+v", p.Counts(), before)
	}
}

// Whatever stands in a message, it is an error or a place.
func FuzzReplay(f *testing.F) {
	f.Add(encode([]change{
		{name: mail, all: true, pairs: []pair{{[]byte{keyHead}, head{floor: 3, channel: "orders"}.encode()}, {key(keyRange, 5), encodeEnd(9)}}},
		{name: mail, pairs: []pair{{key(keyRange, 5), nil}, {key(keyRetry, 7), Entry{Attempts: 1}.encode()}}},
		{name: mail, gone: true},
	})[0])
	f.Fuzz(func(t *testing.T, message []byte) {
		s := &Store{places: map[types.NamespacedName]*Place{}}
		_ = s.replay(message)
	})
}
