package delivery

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/event"
)

// One target of a hundred never answers. The others get everything, once, and it
// gets no more than one window.
func TestOneOfAHundredHangs(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	release := make(chan struct{})
	stuck := newSink(t, func(http.ResponseWriter, *http.Request, *event.Event) int { <-release; return 0 })
	t.Cleanup(func() { close(release) }) // before the server of the sink is closed
	w.subscribe("stuck", stuck, func(s *v1alpha1.SubscriptionSpec) { s.Timeout = length(v1alpha1.MaxDeliveryTimeout) })
	good := newSink(t, nil)
	for i := range 99 {
		w.subscribe(fmt.Sprint("good", i), good)
	}
	w.run()
	for i := range 10 {
		w.send(orders, "order", 10*i, 10)
	}
	for i := range 99 {
		w.until("all are delivered", func() bool { return w.status(fmt.Sprint("good", i)).Delivered == 100 })
	}
	if n := len(good.ids()); n != 99*100 {
		t.Errorf("%d deliveries, want %d", n, 99*100)
	}
	if st := w.status("stuck"); st.InFlight != 16 || st.Delivered != 0 {
		t.Errorf("the one that hangs: %+v", st)
	}
}

// No more is in flight than the subscription allows, and all of that is used.
func TestInFlight(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	var meet sync.WaitGroup
	meet.Add(5)
	s := newSink(t, func(_ http.ResponseWriter, _ *http.Request, e *event.Event) int {
		if n, _ := strconv.Atoi(e.ID); n < 5 {
			meet.Done()
			meet.Wait() // five must be in flight
		}
		return 0
	})
	w.send(orders, "order", 0, 3000)
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.InFlight = 5 })
	w.run()
	s.awaitAll(t, 3000)
	if s.top != 5 {
		t.Errorf("%d in flight, want 5", s.top)
	}
}

// flaky fails one attempt of twenty, the same ones in each run.
func flaky(s *sink) func(http.ResponseWriter, *http.Request, *event.Event) int {
	return func(_ http.ResponseWriter, _ *http.Request, e *event.Event) int {
		h := fnv.New32()
		fmt.Fprint(h, e.ID, s.tries(e.ID))
		if h.Sum32()%20 == 0 {
			return http.StatusInternalServerError
		}
		return 0
	}
}

// Events of a key come in order, whatever fails and restarts; one that cannot be
// delivered holds up its own key only.
func TestOrdered(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	const keys, each = 20, 100
	s := newSink(t, nil)
	s.answers(flaky(s))
	for i := range each {
		w.sendKeys(orders, keys*i, keys)
	}
	ordered := func(s *v1alpha1.SubscriptionSpec) { s.Ordered = "partitionkey" }
	w.subscribe("mail", s, ordered)
	w.run()
	s.awaitAll(t, keys*each/2)
	w.again()
	w.subscribe("mail", s, ordered)
	w.run()
	s.awaitAll(t, keys*each)
	next := map[string]int{}
	for _, id := range s.ids() {
		n, _ := strconv.Atoi(id)
		key := strconv.Itoa(n % keys)
		if n/keys != next[key] {
			t.Fatalf("event %s of key %s came when %d was next", id, key, next[key])
		}
		next[key]++
	}
}

func TestOneKeyStands(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	s := newSink(t, func(_ http.ResponseWriter, _ *http.Request, e *event.Event) int {
		if key, _ := e.Get("subject"); key == "bad" {
			return http.StatusConflict
		}
		return 0
	})
	for i := range 200 {
		w.send(orders, "order", i, 1, "subject", []string{"good", "bad", "fine"}[i%3])
	}
	w.send(orders, "order", 200, 1) // without a key
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.Ordered = "subject" })
	w.run()
	s.awaitAll(t, 134)
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.attempts {
		if n, _ := strconv.Atoi(id); n%3 == 1 && n != 1 && n != 200 {
			t.Errorf("event %s was sent though the one before it is not done", id)
		}
	}
}

// Order may be asked for later: what is under way ends first.
func TestOrderedLater(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	s := newSink(t, nil)
	s.answers(flaky(s))
	w.subscribe("mail", s)
	w.run()
	w.send(orders, "order", 0, 1000, "subject", "one")
	s.awaitAll(t, 100)
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.Ordered = "subject" })
	w.until("what was under way has ended", func() bool { return w.status("mail").InFlight <= 1 })
	s.mu.Lock()
	n := len(s.accepted)
	s.mu.Unlock()
	s.awaitAll(t, 1000)
	last := -1
	for _, id := range s.ids()[n:] {
		i, _ := strconv.Atoi(id)
		if i < last {
			t.Fatalf("event %d came after %d", i, last)
		}
		last = i
	}
}

// A thousand subscriptions that wait have no goroutine, and an event costs only
// those that want its type.
func TestAThousandWait(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	w.run()
	before := runtime.NumGoroutine()
	s := newSink(t, nil)
	var want []string
	for i := range 1000 {
		w.subscribe(fmt.Sprint("s", i), s, exact(fmt.Sprint("kind", i)), func(s *v1alpha1.SubscriptionSpec) { s.From = v1alpha1.FromEarliest })
	}
	lane := w.lanes[orders]
	following := func() bool { lane.mu.Lock(); defer lane.mu.Unlock(); return lane.following == 1000 }
	w.until("all wait", following)
	for i := range 10 {
		w.send(orders, fmt.Sprint("kind", i*100), i, 1)
		want = append(want, fmt.Sprint(i))
	}
	s.awaitAll(t, 10)
	w.until("all wait", following)
	got := s.ids()
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("delivered %v, want %v", got, want)
	}
	w.until("no goroutine is left", func() bool { w.client.CloseIdleConnections(); return runtime.NumGoroutine() < before+20 })
	if st := w.status("s100"); st.Delivered != 1 || st.Filtered != 9 || st.Lag != 0 {
		t.Errorf("%+v", st)
	}
}

// What waits for its turn is sent from memory: events of a subscription that keeps
// order and lags are not read one by one.
func TestWaitingIsHeld(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	w.send(orders, "order", 0, 200, "subject", "one")
	s := newSink(t, nil)
	w.subscribe("mail", s, func(s *v1alpha1.SubscriptionSpec) { s.Ordered = "subject" })
	sub := w.subs[name("mail")] // it does not run
	found := sub.look()
	sub.read(found)
	if found = sub.look(); found.item.seq != 1 {
		t.Fatalf("first comes %+v", found)
	}
	for n := uint64(1); n < 100; n++ {
		sub.look() // at the others, which wait
		sub.mu.Lock()
		sub.end(n, cursor.Delivered)
		sub.mu.Unlock()
		if found = sub.look(); found.item.seq != n+1 {
			t.Fatalf("after %d comes %+v", n, found)
		}
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.dropAhead()
	if left := w.ahead.Load(); left != 0 {
		t.Errorf("%d bytes are counted for nothing", left)
	}
}
