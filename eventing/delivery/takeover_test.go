package delivery

import (
	"net/http"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
)

// A subscription goes on where another one was, after its last attempt has ended:
// nothing is lost and nothing comes twice, also over a restart.
func TestTakeOver(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	gate := make(chan struct{})
	before := newSink(t, func(_ http.ResponseWriter, _ *http.Request, e *event.Event) int {
		switch e.ID {
		case "7":
			<-gate
		case "8":
			return http.StatusServiceUnavailable
		}
		return 0
	})
	after := newSink(t, nil)
	w.subscribe("mail", before)
	w.run()
	w.send(orders, "order", 0, 10)
	before.await(t, "event 8 has failed, and event 7 is under way", func() bool { return before.attempts["7"] > 0 && before.attempts["8"] > 0 })
	w.until("the others are done", func() bool { return w.status("mail").Delivered == 8 })
	takeOver := func() bool {
		t.Helper()
		over, err := w.TakeOver(t.Context(), name("mail"), name("post"), "orders")
		if err != nil {
			t.Fatal(err)
		}
		return over
	}
	if takeOver() {
		t.Error("it took over from one that was not removed")
	}
	w.Remove(name("mail"))
	if takeOver() {
		t.Error("it took over while an attempt was under way")
	}
	w.send(orders, "order", 10, 5)
	close(gate)
	w.until("it takes over", takeOver)
	w.subscribe("post", after, func(s *v1alpha1.SubscriptionSpec) { s.From = v1alpha1.FromNow })
	after.awaitAll(t, 6)
	w.again()
	w.subscribe("post", after, func(s *v1alpha1.SubscriptionSpec) { s.From = v1alpha1.FromNow })
	w.run()
	if !takeOver() {
		t.Error("there is something to take over")
	}
	w.send(w.channel("orders"), "order", 15, 5)
	after.awaitAll(t, 11)
	w.until("all are done with", func() bool { return w.status("post").Delivered == 20 })
	if n := len(after.ids()); n != 11 || after.tries("7") != 0 || after.tries("8") != 1 {
		t.Errorf("%d deliveries, want those of 8 and 10 to 19: %v", n, after.ids())
	}
}
