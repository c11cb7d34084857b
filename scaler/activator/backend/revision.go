package backend

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/stats"
)

// Settings are what the data path needs of a Revision's spec, which never
// changes.
type Settings struct {
	Namespace, App, Name string
	// Timeout from a whole request to the start of its response, waiting
	// included.
	Timeout time.Duration
	// Stall is how long a client may send nothing of its body. 0: Timeout, but
	// at least 30 s.
	Stall time.Duration
	// Limit of requests in flight in one pod; 0 is no limit.
	Limit int
	// HealthPath answers 2xx or 3xx when a pod can take requests; empty: the
	// port accepts connections.
	HealthPath string
}

// shortestStall bears a lost connection that comes back, also where an app is
// asked to answer within a second.
const shortestStall = 30 * time.Second

// Revision is a revision as the data path sees it: its pods, and while another
// activator keeps its limit, the way there.
type Revision struct {
	Settings
	Stats stats.Counters

	own *Pool
	via atomic.Pointer[Pool] // the keeper as only pod; nil: own
}

// NewRevision makes a revision without pods. Close it when it is deleted.
func NewRevision(s Settings, hooks Hooks) *Revision {
	if s.Stall == 0 {
		s.Stall = max(s.Timeout, shortestStall)
	}
	own := NewPool(s.Limit, probeOf(s.HealthPath))
	own.hooks = hooks
	if s.Limit > 0 {
		own.linger = s.Timeout
	}
	return &Revision{Settings: s, own: own}
}

// Share makes requests wait until Forward or Keep is called first: other
// activators may give out the pods already.
func (r *Revision) Share() { r.own.share() }

func (r *Revision) pool() *Pool {
	if via := r.via.Load(); via != nil {
		return via
	}
	return r.own
}

// TryAcquire is Pool.TryAcquire.
func (r *Revision) TryAcquire() (Lease, bool) { return r.pool().TryAcquire() }

// Acquire is Pool.Acquire.
func (r *Revision) Acquire(ctx context.Context) (Lease, error) {
	return r.acquire(ctx, (*Pool).Acquire)
}

// Reacquire is Pool.Reacquire.
func (r *Revision) Reacquire(ctx context.Context) (Lease, error) {
	return r.acquire(ctx, (*Pool).Reacquire)
}

func (r *Revision) acquire(ctx context.Context, acquire func(*Pool, context.Context) (Lease, error)) (Lease, error) {
	for {
		p := r.pool()
		l, err := acquire(p, ctx)
		if errors.Is(err, errMoved) || (errors.Is(err, ErrClosed) && p != r.pool()) {
			continue // the keeper has changed meanwhile
		}
		return l, err
	}
}

// Update tells which pods there are.
func (r *Revision) Update(endpoints []Endpoint) { r.own.Update(endpoints) }

// Fail tells that no pod will come up by waiting, and why, in one word; empty:
// one may. Requests that find no open pod get a *CannotStart instead of waiting
// if that has held for grace, those that wait already when it has.
func (r *Revision) Fail(reason string, grace time.Duration) { r.own.fail(reason, grace) }

// Load returns the present numbers of what this activator gives out.
func (r *Revision) Load() Load { return r.own.Load() }

// PodLoads returns the pods that have requests of this activator in flight.
func (r *Revision) PodLoads() []PodLoad { return r.own.PodLoads() }

// Forward sends requests to the activator that keeps the limit. Calls of
// Forward, TakeOver and Keep must not overlap.
func (r *Revision) Forward(name, addr string) {
	via := NewPool(0, probeOf(""))
	via.Update([]Endpoint{{UID: name, Name: name, Addr: addr, Ready: true, Peer: true}})
	old := r.via.Swap(via)
	r.own.leave()
	if old != nil {
		old.Close()
	}
}

// TakeOver makes requests wait for Keep, unless this activator keeps the limit
// already.
func (r *Revision) TakeOver() {
	r.own.takeOver()
	if old := r.via.Swap(nil); old != nil {
		old.Close()
	}
}

// ErrRerouted is returned by Acquire when the revision has lost its traffic while
// the request waited: the table may name another one now.
var ErrRerouted = errors.New("the traffic goes to another revision now")

// rerouteAgain is when Reroute looks for requests that had read the table before
// it changed, and have begun to wait after.
const rerouteAgain = 100 * time.Millisecond

// Reroute sends all requests that wait back to the table. Those that came by a
// host of the revision itself find it there again. What waits at the activator
// that keeps the revision's limit stays there.
func (r *Revision) Reroute() {
	r.own.reroute()
	time.AfterFunc(rerouteAgain, r.own.reroute)
}

// Elsewhere is how a request that was rerouted waits on: for the revision that the
// table names now, or in its old place if that is the same or there is none. It
// notes the choice in rev.
func Elsewhere(rev **Revision, now *Revision) func(context.Context) (Lease, error) {
	if now == nil || now == *rev {
		return (*rev).Reacquire
	}
	*rev = now
	return now.Acquire
}

// Keep gives out pods, of which other activators still use some: foreign, by
// the UID of the pod.
func (r *Revision) Keep(foreign map[string]int) { r.own.keep(foreign) }

// Held reports whether this activator may give out pods, and how many requests
// of each it has in flight, by UID.
func (r *Revision) Held() (mine bool, held map[string]int) { return r.own.held() }

// Close ends the wait of all requests; those in flight go on.
func (r *Revision) Close() {
	r.own.Close()
	if via := r.via.Load(); via != nil {
		via.Close()
	}
}
