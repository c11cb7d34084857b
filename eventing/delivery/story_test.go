package delivery

import (
	"net/http"
	"sync"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/story"
)

// told has attempts of the world remembered.
func told(w *world) func() []story.Attempt {
	var mu sync.Mutex
	var all []story.Attempt
	w.Remember(func(t story.Attempt) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, t)
	})
	return func() []story.Attempt {
		mu.Lock()
		defer mu.Unlock()
		return append([]story.Attempt(nil), all...)
	}
}

// TestTellsItsStory: each attempt is told with what followed from it.
func TestTellsItsStory(t *testing.T) {
	w := newWorld(t)
	remembered := told(w)
	orders := w.channel("orders")
	w.channel("orders-dead")
	target := newSink(t, nil)
	target.answers(func(rw http.ResponseWriter, _ *http.Request, e *event.Event) int {
		rw.Header().Set("Headway-Revision", "shop-1a2b3c4d")
		switch tries := target.tries(e.ID); {
		case e.ID == "0" && tries == 1:
			return http.StatusServiceUnavailable
		case e.ID == "1":
			return http.StatusBadRequest
		}
		return 0
	})
	w.subscribe("mail", target, func(s *v1alpha1.SubscriptionSpec) {
		s.DeadLetter, s.To.App, s.InFlight = "orders-dead", "shop", 1
	})
	w.run()
	w.send(orders, "order", 0, 1)
	target.awaitAll(t, 1)
	w.send(orders, "order", 1, 1)
	w.until("three attempts are told", func() bool { return len(remembered()) == 3 })
	channel, mail := name("orders"), name("mail")
	want := []story.Attempt{
		{Channel: channel, Seq: 1, Subscription: mail, Number: 1, Status: 503, Said: "answered 503", Revision: "shop-1a2b3c4d", Verdict: story.Again},
		{Channel: channel, Seq: 1, Subscription: mail, Number: 2, Status: 200, Said: "answered 200", Revision: "shop-1a2b3c4d", Verdict: story.Delivered},
		{Channel: channel, Seq: 2, Subscription: mail, Number: 1, Status: 400, Said: "answered 400", Revision: "shop-1a2b3c4d", Verdict: story.Dead, Reason: "answered 400", DeadLetter: "orders-dead"},
	}
	got := remembered()
	if d := diff.Diff(want, got, cmpopts.IgnoreFields(story.Attempt{}, "At", "Took", "Next")); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	if got[0].Next.Before(got[0].At) || !got[1].Next.IsZero() || got[0].Took <= 0 || time.Since(got[0].At) > time.Minute {
		t.Errorf("times: %+v", got)
	}
	for seq, want := range map[uint64]Standing{1: {Known: true, Done: true}, 3: {Known: true}} {
		if st := w.Standing(mail, seq); st != want {
			t.Errorf("event %d: %+v, want %+v", seq, st, want)
		}
	}
	if st := w.Standing(name("nobody"), 1); st != (Standing{}) {
		t.Errorf("nobody: %+v", st)
	}
}

// TestTrace: what an event says of its trace goes on as headers.
func TestTrace(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	w := newWorld(t)
	orders := w.channel("orders")
	var mu sync.Mutex
	seen := map[string][2]string{}
	target := newSink(t, func(_ http.ResponseWriter, r *http.Request, e *event.Event) int {
		mu.Lock()
		defer mu.Unlock()
		seen[e.ID] = [2]string{r.Header.Get("Traceparent"), r.Header.Get("Tracestate")}
		return 0
	})
	w.subscribe("all", target)
	w.run()
	w.send(orders, "order", 0, 1, "traceparent", parent, "tracestate", "a=1")
	w.send(orders, "order", 1, 1, "traceparent", "nonsense", "tracestate", "a=1")
	w.send(orders, "order", 2, 1)
	target.awaitAll(t, 3)
	mu.Lock()
	defer mu.Unlock()
	if d := diff.Diff(map[string][2]string{"0": {parent, "a=1"}, "1": {}, "2": {}}, seen); d != "" {
		t.Errorf("headers (-want +got):\n%s", d)
	}
}
