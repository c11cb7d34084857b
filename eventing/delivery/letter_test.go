package delivery

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
)

// A channel for dead letters that is full holds up nothing else. What it has no
// room for waits, over a restart, and is not sent to the target again.
func TestDeadLettersFindNoRoom(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	room := func(bytes int64) *channel.Channel {
		c, err := w.store.Ensure(context.Background(), name("dead"), channel.Settings{Keep: time.Hour, Size: bytes, MaxEvent: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	room(256)
	s := newSink(t, func(_ http.ResponseWriter, _ *http.Request, e *event.Event) int {
		if n, _ := strconv.Atoi(e.ID); n%2 == 0 {
			return http.StatusBadRequest
		}
		return 0
	})
	spec := func(s *v1alpha1.SubscriptionSpec) { s.DeadLetter, s.InFlight = "dead", 4 }
	w.send(orders, "order", 0, 100)
	w.subscribe("mail", s, spec)
	w.run()
	s.awaitAll(t, 50)
	w.until("all letters wait", func() bool { st := w.status("mail"); return st.InFlight == 0 && st.Retrying >= 49 })
	w.again()
	w.subscribe("mail", s, spec)
	w.run()
	dead := room(1 << 20)
	w.until("all are dead", func() bool { return w.status("mail").Dead == 50 && w.status("mail").Lag == 0 })
	letters := w.events(dead)
	if len(letters) != 50 {
		t.Errorf("%d dead letters", len(letters))
	}
	for _, e := range letters {
		reason, _ := e.Get(attrDeadReason)
		status, _ := e.Get(attrDeadStatus)
		attempts, _ := e.Get(attrDeadAttempts)
		if reason != "answered 400" || status != "400" || attempts != "1" || s.tries(e.ID) != 1 {
			t.Errorf("event %s: %s, status %s, %s attempts, of %d", e.ID, reason, status, attempts, s.tries(e.ID))
		}
	}
}
