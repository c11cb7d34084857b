package delivery

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/event"
)

func TestDeliversAllOnce(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	all, bills, never := newSink(t, nil), newSink(t, nil), newSink(t, nil)
	w.send(orders, "order", 0, 300)
	w.subscribe("all", all)
	w.subscribe("bills", bills, exact("bill"))
	w.subscribe("never", never, exact("never"))
	w.subscribe("now", never, func(s *v1alpha1.SubscriptionSpec) {
		s.From = v1alpha1.FromNow
		s.Filter = &v1alpha1.EventFilter{Exact: map[string]string{"type": "order"}}
	})
	w.run()
	all.awaitAll(t, 300)
	w.send(orders, "bill", 300, 100)
	w.send(orders, "order", 400, 1)
	all.awaitAll(t, 401)
	bills.awaitAll(t, 100)
	never.awaitAll(t, 1)
	want := map[string]cursor.Counts{
		"all":   {Floor: 401, Delivered: 401},
		"bills": {Floor: 401, Delivered: 100, Filtered: 301},
		"never": {Floor: 401, Filtered: 401},
		"now":   {Floor: 401, Delivered: 1, Filtered: 100},
	}
	for n, counts := range want {
		w.until(n+" is done", func() bool { return w.status(n).Lag == 0 })
		if d := diff.Diff(counts, w.status(n).Counts); d != "" {
			t.Errorf("%s (-want +got):\n%s", n, d)
		}
	}
	if n := len(all.ids()) + len(bills.ids()) + len(never.ids()); n != 401+100+1 {
		t.Errorf("%d deliveries, so some came twice", n)
	}
	if e := bills.accepted[0]; string(e.Data) != "data of "+e.ID || e.Type != "bill" || e.Source != "/test" {
		t.Errorf("an event has changed: %+v", e)
	}
}

func exact(kind string) func(*v1alpha1.SubscriptionSpec) {
	return func(s *v1alpha1.SubscriptionSpec) {
		s.Filter = &v1alpha1.EventFilter{Exact: map[string]string{"type": kind}}
	}
}

// What is refused for good is tried once and becomes a dead letter, unchanged but
// for the reason.
func TestDeadLetter(t *testing.T) {
	w := newWorld(t)
	orders, deadOnes := w.channel("orders"), w.channel("dead")
	s := newSink(t, func(_ http.ResponseWriter, _ *http.Request, e *event.Event) int {
		if e.ID == "2" {
			return http.StatusBadRequest
		}
		return 0
	})
	w.send(orders, "order", 0, 5, "subject", "ä b", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "partitionkey", "k")
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.DeadLetter = "dead" })
	w.run()
	s.awaitAll(t, 4)
	if err := deadOnes.Wait(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	want := &event.Event{ID: "2", Source: "/test", Type: "order", Subject: "ä b", Data: []byte("data of 2")}
	for _, a := range [][2]string{{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, {"partitionkey", "k"}, {attrHops, "1"},
		{attrDeadReason, "answered 400"}, {attrDeadSubscription, "shop/mail"}, {attrDeadAttempts, "1"}, {attrDeadStatus, "400"}} {
		want.Set(a[0], a[1])
	}
	if d := diff.Diff([]*event.Event{want}, w.events(deadOnes)); d != "" {
		t.Errorf("dead letters (-want +got):\n%s", d)
	}
	w.until("all are done with", func() bool { return w.status("mail").Lag == 0 })
	if d := diff.Diff(cursor.Counts{Floor: 5, Delivered: 4, Dead: 1}, w.status("mail").Counts); d != "" || s.tries("2") != 1 {
		t.Errorf("%d attempts (-want +got):\n%s", s.tries("2"), d)
	}
	if f := w.status("mail").LastFailure; f.Event != "2" || f.Message != "answered 400" || f.At.IsZero() {
		t.Errorf("the last failure is %+v", f)
	}
}

// An event is tried again until it goes through; attempts are numbered, the trace
// goes on.
func TestRetry(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	headers := make(chan http.Header, 100)
	s := newSink(t, nil)
	s.answers(func(_ http.ResponseWriter, r *http.Request, e *event.Event) int {
		headers <- r.Header
		if s.tries(e.ID) < 4 {
			return http.StatusInternalServerError
		}
		return 0
	})
	w.send(orders, "order", 0, 1, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	w.subscribe("mail", s)
	w.run()
	s.awaitAll(t, 1)
	for n := 1; n <= 4; n++ {
		h := <-headers
		got := []string{h.Get("Headway-Attempt"), h.Get("Headway-Subscription"), h.Get("Ce-Traceparent")}
		if d := diff.Diff([]string{strconv.Itoa(n), "shop/mail", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, got); d != "" {
			t.Errorf("attempt %d (-want +got):\n%s", n, d)
		}
	}
}

// Redirects are not followed: the event might go anywhere.
func TestRedirect(t *testing.T) {
	w := newWorld(t)
	w.send(w.channel("orders"), "order", 0, 1)
	other := newSink(t, nil)
	s := newSink(t, func(rw http.ResponseWriter, _ *http.Request, _ *event.Event) int {
		rw.Header().Set("Location", other.url)
		return http.StatusTemporaryRedirect
	})
	w.subscribe("mail", s)
	w.run()
	w.until("it is dead", func() bool { return w.status("mail").Dead == 1 })
	if len(other.ids()) > 0 || s.tries("0") != 1 {
		t.Errorf("%d attempts, %d at the other server", s.tries("0"), len(other.ids()))
	}
}

// Git must not have Headway talk to its own machine.
func TestForbiddenAddress(t *testing.T) {
	w := newWorld(t)
	w.client = NewClient()
	w.again()
	w.send(w.channel("orders"), "order", 0, 1)
	s := newSink(t, nil)
	w.subscribe("mail", s)
	w.run()
	w.until("it has failed", func() bool { return w.status("mail").Retrying == 1 })
	const want = "no connection: dial tcp 127.0.0.1:"
	if got := w.status("mail").LastFailure.Message; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "127.0.0.1 is no address for a subscription") || s.tries("0") != 0 {
		t.Errorf("%d attempts, %s", s.tries("0"), got)
	}
}

// The event in an answer is in its channel before the place moves.
func TestReply(t *testing.T) {
	w := newWorld(t)
	orders, answers := w.channel("orders"), w.channel("answers")
	s := newSink(t, func(rw http.ResponseWriter, _ *http.Request, e *event.Event) int {
		switch e.ID {
		case "0": // no event
		case "1":
			rw.Header().Set("Ce-Specversion", "1.0") // and nothing else
		case "2":
			rw.Header().Set("Content-Type", "application/cloudevents+json")
			_, _ = rw.Write(make([]byte, maxAnswer+1))
		default:
			reply := event.Event{ID: "re-" + e.ID, Source: "/app", Type: "answer", DataContentType: "text/plain", Data: []byte("thanks")}
			_, _ = rw.Write(reply.WriteHTTP(rw.Header()))
		}
		return 0
	})
	w.send(orders, "order", 0, 5, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", attrHops, "3")
	w.send(orders, "order", 5, 1, attrHops, "16")
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.Reply = "answers" })
	w.run()
	w.until("all are done with", func() bool { return w.status("mail").Delivered == 6 })
	got := map[string]*event.Event{}
	for _, e := range w.events(answers) {
		got[e.ID] = e
	}
	want := map[string]*event.Event{}
	for _, id := range []string{"re-3", "re-4"} {
		want[id] = &event.Event{ID: id, Source: "/app", Type: "answer", DataContentType: "text/plain", Data: []byte("thanks")}
		want[id].Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		want[id].Set(attrHops, "4")
	}
	if d := diff.Diff(want, got); d != "" {
		t.Errorf("replies (-want +got):\n%s", d)
	}
}

// From channel to channel: a loop ends.
func TestLoop(t *testing.T) {
	w := newWorld(t)
	orders, deadOnes := w.channel("orders"), w.channel("dead")
	w.subscribe("again", nil, func(s *v1alpha1.SubscriptionSpec) { s.To.Channel, s.DeadLetter = "orders", "dead" })
	w.send(orders, "order", 0, 1)
	w.run()
	w.until("the loop has ended", func() bool { return w.status("again").Dead == 1 })
	if got := len(w.events(orders)); got != 17 {
		t.Errorf("%d events in the loop, want 17", got)
	}
	got := w.events(deadOnes)
	if len(got) != 1 {
		t.Fatalf("%d dead letters", len(got))
	}
	if reason, _ := got[0].Get(attrDeadReason); reason != tooManyHops {
		t.Errorf("the reason is %q", reason)
	}
}

// A channel that is not there yet is waited for.
func TestDeadLetterChannelComesLater(t *testing.T) {
	w := newWorld(t)
	w.send(w.channel("orders"), "order", 0, 3)
	s := newSink(t, func(http.ResponseWriter, *http.Request, *event.Event) int { return http.StatusGone })
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.DeadLetter = "dead" })
	w.run()
	w.until("it is told", func() bool {
		return w.status("mail").LastFailure.Message == "the dead letter waits for its channel: channel dead: it does not exist"
	})
	if st := w.status("mail"); st.Floor != 0 || st.Dead != 0 {
		t.Errorf("the place has moved: %+v", st)
	}
	deadOnes := w.channel("dead")
	w.until("all are dead", func() bool { return w.status("mail").Dead == 3 })
	if got := len(w.events(deadOnes)); got != 3 {
		t.Errorf("%d dead letters", got)
	}
}
