package delivery

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/filter"
)

// letters appends n dead letters of a subscription, as they come from channel orders.
func (w *world) letters(c *channel.Channel, of, kind string, from, n int) {
	w.t.Helper()
	w.send(c, kind, from, n, attrHops, "1", attrDeadReason, "answered 400", attrDeadSubscription, "shop/"+of, attrDeadAttempts, "1", attrDeadStatus, "400")
}

// start sets a run of the subscription mail, whose usual spec is that of subscribe.
func (w *world) start(kind RunKind, n string, to *sink, change ...func(*Run)) error {
	w.t.Helper()
	r := Run{Kind: kind, Name: n, Channel: "orders", Subscription: Subscription{Name: name("mail"), Target: Target{URL: to.url}}}
	r.Spec = v1alpha1.SubscriptionSpec{Channel: "orders", DeadLetter: "dead"}
	r.Spec.Retry.First, r.Spec.Retry.Max = length(5*time.Millisecond), length(50*time.Millisecond)
	if kind == Redrive {
		r.Channel = "dead"
	} else {
		r.From = v1alpha1.FromEarliest
	}
	for _, f := range change {
		f(&r)
	}
	return w.SetRun(w.t.Context(), r)
}

func (w *world) mustStart(kind RunKind, n string, to *sink, change ...func(*Run)) {
	w.t.Helper()
	if err := w.start(kind, n, to, change...); err != nil {
		w.t.Fatal(err)
	}
}

// done waits for the end of a run.
func (w *world) done(kind RunKind, n string) RunStatus {
	w.t.Helper()
	var st RunStatus
	w.until(n+" is done", func() bool {
		st, _ = w.RunStatus(name("mail"), kind, n)
		return !st.Finished.IsZero()
	})
	if st.Left != 0 {
		w.t.Errorf("%s is done, and %d are left", n, st.Left)
	}
	return st
}

func filtered(t *testing.T, f *v1alpha1.EventFilter) func(*Run) {
	t.Helper()
	compiled, err := filter.Compile(f)
	if err != nil {
		t.Fatal(err)
	}
	return func(r *Run) { r.Filter = compiled }
}

func deadLetter(s *v1alpha1.SubscriptionSpec) { s.DeadLetter = "dead" }

// Ten thousand dead letters are delivered again, each once, as they were before they
// died; those of another subscription are left alone.
func TestRedrive(t *testing.T) {
	w := newWorld(t)
	w.channel("orders")
	dead := w.channel("dead")
	const n = 10_000
	w.letters(dead, "mail", "order", 0, n)
	w.letters(dead, "other", "order", n, 50)
	s := newSink(t, nil)
	w.subscribe("mail", s, deadLetter)
	w.run()
	began := time.Now()
	w.mustStart(Redrive, "fixed", s)
	st := w.done(Redrive, "fixed")
	t.Logf("%d letters in %s", n, time.Since(began))
	if st.Delivered != n || st.Filtered != 0 || st.Dead != 0 || st.Gone != 0 {
		t.Errorf("%+v", st)
	}
	if len(s.ids()) != n {
		t.Errorf("%d deliveries", len(s.ids()))
	}
	want := &event.Event{ID: s.accepted[0].ID, Source: "/test", Type: "order", Data: []byte("data of " + s.accepted[0].ID)}
	if d := diff.Diff(want, s.accepted[0]); d != "" {
		t.Errorf("an event has changed (-want +got):\n%s", d)
	}
	if lane := w.lanes[dead]; lane != nil || len(w.subs) != 1 || len(w.gates) != 1 {
		t.Errorf("something is left of it: %v, %d subscriptions, %d gates", lane, len(w.subs), len(w.gates))
	}
	// The same name, also after a restart, changes nothing; another one finds nothing.
	w.mustStart(Redrive, "fixed", s)
	w.again()
	w.subscribe("mail", s, deadLetter)
	w.run()
	w.mustStart(Redrive, "fixed", s)
	w.mustStart(Redrive, "once-more", s)
	if st := w.done(Redrive, "once-more"); st.Delivered+st.Dead+st.Filtered != 0 || len(s.ids()) != n {
		t.Errorf("%+v; %d deliveries", st, len(s.ids()))
	}
	w.mustStart(Redrive, "all-again", s, func(r *Run) { r.Again = true })
	if st := w.done(Redrive, "all-again"); st.Delivered != n || len(s.ids()) != 2*n {
		t.Errorf("%+v; %d deliveries", st, len(s.ids()))
	}
}

// A redrive while the target still fails makes dead letters once more, also within
// the time in which the channel knows them again; the next one takes those, once.
func TestRedriveFailsAgain(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	settings := channel.Settings{Keep: time.Hour, Size: 1 << 20, MaxEvent: 1 << 16, Dedupe: time.Hour}
	dead, err := w.store.Ensure(t.Context(), name("dead"), settings)
	if err != nil {
		t.Fatal(err)
	}
	s := newSink(t, func(http.ResponseWriter, *http.Request, *event.Event) int { return http.StatusBadRequest })
	w.send(orders, "order", 0, 20)
	w.subscribe("mail", s, deadLetter)
	w.run()
	w.until("all are dead", func() bool { return w.status("mail").Dead == 20 })
	for i := range 20 {
		w.mustStart(Redrive, fmt.Sprint("r", i), s)
		if st := w.done(Redrive, fmt.Sprint("r", i)); st.Dead != 20 || st.Delivered != 0 {
			t.Fatalf("redrive %d: %+v", i, st)
		}
	}
	letters := w.events(dead)
	if len(letters) != 21*20 {
		t.Errorf("%d letters", len(letters))
	}
	last := letters[len(letters)-1]
	run, _ := last.Get(attrDeadRun)
	if hops, _ := last.Get(attrHops); hops != "1" || run != "redrive/r19" {
		t.Errorf("the last letter has %s hops and is of %q", hops, run)
	}
	s.answers(nil)
	w.mustStart(Redrive, "mended", s)
	if st := w.done(Redrive, "mended"); st.Delivered != 20 || len(s.ids()) != 20 {
		t.Errorf("%+v", st)
	}
	if _, has := s.accepted[0].Get(attrDeadRun); has {
		t.Error("an event says that it was dead")
	}
}

// What a filter kept from a redrive is there for the next one.
func TestRedriveFiltered(t *testing.T) {
	w := newWorld(t)
	w.channel("orders")
	dead := w.channel("dead")
	for i := range 10 {
		w.letters(dead, "mail", "order", 20*i, 10)
		w.letters(dead, "mail", "bill", 20*i+10, 10)
	}
	s := newSink(t, nil)
	w.subscribe("mail", s, deadLetter)
	w.run()
	w.mustStart(Redrive, "bills", s, filtered(t, &v1alpha1.EventFilter{
		Exact: map[string]string{"type": "bill", attrDeadReason: "answered 400"},
	}))
	if st := w.done(Redrive, "bills"); st.Delivered != 100 || st.Filtered != 100 {
		t.Errorf("%+v", st)
	}
	w.mustStart(Redrive, "rest", s)
	if st := w.done(Redrive, "rest"); st.Delivered != 100 || st.Filtered != 0 {
		t.Errorf("%+v", st)
	}
	ids := s.ids()
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 200 || len(ids) != 200 {
		t.Errorf("%d deliveries of %d letters", len(ids), n)
	}
}

// Another name stops a run where it is; put back, it goes on there. So does one
// whose subscription was removed and made again.
func TestRunPutBack(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	w.channel("dead")
	w.send(orders, "order", 0, 100)
	s := newSink(t, nil)
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.From, s.InFlight = v1alpha1.FromNow, 1 })
	gate := make(chan struct{}, 1000)
	s.answers(func(http.ResponseWriter, *http.Request, *event.Event) int { <-gate; return 0 })
	one := func(r *Run) { r.Spec.InFlight = 1 }
	w.run()
	w.mustStart(Replay, "a", s, one)
	for range 10 {
		gate <- struct{}{}
	}
	w.until("the next one is under way", func() bool { return s.tries("10") == 1 })
	w.mustStart(Replay, "b", s, one)
	gate <- struct{}{} // of a, which was under way
	w.until("a has ended that one", func() bool {
		st, _ := w.RunStatus(name("mail"), Replay, "a")
		return st.Delivered == 11
	})
	for range 100 {
		gate <- struct{}{}
	}
	w.done(Replay, "b")
	if st, _ := w.RunStatus(name("mail"), Replay, "a"); !st.Finished.IsZero() || st.Delivered != 11 || st.Left != 89 {
		t.Errorf("a was not stopped: %+v", st)
	}
	w.Remove(name("mail"))
	w.again()
	w.subscribe("mail", s)
	w.run()
	w.send(w.channel("orders"), "order", 100, 10) // after a has begun
	w.mustStart(Replay, "a", s, one)
	close(gate)
	if st := w.done(Replay, "a"); st.Delivered != 100 {
		t.Errorf("%+v", st)
	}
}

// Both kinds at the same time, and the subscription, are bound together by what the
// subscription allows its target; a replay elsewhere by itself.
func TestRunsShareTheTarget(t *testing.T) {
	w := newWorld(t)
	orders, dead := w.channel("orders"), w.channel("dead")
	w.send(orders, "order", 0, 500)
	w.letters(dead, "mail", "order", 500, 500)
	release := make(chan struct{})
	waits := func(http.ResponseWriter, *http.Request, *event.Event) int { <-release; return 0 }
	s, preview := newSink(t, waits), newSink(t, waits)
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.InFlight, s.DeadLetter = 3, "dead" })
	three := func(r *Run) { r.Spec.InFlight = 3 }
	w.run()
	w.mustStart(Redrive, "fixed", s, three)
	w.mustStart(Replay, "again", preview, three, func(r *Run) { r.Elsewhere = true })
	idle := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, sub := range w.subs {
			sub.mu.Lock()
			working := sub.working
			sub.mu.Unlock()
			if working {
				return false
			}
		}
		return true
	}
	w.until("nothing more can be sent", idle)
	w.until("all are under way", func() bool { return s.flying()+preview.flying() == 6 })
	close(release)
	s.awaitAll(t, 1000)
	w.done(Redrive, "fixed")
	w.done(Replay, "again")
	if s.top != 3 || preview.top != 3 || len(preview.ids()) != 500 {
		t.Errorf("%d and %d in flight, %d replayed", s.top, preview.top, len(preview.ids()))
	}
}

// Where a replay begins and ends.
func TestReplayBounds(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	w.channel("dead")
	w.send(orders, "order", 0, 20)
	time.Sleep(5 * time.Millisecond)
	middle := time.Now().UTC().Format(time.RFC3339Nano)
	time.Sleep(5 * time.Millisecond)
	w.send(orders, "order", 20, 10)
	s := newSink(t, nil)
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.From = v1alpha1.FromNow })
	w.run()
	find := func(found uint64) func(*Run) {
		return func(r *Run) {
			r.From, r.Find = "id:5", func(channel.Name, string) (uint64, bool) { return found, found > 0 }
		}
	}
	from := func(from, until string) func(*Run) { return func(r *Run) { r.From, r.Until = from, until } }
	tests := []struct {
		name   string
		change func(*Run)
		want   uint64
	}{
		{"everything", from("earliest", ""), 30},
		{"since", from(middle, ""), 10},
		{"until", from("earliest", middle), 20},
		{"nothing", from(middle, middle), 0},
		{"of-the-future", from("2220-01-01T00:00:00Z", ""), 0},
		{"id", from("id:5", ""), 25},
		{"id-by-index", find(11), 20},
		{"id-by-broken-index", find(0), 25},
		{"bills", filtered(t, &v1alpha1.EventFilter{Exact: map[string]string{"type": "bill"}}), 0},
	}
	for _, tt := range tests {
		w.mustStart(Replay, tt.name, s, tt.change)
		if st := w.done(Replay, tt.name); st.Delivered != tt.want {
			t.Errorf("%s: %+v, want %d", tt.name, st, tt.want)
		}
	}
	for change, want := range map[string]func(*Run){
		`channel orders has no event with id "never", or does not keep it any more`: from("id:never", ""),
		"from is no time: ":  from("yesterday", ""),
		"until is no time: ": from("earliest", "tomorrow"),
	} {
		err := w.start(Replay, "wrong", s, want)
		var impossible *Impossible
		if !errors.As(err, &impossible) || !strings.HasPrefix(err.Error(), change) {
			t.Errorf("%v, want %s", err, change)
		}
	}
	if _, begun := w.RunStatus(name("mail"), Replay, "wrong"); begun {
		t.Error("what is impossible has begun")
	}
}

// Events that the channel does not keep until a run comes to them are counted.
func TestRunOfGoneEvents(t *testing.T) {
	simulate(t, func(t *testing.T, w *world, target *target) {
		settings := channel.Settings{Keep: time.Minute, Size: 1 << 30, MaxEvent: 1 << 20}
		orders, err := w.store.Ensure(t.Context(), name("orders"), settings)
		if err != nil {
			t.Fatal(err)
		}
		w.channel("dead")
		w.send(orders, "order", 0, 30)
		time.Sleep(70 * time.Second)
		w.send(orders, "order", 30, 20)
		s := &sink{url: "http://app"}
		target.answer = func(time.Duration, *http.Request) (int, http.Header) { return 503, retryAfterHeader("60") }
		w.mustStart(Replay, "late", s, func(r *Run) { r.From = "1999-01-01T00:00:00Z" })
		time.Sleep(70 * time.Second)
		w.again() // what is in memory is delivered all the same
		w.send(w.channel("orders"), "order", 50, 1)
		w.run()
		time.Sleep(20 * time.Second)
		w.mustStart(Replay, "late", s)
		time.Sleep(time.Minute)
		st, _ := w.RunStatus(name("mail"), Replay, "late")
		if st.Finished.IsZero() || st.Dead != 20 || st.Gone != 20 || st.Note != "channel orders keeps events from 2000-01-01T00:01:10Z on; up to 30 older ones are gone" {
			t.Errorf("%+v", st)
		}
	})
}
