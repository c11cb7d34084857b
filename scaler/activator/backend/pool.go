package backend

import (
	"context"
	"errors"
	"sync"
	"time"
)

// MaxQueue is the number of requests that may wait for one revision. At 10,000
// the waiting connections cost about 200 MiB; more would only time out. What their
// bodies cost is bounded by package bounds.
const MaxQueue = 10_000

// ErrQueueFull is returned by Acquire when MaxQueue requests wait already.
var ErrQueueFull = errors.New("too many requests wait for this revision")

// ErrClosed is returned by Acquire when the revision has been deleted.
var ErrClosed = errors.New("the revision has been deleted")

// Probe asks whether the application at addr can take requests. It returns
// nil if so, and within a bounded time.
type Probe func(ctx context.Context, addr string) error

// Pool hands out the pods of one revision. All methods may be called
// concurrently. The lock is held for constant time, except in Update, which
// takes time in proportion to the number of pods.
type Pool struct {
	limit  int           // requests in flight in one pod; 0 is no limit
	linger time.Duration // see Pod.linger
	probe  Probe
	hooks  Hooks

	ctx    context.Context // ends the probes
	cancel context.CancelFunc

	mu       sync.Mutex
	role     role
	pods     map[string]*Pod // by UID and address
	foreign  map[string]int  // by UID: requests that other activators have in flight
	loads    loads
	queue    queue
	inFlight int
	meter    meter
	cold     time.Time // a cold start lasts since; zero: none does
	failing  failing
	waking   bool        // a wake call is under way
	rewake   *time.Timer // looks again for a pod to wake; nil: there was no need yet
}

// Hooks connect a pool with what lies outside of it. Nil ones are left out.
// Waiting and Started are called under the pool's lock and must not block.
type Hooks struct {
	// Waiting is called when a request begins to wait where none did.
	Waiting func()
	// Waker wakes parked pods while requests wait and no pod is open.
	Waker Waker
	// Woke is called with the outcome of each call of the Waker. It may write a
	// log.
	Woke func(pod *Pod, err error)
	// Started is called after each cold start: whether the pod was parked, how
	// long it took until the pod had an address or was woken, and from then
	// until it answered.
	Started func(parked bool, pod, app time.Duration)
}

// NewPool makes a pool without pods. limit is the largest number of requests
// in flight in one pod, 0 for no limit. Close it to end its probes.
func NewPool(limit int, probe Probe) *Pool {
	ctx, cancel := context.WithCancel(context.Background())
	return &Pool{limit: limit, probe: probe, ctx: ctx, cancel: cancel, pods: map[string]*Pod{}}
}

// Lease is the right to send one request to a pod. Call Release exactly once.
type Lease struct {
	Pod  *Pod
	pool *Pool
}

// TryAcquire returns a lease if one can be had at once without overtaking a
// request that waits.
func (p *Pool) TryAcquire() (Lease, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue.Len() > 0 {
		return Lease{}, false
	}
	pod := p.take()
	if pod == nil {
		return Lease{}, false
	}
	p.meter.arrived()
	p.meter.begin()
	return Lease{Pod: pod, pool: p}, true
}

// Acquire waits for its turn and returns the least loaded pod. Errors:
// ErrQueueFull, ErrClosed, a *CannotStart, or the cause of ctx's end.
func (p *Pool) Acquire(ctx context.Context) (Lease, error) {
	return p.acquire(ctx, false)
}

// Reacquire is Acquire for a request whose pod turned out to be unreachable:
// it goes before all that wait, as it was here before them.
func (p *Pool) Reacquire(ctx context.Context) (Lease, error) {
	return p.acquire(ctx, true)
}

func (p *Pool) acquire(ctx context.Context, again bool) (Lease, error) {
	p.mu.Lock()
	switch {
	case p.ctx.Err() != nil:
		p.mu.Unlock()
		return Lease{}, ErrClosed
	case p.role == away:
		p.mu.Unlock()
		return Lease{}, errMoved
	}
	if !again {
		p.meter.arrived()
	}
	if p.queue.Len() == 0 {
		if pod := p.take(); pod != nil {
			p.meter.begin()
			p.mu.Unlock()
			return Lease{Pod: pod, pool: p}, nil
		}
	}
	if err := p.hopeless(); err != nil {
		p.mu.Unlock()
		return Lease{}, err
	}
	if p.queue.Len() >= MaxQueue {
		p.mu.Unlock()
		return Lease{}, ErrQueueFull
	}
	w := p.enqueue(again)
	p.mu.Unlock()

	select {
	case pod := <-w.granted:
		if pod == nil {
			return Lease{}, w.why
		}
		return Lease{Pod: pod, pool: p}, nil
	case <-ctx.Done():
		return Lease{}, p.giveUp(w, context.Cause(ctx))
	case <-p.ctx.Done():
		return Lease{}, p.giveUp(w, ErrClosed)
	}
}

// enqueue makes a request wait.
func (p *Pool) enqueue(again bool) *waiter {
	w := &waiter{granted: make(chan *Pod, 1)}
	w.place.Value = w
	p.meter.begin()
	if again {
		p.queue.PushFront(&w.place)
	} else {
		p.queue.PushBack(&w.place)
	}
	p.dispatch() // one that comes again may be eligible at once
	p.startProbes()
	if w.place.Listed() && p.queue.Len() == 1 {
		p.beginColdStart()
		if p.hooks.Waiting != nil {
			p.hooks.Waiting()
		}
	}
	return w
}

// giveUp takes w out of the queue, and returns a pod that was granted in the
// same moment.
func (p *Pool) giveUp(w *waiter, why error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue.Remove(&w.place)
	select {
	case pod := <-w.granted:
		if pod != nil {
			p.put(pod)
		}
	default:
		p.meter.end()
	}
	p.forgetColdStart()
	return why
}

// sendAway ends the wait of all requests.
func (p *Pool) sendAway(why error) {
	for p.queue.Len() > 0 {
		w := p.queue.First().Value
		p.queue.Remove(&w.place)
		p.meter.end()
		w.why = why
		w.granted <- nil
	}
	p.forgetColdStart()
}

// reroute is Revision.Reroute.
func (p *Pool) reroute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sendAway(ErrRerouted)
}

// Release ends the request.
func (l Lease) Release() {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	l.pool.put(l.Pod)
}

// Unreachable ends a request that could not connect to its pod, and keeps
// others away from the pod until it answers a probe. It counts as Release.
func (l Lease) Unreachable() {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.Pod.state == open {
		p.become(l.Pod, suspect)
		p.startProbes()
	}
	p.put(l.Pod)
}

// take counts one request on the lightest pod; nil if none has room.
func (p *Pool) take() *Pod {
	if p.role != keeping {
		return nil
	}
	pod := p.loads.lightest()
	if pod == nil || (p.limit > 0 && pod.inFlight >= p.limit) {
		return nil
	}
	p.loads.move(pod, +1)
	p.inFlight++
	return pod
}

// put ends one request of pod and serves the queue.
func (p *Pool) put(pod *Pod) {
	if pod.state == open {
		p.loads.move(pod, -1)
	} else {
		pod.inFlight--
	}
	p.inFlight--
	p.meter.end()
	p.dispatch()
}

// dispatch gives free room to those who wait, in order.
func (p *Pool) dispatch() {
	for p.queue.Len() > 0 {
		pod := p.take()
		if pod == nil {
			return
		}
		w := p.queue.First().Value
		p.queue.Remove(&w.place)
		w.granted <- pod
	}
}
