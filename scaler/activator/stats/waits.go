package stats

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/api/latency"
	"github.com/headway-dev/headway/scaler/activator/list"
)

// Wait is a request that waits for the first byte of its response. It can be
// used again after it has left.
type Wait struct {
	since atomic.Int64 // after epoch; 0: it is not the app that is waited for
	in    *waits       // nil: it is not shown
	node  list.Node[*Wait]
}

var epoch = time.Now()

// Begin is when the app begins to be waited for.
func (w *Wait) Begin(at time.Time) { w.since.Store(max(1, int64(at.Sub(epoch)))) }

// Pause is while the client is waited for.
func (w *Wait) Pause() { w.since.Store(0) }

// Age is how long the app has been waited for; 0: it is not.
func (w *Wait) Age() time.Duration {
	if since := w.since.Load(); since > 0 {
		return max(1, time.Since(epoch)-time.Duration(since))
	}
	return 0
}

// waits are the requests that wait for one revision. The zero value is ready to
// use. The lock is held for constant time, except in Waiting, which takes time
// in proportion to the number of requests.
type waits struct {
	mu    sync.Mutex
	shown list.List[*Wait]
}

// Show lets Waiting see w, until Leave.
func (c *Counters) Show(w *Wait) {
	s := &c.waits
	s.mu.Lock()
	defer s.mu.Unlock()
	w.in, w.node.Value = s, w
	s.shown.PushBack(&w.node)
}

// Leave ends the wait. It does nothing for one that is not shown.
func (w *Wait) Leave() {
	s := w.in
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown.Remove(&w.node)
	w.in = nil
}

// Waiting counts the ages of the requests that are shown; nil if there is none.
func (c *Counters) Waiting() (ages *latency.Counts) {
	s := &c.waits
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := s.shown.First(); n != nil; n = n.Next() {
		if age := n.Value.Age(); age > 0 {
			if ages == nil {
				ages = &latency.Counts{}
			}
			ages[latency.Bucket(age)]++
		}
	}
	return ages
}
