package delivery

import (
	"net/http"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/event"
)

func TestPauseAndResume(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	s := newSink(t, nil)
	w.subscribe("mail", s)
	w.run()
	w.send(orders, "order", 0, 10)
	s.awaitAll(t, 10)
	pause := func(s *v1alpha1.SubscriptionSpec) { s.Paused = true }
	w.subscribe("mail", s, pause)
	w.send(orders, "order", 10, 20)
	w.until("ten are done", func() bool { return w.status("mail").Floor == 10 })
	if st := w.status("mail"); st.Lag != 20 || st.Oldest.IsZero() {
		t.Errorf("paused: %+v", st)
	}
	w.again()
	w.subscribe("mail", s, pause)
	w.run()
	w.subscribe("mail", s)
	s.awaitAll(t, 30)
	if n := len(s.ids()); n != 30 {
		t.Errorf("%d deliveries, want 30", n)
	}
}

// Deleted and made again under its name, it goes on: nothing is lost, and nothing
// comes twice.
func TestRemoveAndMakeAgain(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	gate := make(chan struct{})
	s := newSink(t, func(_ http.ResponseWriter, _ *http.Request, e *event.Event) int {
		if e.ID == "7" {
			<-gate
		}
		return 0
	})
	w.subscribe("mail", s)
	w.run()
	w.send(orders, "order", 0, 10)
	s.awaitAll(t, 9)
	w.Remove(name("mail"))
	if _, ok := w.Status(t.Context(), name("mail")); ok {
		t.Error("it is still there")
	}
	w.send(orders, "order", 10, 10)
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.From = v1alpha1.FromNow })
	s.awaitAll(t, 19)
	close(gate) // of the attempt that was under way
	s.awaitAll(t, 20)
	w.Remove(name("mail"))
	w.send(orders, "order", 20, 5)
	w.again()
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.From = v1alpha1.FromNow })
	w.run()
	s.awaitAll(t, 25)
	w.until("all are done with", func() bool { return w.status("mail").Delivered == 25 })
	if n := len(s.ids()); n != 25 {
		t.Errorf("%d deliveries, want 25", n)
	}
}

// A change takes effect in place: the new filter decides about events from then
// on, and those that failed go to the new target.
func TestChangeInPlace(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	broken := newSink(t, func(http.ResponseWriter, *http.Request, *event.Event) int { return http.StatusInternalServerError })
	s := newSink(t, nil)
	w.subscribe("mail", broken, exact("order"))
	w.run()
	w.send(orders, "order", 0, 3)
	w.until("all have failed", func() bool { return w.status("mail").Retrying == 3 })
	w.subscribe("mail", s, exact("bill"))
	w.send(orders, "order", 3, 3)
	w.send(orders, "bill", 6, 1)
	s.awaitAll(t, 4)
	w.until("all are done with", func() bool { return w.status("mail").Lag == 0 })
	if d := diff.Diff(cursor.Counts{Floor: 7, Delivered: 4, Filtered: 3}, w.status("mail").Counts); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A restart in good order delivers nothing twice.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	s := newSink(t, nil)
	s.answers(flaky(s))
	w.send(orders, "order", 0, 1000)
	for i := range 4 {
		w.subscribe("mail", s)
		w.run()
		s.awaitAll(t, 250*(i+1))
		w.again()
	}
	w.subscribe("mail", s)
	w.run()
	s.awaitAll(t, 1000)
	if n := len(s.ids()); n != 1000 {
		t.Errorf("%d deliveries, want 1000", n)
	}
}

// A channel that was removed and made again counts from 1: its subscriptions must
// not wait for the old numbers.
func TestChannelMadeAgain(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	s := newSink(t, nil)
	w.subscribe("mail", s)
	w.run()
	w.send(orders, "order", 0, 300)
	s.awaitAll(t, 300)
	if err := w.store.Remove(t.Context(), name("orders")); err != nil {
		t.Fatal(err)
	}
	orders = w.channel("orders")
	w.subscribe("mail", s)
	w.send(orders, "order", 300, 3)
	s.awaitAll(t, 303)
}

func TestFromTime(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	s := newSink(t, nil)
	w.send(orders, "order", 0, 10)
	w.subscribe("old", s, func(s *v1alpha1.SubscriptionSpec) { s.From = "2020-01-01T00:00:00Z" })
	w.subscribe("coming", s, func(s *v1alpha1.SubscriptionSpec) { s.From = "2220-01-01T00:00:00Z" })
	w.run()
	w.send(orders, "order", 10, 1)
	w.until("all are done with", func() bool { return w.status("old").Lag+w.status("coming").Lag == 0 })
	if old, coming := w.status("old").Delivered, w.status("coming").Delivered; old != 11 || coming != 1 {
		t.Errorf("%d and %d delivered, want 11 and 1", old, coming)
	}
	err := w.Set(Subscription{Name: name("none"), Spec: v1alpha1.SubscriptionSpec{Channel: "nowhere"}})
	if err == nil || err.Error() != "there is no channel shop/nowhere" {
		t.Errorf("without a channel: %v", err)
	}
}
