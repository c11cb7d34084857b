package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/natstest"
)

var orders = Name{Namespace: "shop", Name: "orders"}

var usual = Settings{Keep: time.Hour, Size: 64 << 20, MaxEvent: 1 << 20, Dedupe: 10 * time.Minute}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	return openWith(t, Options{Dir: dir})
}

func openWith(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.LowDisk == 0 {
		o.LowDisk = 1 // a full machine is no concern of most tests
	}
	s, err := openAs(t, natstest.Kind(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func ensure(t *testing.T, s *Store, name Name, settings Settings) *Channel {
	t.Helper()
	c, err := s.Ensure(t.Context(), name, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// made returns n events with ids prefix-0, prefix-1 and so on.
func made(prefix string, n int) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{ID: fmt.Sprintf("%s-%d", prefix, i), Source: "/test", Type: "made", Data: []byte(`{"n":1}`)}
	}
	return events
}

func appendAll(t *testing.T, c *Channel, events ...event.Event) {
	t.Helper()
	if err := c.Append(t.Context(), events); err != nil {
		t.Fatalf("appending %d events: %v", len(events), err)
	}
}

// ids of all events in the channel, in order.
func ids(t *testing.T, c *Channel) []string {
	t.Helper()
	out := []string{}
	for from := uint64(1); ; {
		records, err := c.Read(t.Context(), from, 1000, 4<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return out
		}
		for _, r := range records {
			e, err := event.Decode(r.Data)
			if err != nil {
				t.Fatalf("record %d: %v", r.Seq, err)
			}
			out = append(out, e.ID)
			from = r.Seq + 1
		}
	}
}

func idsOf(events []event.Event) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

func TestAppendAndRead(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c := ensure(t, s, orders, usual)
	if got, err := c.Read(t.Context(), 1, 10, 1000); err != nil || len(got) != 0 {
		t.Fatalf("Read of an empty channel = %v, %v", got, err)
	}
	first := event.Event{
		ID: "1", Source: "/s", Type: "t", Subject: "ü", Time: "2026-11-27T17:00:00Z", DataContentType: "text/plain",
		Extensions: []event.Attribute{{Name: "key", Value: "a b"}}, Data: []byte{0, 1, 255},
	}
	appendAll(t, c, first)
	appendAll(t, c, made("two", 2)...)
	appendAll(t, c, made("many", 300)...)

	want := append(append([]string{"1"}, idsOf(made("two", 2))...), idsOf(made("many", 300))...)
	if diff := cmp.Diff(want, ids(t, c)); diff != "" {
		t.Fatal(diff)
	}
	records, err := c.Read(t.Context(), 1, 1, 1000)
	if err != nil || len(records) != 1 {
		t.Fatalf("Read = %v, %v", records, err)
	}
	back, err := event.Decode(records[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&first, back); diff != "" {
		t.Error(diff)
	}
	if st := c.State(); st.First != 1 || st.Last != 303 || st.Events != 303 || st.Gap != nil {
		t.Errorf("state = %+v", st)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Append(t.Context(), made("late", 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close = %v", err)
	}
	s = open(t, dir)
	c, ok := s.Channel(orders)
	if !ok {
		t.Fatal("the channel is not there before Ensure")
	}
	if got := *c.settings.Load(); got != usual {
		t.Errorf("settings after reopening = %+v", got)
	}
	if diff := cmp.Diff(want, ids(t, c)); diff != "" {
		t.Error(diff)
	}
}

func TestReadIsBounded(t *testing.T) {
	c := ensure(t, open(t, t.TempDir()), orders, usual)
	events := made("e", 10)
	for i := range events {
		events[i].Data = make([]byte, 1000)
	}
	appendAll(t, c, events...)
	for _, tt := range []struct {
		from              uint64
		maxEvents, bytes_ int
		want              int
	}{
		{1, 3, 1 << 20, 3},
		{9, 100, 1 << 20, 2},
		{1, 100, 1, 1},
		{1, 100, 2500, 3},
		{11, 100, 1 << 20, 0},
		{1 << 40, 100, 1 << 20, 0},
		{0, 100, 1 << 20, 10},
	} {
		got, err := c.Read(t.Context(), tt.from, tt.maxEvents, tt.bytes_)
		if err != nil || len(got) != tt.want {
			t.Errorf("Read(%d, %d, %d) = %d records, %v; want %d", tt.from, tt.maxEvents, tt.bytes_, len(got), err, tt.want)
		}
	}
}

func TestConcurrentAppends(t *testing.T) {
	c := ensure(t, open(t, t.TempDir()), orders, usual)
	var wg sync.WaitGroup
	want := map[string]bool{}
	for w := range 64 {
		events := made(fmt.Sprintf("w%d", w), 20)
		for _, id := range idsOf(events) {
			want[id] = true
		}
		wg.Go(func() {
			for i := 0; i < len(events); i += 2 {
				if err := c.Append(t.Context(), events[i:i+1+i/2%2]); err != nil {
					t.Error(err)
				}
				if i/2%2 == 0 {
					if err := c.Append(t.Context(), events[i+1:i+2]); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	got := map[string]bool{}
	all := ids(t, c)
	for _, id := range all {
		got[id] = true
	}
	if len(all) != len(want) {
		t.Errorf("%d events in the log, want %d", len(all), len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWait(t *testing.T) {
	c := ensure(t, open(t, t.TempDir()), orders, usual)
	got := make(chan error)
	go func() { got <- c.Wait(t.Context(), 1) }()
	appendAll(t, c, made("a", 1)...)
	appendAll(t, c, made("b", 1)...)
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Wait(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v", err)
	}
	go func() { got <- c.Wait(t.Context(), 2) }()
	if err := c.store.Remove(t.Context(), orders); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, ErrRemoved) {
		t.Errorf("Wait on a removed channel = %v", err)
	}
}

func TestEnsureAndRemove(t *testing.T) {
	s := open(t, t.TempDir())
	c := ensure(t, s, orders, usual)
	mails := Name{Namespace: "shop", Name: "mails"}
	ensure(t, s, mails, usual)
	if diff := cmp.Diff([]Name{mails, orders}, s.Names()); diff != "" {
		t.Error(diff)
	}
	appendAll(t, c, made("a", 3)...)
	changed := usual
	changed.Keep, changed.MaxEvent = 2*time.Hour, 10
	if again := ensure(t, s, orders, changed); again != c {
		t.Error("Ensure with other settings made another Channel")
	}
	var large *TooLarge
	if err := c.Append(t.Context(), made("b", 1)); !errors.As(err, &large) {
		t.Errorf("Append of an event larger than the new limit = %v", err)
	}
	if len(ids(t, c)) != 3 {
		t.Error("events went with a change of settings")
	}
	ensure(t, s, orders, usual)
	if err := s.Remove(t.Context(), orders); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), orders); err != nil {
		t.Errorf("second Remove: %v", err)
	}
	if err := c.Append(t.Context(), made("c", 1)); !errors.Is(err, ErrRemoved) {
		t.Errorf("Append to a removed channel = %v", err)
	}
	if s.Healthy() != nil {
		t.Error(s.Healthy())
	}
	c = ensure(t, s, orders, usual)
	if got := ids(t, c); len(got) != 0 {
		t.Errorf("a channel that is made again has %v", got)
	}
	var invalid *InvalidName
	for _, name := range []Name{{Namespace: "shop", Name: "a.b"}, {Namespace: "a_b", Name: "c"}, {Namespace: "", Name: "c"}} {
		if _, err := s.Ensure(t.Context(), name, usual); !errors.As(err, &invalid) {
			t.Errorf("Ensure(%s) = %v", name, err)
		}
	}
}

func TestSeqAt(t *testing.T) {
	c := ensure(t, open(t, t.TempDir()), orders, usual)
	at := func(when time.Time) uint64 {
		seq, err := c.SeqAt(t.Context(), when)
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	if got := at(time.Now()); got != 1 {
		t.Errorf("SeqAt in an empty channel = %d", got)
	}
	appendAll(t, c, made("a", 3)...)
	appendAll(t, c, made("b", 1)...)
	records, err := c.Read(t.Context(), 4, 1, 1000)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	for when, want := range map[time.Time]uint64{
		records[0].At:                     4,
		records[0].At.Add(1):              5,
		records[0].At.Add(-1 * time.Hour): 1,
		time.Now().Add(time.Hour):         5,
	} {
		if got := at(when); got != want {
			t.Errorf("SeqAt(%s) = %d, want %d", when, got, want)
		}
	}
}

// Whoever looks at a channel while events are written sees numbers before their
// commit is told of them. They were given out once all the same.
func TestLookingWhileAppending(t *testing.T) {
	s := open(t, t.TempDir())
	c := ensure(t, s, orders, usual)
	done := make(chan struct{})
	var looking, writing sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				c.refresh()
			}
		}
	})
	for writer := range 8 {
		writing.Go(func() {
			for _, e := range made(fmt.Sprint(writer), 50) {
				if err := c.Append(t.Context(), []event.Event{e}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
	close(done)
	looking.Wait()
	if err := s.Healthy(); err != nil {
		t.Error(err)
	}
}

// An event that is in the log is not read before its commit: it may not be on disk
// yet, and who had it would never get the one that is given its number.
func TestReadWhileAppending(t *testing.T) {
	s := open(t, t.TempDir())
	c := ensure(t, s, orders, usual)
	events := made("a", 2)
	appendAll(t, c, events[0])
	if _, err := s.js.Publish(t.Context(), c.subject, events[1].Append(nil)); err != nil { // the commit comes to no end
		t.Fatal(err)
	}
	for from, want := range map[uint64]int{1: 1, 2: 0} {
		if records, err := c.Read(t.Context(), from, 10, 1<<20); err != nil || len(records) != want {
			t.Errorf("from %d on: %d events, %v", from, len(records), err)
		}
	}
	if last := c.State().Last; last != 1 {
		t.Errorf("the last event is %d", last)
	}
}
