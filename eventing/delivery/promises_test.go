package delivery

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
)

// promised is how many events the tests of this file deliver: 100,000 by hand, go
// test -run 'Window|Over' -timeout 30m -deliveries 100000.
var promised = flag.Int("deliveries", 3000, "how many events are delivered to show what is promised of each")

// takes is how long a target takes that is to have several deliveries in flight.
const takes = 5 * time.Millisecond

// However many deliveries there are, and whatever fails, no more than the window is
// in flight: neither that of the subscription, which is used, nor the largest of all.
func TestWindowIsNeverExceeded(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	for name, most := range map[string]int{"bounded": 8, "free": 256} {
		s := newSink(t, nil)
		fails := flaky(s)
		s.answers(func(w http.ResponseWriter, r *http.Request, e *event.Event) int {
			time.Sleep(takes)
			return fails(w, r, e)
		})
		w.subscribe(name, s, func(s *v1alpha1.SubscriptionSpec) {
			if name == "bounded" {
				s.InFlight = int32(most)
			}
		})
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.top > most || name == "bounded" && s.top < most {
				t.Errorf("%s: %d in flight, want at most %d", name, s.top, most)
			}
			t.Logf("%s: %d deliveries, at most %d at a time", name, len(s.accepted), s.top)
		}()
	}
	w.run()
	w.send(orders, "order", 0, *promised)
	for _, name := range []string{"bounded", "free"} {
		w.eventually(name+" has delivered all", func() bool { return w.status(name).Delivered == uint64(*promised) })
	}
}

// eventually is until with as much more patience as there is more to deliver.
func (w *world) eventually(what string, f func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience + time.Duration(*promised)*10*time.Millisecond); !f(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("too late: %s", what)
		}
	}
}

// Killed three times while one attempt of twenty fails, the events of a key never
// come out of order; and while one key stands, as its event is refused, all others
// are delivered.
func TestOrderOverKills(t *testing.T) {
	const kills, keys, stands = 3, 10, "0"
	got := &received{times: [2]map[string]int{{}, {}}, last: map[string]int{}}
	s := newSink(t, nil)
	fails := failing(s, got)
	var goes atomic.Bool
	s.answers(func(w http.ResponseWriter, r *http.Request, e *event.Event) int {
		if key, _ := e.Get("partitionkey"); key == stands && r.URL.Path != "/" && !goes.Load() {
			return http.StatusConflict
		}
		return fails(w, r, e)
	})
	dir, accepted, others := t.TempDir(), map[string]bool{}, map[string]bool{}
	for life := range kills + 1 {
		cmd, lines := startChild(t, dir, s.url, strconv.Itoa(10_000_000*(life+1)))
		for len(accepted) < *promised*(life+1)/(kills+1) && lines.Scan() {
			id := lines.Text()
			n, err := strconv.Atoi(id)
			if err != nil {
				t.Fatal(id)
			}
			accepted[id] = true
			if n%keys != 0 {
				others[id] = true
			}
		}
		_ = cmd.Process.Kill()
		for lines.Scan() { // what was accepted before the end of it
			accepted[lines.Text()] = true
		}
		_ = cmd.Wait() // it was killed
	}
	total := len(accepted)
	cmd, _ := startChild(t, dir, s.url, "")
	w := &world{t: t}
	w.eventually("all keys but one are delivered", func() bool { return got.all(others) })
	if got.any(stands) {
		t.Error("an event of the key that stands is delivered")
	}
	goes.Store(true)
	w.eventually("all are delivered", func() bool { return got.all(accepted) })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, problem := range got.problems {
		t.Error(problem)
	}
	t.Logf("%d events of %d keys, %d kills, %d out of order", total, keys, kills, len(got.problems))
}

// all reports whether both subscriptions have delivered all of these events, and
// takes out those that they have: there are very many.
func (r *received) all(ids map[string]bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range ids {
		if r.times[0][id] > 0 && r.times[1][id] > 0 {
			delete(ids, id)
		}
	}
	return len(ids) == 0
}

// any reports whether the subscription that keeps order has delivered one of a key.
func (r *received) any(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.last[key]
	return ok
}

// What a target gets has the bytes that the channel got, up to the largest event.
func TestEverySize(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	s := newSink(t, nil)
	random := rand.NewChaCha8([32]byte{})
	sent := map[string][]byte{}
	for _, size := range []int{0, 1, 1023, 1024, 1025, 64<<10 - 1, 64 << 10, 64<<10 + 1, 512<<10 + 1, 1<<20 - 1<<10} {
		data := make([]byte, size)
		_, _ = random.Read(data) // never fails
		e := event.Event{ID: strconv.Itoa(size), Source: "/test", Type: "order", DataContentType: "application/octet-stream", Data: data}
		if err := orders.Append(t.Context(), []event.Event{e}); err != nil {
			t.Fatal(err)
		}
		sent[e.ID] = data
	}
	w.subscribe("mail", s)
	w.run()
	s.awaitAll(t, len(sent))
	for _, e := range s.accepted {
		if !bytes.Equal(sent[e.ID], e.Data) {
			t.Errorf("of %s bytes others came", e.ID)
		}
	}
}

// A rate is kept to 5% over any ten seconds while events wait, in both directions.
func TestRateOverAnyTenSeconds(t *testing.T) {
	const rate, span, lasts = 25, 10 * time.Second, 60 * time.Second
	simulate(t, func(t *testing.T, w *world, target *target) {
		w.subscribeTarget(func(s *v1alpha1.SubscriptionSpec) { s.Rate = rate })
		w.send(w.channel("orders"), "order", 0, 2*rate*int(lasts/time.Second))
		time.Sleep(lasts)
		asked := target.asked()
		want := rate * int(span/time.Second)
		for from, to := 0, 0; from < len(asked) && asked[from]+span < lasts; from++ {
			for to < len(asked) && asked[to] < asked[from]+span {
				to++
			}
			if n := to - from; 100*n < 95*want || 100*n > 105*want {
				t.Fatalf("%d attempts in the 10 s from %s on, want %d", n, asked[from], want)
			}
		}
	})
}
