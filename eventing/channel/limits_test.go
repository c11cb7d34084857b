package channel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/event"
)

// large returns events of 64 KiB.
func large(prefix string, n int) []event.Event {
	events := made(prefix, n)
	for i := range events {
		events[i].Data = make([]byte, 64<<10)
	}
	return events
}

// appendUntil appends one event at a time until one is refused, and returns the
// ids of those that were kept and the error.
func appendUntil(t *testing.T, c *Channel, events []event.Event) ([]string, error) {
	t.Helper()
	kept := []string{}
	for i := range events {
		if err := c.Append(t.Context(), events[i:i+1]); err != nil {
			return kept, err
		}
		kept = append(kept, events[i].ID)
	}
	t.Fatalf("all of %d events were kept", len(events))
	return nil, nil
}

func TestFull(t *testing.T) {
	s := open(t, t.TempDir())
	settings := usual
	settings.Size = 1 << 20
	c := ensure(t, s, orders, settings)
	kept, err := appendUntil(t, c, large("a", 20))
	var full *Full
	if !errors.As(err, &full) || full.RetryAfter != 5*time.Minute {
		t.Fatalf("after %d events: %v", len(kept), err)
	}
	if len(kept) != 15 {
		t.Errorf("%d events of 64 KiB are kept in 1 MiB, want 15", len(kept))
	}
	if err := c.Append(t.Context(), large("b", 2)); !errors.As(err, &full) {
		t.Errorf("a batch for which there is no room: %v", err)
	}
	appendAll(t, c, made("small", 1)...) // for that there is room
	if err := s.Healthy(); err != nil {
		t.Errorf("a full channel is not well: %v", err)
	}
	settings.Size = 2 << 20
	ensure(t, s, orders, settings)
	appendAll(t, c, large("b", 2)...) // was not taken for kept
	want := append(kept, "small-0", "b-0", "b-1")
	if diff := cmp.Diff(want, ids(t, c)); diff != "" {
		t.Error(diff)
	}
	settings.Size = 1 << 20
	ensure(t, s, orders, settings)
	if diff := cmp.Diff(want, ids(t, c)); diff != "" {
		t.Error("events went when the size was lowered:", diff)
	}
}

func TestOldEventsGo(t *testing.T) {
	at := &clock{now: time.Now()}
	s := openWith(t, Options{Dir: t.TempDir(), Now: at.Now})
	c := ensure(t, s, orders, usual)
	appendAll(t, c, made("a", 3)...)
	short := usual
	short.Keep = 100 * time.Millisecond
	ensure(t, s, orders, short)
	for c.State().Events > 0 {
		at.add(stateAge)
		runtime.Gosched()
	}
	if st := c.State(); st.First != 4 || st.Last != 3 || st.Gap != nil {
		t.Errorf("state = %+v", st)
	}
	if got, err := c.Read(t.Context(), 1, 10, 1000); err != nil || len(got) != 0 {
		t.Errorf("Read = %v, %v", got, err)
	}
	ensure(t, s, orders, usual)
	appendAll(t, c, made("b", 1)...)
	if got, err := c.Read(t.Context(), 1, 10, 1000); err != nil || len(got) != 1 || got[0].Seq != 4 {
		t.Errorf("Read = %v, %v; want number 4", got, err)
	}
}

func TestLowDisk(t *testing.T) {
	dir := t.TempDir()
	s := openWith(t, Options{Dir: dir, LowDisk: 1 << 60})
	c := ensure(t, s, orders, usual)
	var away *Unavailable
	if err := c.Append(t.Context(), made("a", 1)); !errors.As(err, &away) || away.RetryAfter == 0 {
		t.Errorf("Append = %v", err)
	}
	if err := s.Accepting(); !errors.As(err, &away) {
		t.Errorf("Accepting = %v", err)
	}
	if err := s.Healthy(); err != nil {
		t.Errorf("a restart would not help, but: %v", err)
	}
	s.Close()
	appendAll(t, ensure(t, open(t, dir), orders, usual), made("a", 1)...)
}

// tmpfs mounts a disk of that size with a ballast of half of it, which frees
// room when it is removed. Only root can.
func tmpfs(t *testing.T, bytes int) (dir, ballast string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Fatalf("mounting a small disk, for which the tests must run as root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast = filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, bytes/2), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, ballast
}

func TestDiskFillsUp(t *testing.T) {
	dir, ballast := tmpfs(t, 32<<20)
	at := &clock{now: time.Now()}
	s := openWith(t, Options{Dir: dir, LowDisk: 8 << 20, Now: at.Now})
	c := ensure(t, s, orders, usual)
	kept, err := appendUntil(t, c, large("a", 500))
	var away *Unavailable
	if !errors.As(err, &away) || s.Healthy() != nil {
		t.Fatalf("after %d events: %v; healthy: %v", len(kept), err, s.Healthy())
	}
	if diff := cmp.Diff(kept, ids(t, c)); diff != "" {
		t.Error(diff)
	}
	os.Remove(ballast)
	at.add(diskAge)
	appendAll(t, c, large("b", 1)...)
}

// Without the low-water mark the server stops for good, and says so.
func TestDiskIsFull(t *testing.T) {
	dir, ballast := tmpfs(t, 16<<20)
	s := openWith(t, Options{Dir: dir, LowDisk: -1 << 40})
	s.patience = time.Second
	c := ensure(t, s, orders, usual)
	kept, err := appendUntil(t, c, large("a", 500))
	var away *Unavailable
	if !errors.As(err, &away) || s.Healthy() == nil {
		t.Fatalf("after %d events: %v; healthy: %v", len(kept), err, s.Healthy())
	}
	os.Remove(ballast)
	if err := c.Append(t.Context(), large("late", 1)); !errors.As(err, &away) {
		t.Errorf("Append before the restart = %v", err)
	}
	s.Close()
	s = open(t, dir)
	c = ensure(t, s, orders, usual)
	got := ids(t, c)
	if len(got) == len(kept)+1 { // the one that got no answer
		got = got[:len(kept)]
	}
	if diff := cmp.Diff(kept, got); diff != "" || c.State().Gap != nil {
		t.Errorf("after the restart: %s; gap = %+v", diff, c.State().Gap)
	}
	appendAll(t, c, large("b", 1)...)
}

// TestLargeEventsAtOnce bounds what a hundred events of 1 MiB take in memory
// beside themselves.
func TestLargeEventsAtOnce(t *testing.T) {
	settings := usual
	settings.Size, settings.MaxEvent = 1<<30, 1<<20+100
	c := ensure(t, open(t, t.TempDir()), orders, settings)
	data := make([]byte, 1<<20)
	runtime.GC()
	before := heap()
	var highest atomic.Uint64
	stop := make(chan struct{})
	var watching, appending sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				highest.Store(max(highest.Load(), heap()))
			}
		}
	})
	for _, e := range made("e", 100) {
		e.Data = data
		appending.Go(func() {
			if err := c.Append(t.Context(), []event.Event{e}); err != nil {
				t.Error(err)
			}
		})
	}
	appending.Wait()
	close(stop)
	watching.Wait()
	added := int64(highest.Load()) - int64(before)
	t.Logf("%d MiB at most", added>>20)
	if added > 128<<20 {
		t.Errorf("100 events of 1 MiB took %d MiB beside themselves", added>>20)
	}
	if got := c.State(); got.Last != 100 {
		t.Errorf("state = %+v", got)
	}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestManyChannels(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var want []Name
	for i := range 100 {
		want = append(want, Name{Namespace: "shop", Name: fmt.Sprintf("c%d", i)})
		appendAll(t, ensure(t, s, want[i], usual), made(fmt.Sprint(i), 1)...)
	}
	if err := s.Remove(t.Context(), want[0]); err != nil {
		t.Fatal(err)
	}
	want = want[1:]
	s.Close()
	s = open(t, dir)
	sorted := slices.Clone(want)
	sortNames(sorted)
	if diff := cmp.Diff(sorted, s.Names()); diff != "" {
		t.Fatal(diff)
	}
	for i, name := range want {
		c, _ := s.Channel(name)
		if diff := cmp.Diff([]string{fmt.Sprintf("%d-0", i+1)}, ids(t, c)); diff != "" || c.State().Gap != nil {
			t.Errorf("%s: %s, gap = %v", name, diff, c.State().Gap)
		}
	}
}
