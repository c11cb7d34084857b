package delivery

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/filter"
)

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// world is a store of channels with a Dispatcher on it, in a folder that
// outlives both.
type world struct {
	t       testing.TB
	dir     string
	client  *http.Client
	store   *channel.Store
	cursors *cursor.Store
	*Dispatcher
	stop func()
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), client: newClient(anywhere)}
	w.open()
	t.Cleanup(w.close)
	return w
}

// anywhere has targets on this machine.
func anywhere(netip.Addr) bool { return true }

// open opens the stores, and makes a Dispatcher that does not run yet.
func (w *world) open() {
	w.t.Helper()
	var err error
	if w.store, w.cursors, err = openStores(w.t, w.dir); err != nil {
		w.t.Fatal(err)
	}
	w.Dispatcher = New(w.store, w.cursors, w.client, slog.New(slog.DiscardHandler))
	w.stop = func() {}
}

// run begins to deliver.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func(d *Dispatcher) { ended <- d.Run(ctx) }(w.Dispatcher)
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
		w.client.CloseIdleConnections()
		w.stop = func() {}
	}
}

func (w *world) close() {
	w.stop()
	if err := w.cursors.Close(); err != nil {
		w.t.Error(err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// again is a restart: everything is closed and opened.
func (w *world) again() {
	w.t.Helper()
	w.close()
	w.open()
}

func name(n string) channel.Name { return channel.Name{Namespace: "shop", Name: n} }

func (w *world) channel(n string) *channel.Channel {
	w.t.Helper()
	c, err := w.store.Ensure(context.Background(), name(n), channel.Settings{Keep: 400 * time.Hour, Size: 1 << 30, MaxEvent: 1 << 20})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// send appends n events of a type, whose ids count from from on.
func (w *world) send(c *channel.Channel, kind string, from, n int, set ...string) {
	w.t.Helper()
	for n > 0 {
		var events []event.Event
		for range min(n, 100) {
			e := event.Event{ID: fmt.Sprint(from), Source: "/test", Type: kind, Data: []byte(fmt.Sprint("data of ", from))}
			for i := 0; i < len(set); i += 2 {
				e.Set(set[i], set[i+1])
			}
			events = append(events, e)
			from++
			n--
		}
		if err := c.Append(context.Background(), events); err != nil {
			w.t.Fatal(err)
		}
	}
}

// subscribe sets a subscription to orders, from the earliest event on.
func (w *world) subscribe(n string, to *sink, change ...func(*v1alpha1.SubscriptionSpec)) {
	w.t.Helper()
	spec := v1alpha1.SubscriptionSpec{Channel: "orders", From: v1alpha1.FromEarliest}
	spec.Retry.First, spec.Retry.Max = length(5*time.Millisecond), length(50*time.Millisecond)
	if to != nil {
		spec.To.URL = to.url
	}
	for _, f := range change {
		f(&spec)
	}
	compiled, err := filter.Compile(spec.Filter)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Set(Subscription{Name: name(n), Spec: spec, Filter: compiled, Target: Target{URL: spec.To.URL, App: spec.To.App}}); err != nil {
		w.t.Fatal(err)
	}
}

// sendKeys appends n events, each of another partition key.
func (w *world) sendKeys(c *channel.Channel, from, n int) {
	w.t.Helper()
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{ID: fmt.Sprint(from + i), Source: "/test", Type: "order"}
		events[i].Set("partitionkey", fmt.Sprint(i))
	}
	if err := c.Append(context.Background(), events); err != nil {
		w.t.Fatal(err)
	}
}

func length(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }

func (w *world) status(n string) Status {
	w.t.Helper()
	st, ok := w.Status(w.t.Context(), name(n))
	if !ok {
		w.t.Fatalf("there is no subscription %s", n)
	}
	return st
}

// until waits for a state that nobody signals.
func (w *world) until(what string, f func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// events reads a whole channel.
func (w *world) events(c *channel.Channel) []*event.Event {
	w.t.Helper()
	var out []*event.Event
	for from := uint64(1); ; {
		records, err := c.Read(w.t.Context(), from, 1000, 1<<20)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(records) == 0 {
			return out
		}
		for _, it := range decode(records) {
			out = append(out, it.event)
		}
		from = records[len(records)-1].Seq + 1
	}
}

// sink is a target. It notes what it has accepted.
type sink struct {
	url string

	mu sync.Mutex
	// answer is asked about each attempt; nil, or 0: 200.
	answer   func(w http.ResponseWriter, r *http.Request, e *event.Event) int
	changed  chan struct{}
	accepted []*event.Event
	attempts map[string]int // by id
	now, top int            // in flight
}

func newSink(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, e *event.Event) int) *sink {
	s := &sink{answer: answer, attempts: map[string]int{}, changed: make(chan struct{})}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// answers has the target answer otherwise from now on.
func (s *sink) answers(answer func(w http.ResponseWriter, r *http.Request, e *event.Event) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	events, err := event.ReadHTTP(r.Header, body)
	if err != nil || len(events) != 1 {
		http.Error(w, fmt.Sprint(err), http.StatusTeapot)
		return
	}
	e := &events[0]
	s.mu.Lock()
	s.attempts[e.ID]++
	s.now++
	s.top = max(s.top, s.now)
	answer := s.answer
	s.mu.Unlock()
	status := 0
	if answer != nil {
		status = answer(w, r, e)
	}
	s.mu.Lock()
	s.now--
	if status == 0 {
		s.accepted = append(s.accepted, e)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	if status != 0 {
		w.WriteHeader(status)
	}
}

// await waits until f holds; it is called with the lock held.
func (s *sink) await(t *testing.T, what string, f func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		ok, changed := f(), s.changed
		got := len(s.accepted)
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("not within %s: %s; %d accepted", patience, what, got)
		}
	}
}

// awaitAll waits for n different events.
func (s *sink) awaitAll(t *testing.T, n int) {
	t.Helper()
	s.await(t, fmt.Sprint(n, " events"), func() bool {
		ids := map[string]bool{}
		if len(s.accepted) < n {
			return false
		}
		for _, e := range s.accepted {
			ids[e.ID] = true
		}
		return len(ids) >= n
	})
}

func (s *sink) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, e := range s.accepted {
		out = append(out, e.ID)
	}
	return out
}

func (s *sink) flying() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *sink) tries(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts[id]
}
