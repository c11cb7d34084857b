package channel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/event"
)

// clock is one that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestAnEventIsKeptOnce(t *testing.T) {
	dir, at := t.TempDir(), &clock{now: time.Now()}
	s := openWith(t, Options{Dir: dir, Now: at.Now})
	c := ensure(t, s, orders, usual)
	other := ensure(t, s, Name{Namespace: "shop", Name: "other"}, usual)

	a := made("a", 3)
	appendAll(t, c, a...)
	appendAll(t, c, a...)
	appendAll(t, c, a[1])
	mixed := append(made("b", 2), a[0], a[2])
	mixed = append(mixed, mixed[0]) // twice in one
	appendAll(t, c, mixed...)
	want := []string{"a-0", "a-1", "a-2", "b-0", "b-1"}
	if diff := cmp.Diff(want, ids(t, c)); diff != "" {
		t.Fatal(diff)
	}
	elsewhere := a[0]
	elsewhere.Source = "/other"
	appendAll(t, c, elsewhere)
	appendAll(t, other, a[0])
	if got := len(ids(t, other)); got != 1 {
		t.Errorf("%d events in the other channel, want 1", got)
	}
	want = append(want, "a-0")

	s.Close()
	at.add(5 * time.Minute)
	s = openWith(t, Options{Dir: dir, Now: at.Now})
	c = ensure(t, s, orders, usual)
	appendAll(t, c, mixed...)
	if diff := cmp.Diff(want, ids(t, c)); diff != "" {
		t.Fatal("after a restart:", diff)
	}
	at.add(6 * time.Minute)
	appendAll(t, c, a[0])
	want = append(want, "a-0")
	if diff := cmp.Diff(want, ids(t, c)); diff != "" {
		t.Fatal("out of the window:", diff)
	}

	if err := s.Remove(t.Context(), orders); err != nil {
		t.Fatal(err)
	}
	never := usual
	never.Dedupe = 0
	c = ensure(t, s, orders, never)
	appendAll(t, c, a[0])
	appendAll(t, c, a[0])
	if got := len(ids(t, c)); got != 2 {
		t.Errorf("%d events without a window, want 2", got)
	}
}

func TestEqualEventsAtOnce(t *testing.T) {
	c := ensure(t, open(t, t.TempDir()), orders, usual)
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := range 20 {
				// Each overlaps with the next, in both orders.
				events := []event.Event{made("e", 21)[i], made("e", 21)[i+1]}
				if w%2 == 1 {
					events[0], events[1] = events[1], events[0]
				}
				if err := c.Append(t.Context(), events); err != nil {
					t.Error(err)
				}
				// Accepted is in the log, also where another caller wrote it.
				if got := c.State().Last; got < uint64(i+1) {
					t.Errorf("%d in the log after %d", got, i)
				}
			}
		})
	}
	wg.Wait()
	got := map[string]int{}
	for _, id := range ids(t, c) {
		got[id]++
	}
	want := map[string]int{}
	for _, id := range idsOf(made("e", 21)) {
		want[id] = 1
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An event that another caller is writing is tried again when that fails.
func TestClaimAfterAFailure(t *testing.T) {
	s, now := newSeen(1000), time.Now()
	first := &request{events: made("a", 2), done: make(chan struct{})}
	if _, wait := s.claim(first, key{}, time.Minute, now); len(wait) != 0 || len(first.events) != 2 {
		t.Fatal("the first is not new")
	}
	second := &request{events: made("a", 3), done: make(chan struct{})}
	others, wait := s.claim(second, key{}, time.Minute, now)
	if len(others) != 2 || len(wait) != 2 || wait[0] != first || len(second.events) != 1 {
		t.Fatalf("claim = %v, %v; left with %v", idsOf(others), wait, idsOf(second.events))
	}
	s.settle(first, false, now)
	s.settle(second, true, now)
	third := &request{events: made("a", 3), done: make(chan struct{})}
	if _, wait := s.claim(third, key{}, time.Minute, now); len(wait) != 0 || len(third.events) != 2 {
		t.Fatalf("after the failure new: %v", idsOf(third.events))
	}
}

func TestSeenIsBounded(t *testing.T) {
	s, now := newSeen(1000), time.Now()
	s.window(time.Hour)
	for i := range 2100 {
		s.found(key{byte(i), byte(i >> 8)}, now, now)
	}
	if n := len(s.young) + len(s.old); n > 1000 || n < 500 {
		t.Errorf("%d are known, want the newest 500 to 1000", n)
	}
	for i := 1600; i < 2100; i++ {
		if !s.known(key{byte(i), byte(i >> 8)}, time.Hour, now) {
			t.Fatalf("number %d of 2100 is forgotten", i)
		}
	}
	now = now.Add(2 * time.Hour)
	s.found(key{1}, now, now)
	now = now.Add(2 * time.Hour)
	s.found(key{2}, now, now)
	if n := len(s.young) + len(s.old); n != 2 {
		t.Errorf("%d are known long after the window, want 2", n)
	}
}

func TestCancelledAppend(t *testing.T) {
	c := ensure(t, open(t, t.TempDir()), orders, usual)
	if err := c.store.inFlight.Acquire(t.Context(), bytesInFlight); err != nil {
		t.Fatal(err)
	}
	// The first waits for room to be written, the second for the first.
	first := make(chan error)
	go func() { first <- c.Append(t.Context(), made("a", 1)) }()
	for {
		c.mu.Lock()
		taken := c.running && len(c.queue) == 0
		c.mu.Unlock()
		if taken {
			break
		}
		runtime.Gosched()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Append(ctx, made("b", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Append = %v", err)
	}
	c.store.inFlight.Release(bytesInFlight)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	appendAll(t, c, made("b", 1)...) // not taken for one that was kept
	if diff := cmp.Diff([]string{"a-0", "b-0"}, ids(t, c)); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkSeen(b *testing.B) {
	s, now := newSeen(maxSeen), time.Now()
	s.window(time.Hour)
	for i := range b.N {
		e := event.Event{ID: fmt.Sprint(i), Source: "/s"}
		s.found(key{}.of(&e), now, now)
	}
}
