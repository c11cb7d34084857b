package backend

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// silent never answers.
func silent(context.Context, string) error { return errors.New("connection refused") }

func readyPods(n int) []Endpoint {
	var out []Endpoint
	for i := range n {
		out = append(out, Endpoint{UID: fmt.Sprint(i), Name: fmt.Sprint("pod-", i), Addr: fmt.Sprint("10.0.0.", i, ":80"), Ready: true})
	}
	return out
}

func newPool(t *testing.T, limit int, probe Probe, pods ...Endpoint) *Pool {
	t.Helper()
	p := NewPool(limit, probe)
	t.Cleanup(p.Close)
	p.Update(pods)
	return p
}

func mustAcquire(t *testing.T, p *Pool) Lease {
	t.Helper()
	l, ok := p.TryAcquire()
	if !ok {
		t.Fatal("no pod was free")
	}
	return l
}

func TestLeastLoadedPodIsChosen(t *testing.T) {
	p := newPool(t, 0, silent, readyPods(3)...)
	var leases []Lease
	seen := map[string]int{}
	for range 9 {
		l := mustAcquire(t, p)
		seen[l.Pod.Name]++
		leases = append(leases, l)
	}
	for name, n := range seen {
		if n != 3 {
			t.Errorf("%s got %d of 9 requests, want 3", name, n)
		}
	}
	// Free two requests of one pod: it must get the next two.
	idle := leases[0].Pod
	for _, l := range leases {
		if l.Pod == idle && idle.inFlight > 1 {
			l.Release()
		}
	}
	for range 2 {
		if l := mustAcquire(t, p); l.Pod != idle {
			t.Errorf("got %s, want the least loaded %s", l.Pod.Name, idle.Name)
		}
	}
}

func TestLimitHoldsUnderConcurrency(t *testing.T) {
	const limit, pods, clients, each = 3, 4, 64, 200
	p := newPool(t, limit, silent, readyPods(pods)...)
	var inFlight [pods]atomic.Int32
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				ctx, cancel := context.WithCancel(t.Context())
				if rand.IntN(8) == 0 {
					cancel() // a client that goes away at once
				}
				l, err := p.Acquire(ctx)
				cancel()
				if err != nil {
					continue
				}
				i := int(l.Pod.UID[0] - '0')
				if n := inFlight[i].Add(1); n > limit {
					t.Errorf("%d requests in flight in one pod, limit %d", n, limit)
				}
				inFlight[i].Add(-1)
				l.Release()
			}
		})
	}
	wg.Wait()
	if got := p.Load(); got.Open != pods || got.InFlight != 0 || got.Queued != 0 || got.Arrived != clients*each {
		t.Errorf("after all requests: %+v, want nothing in flight or queued of %d", got, clients*each)
	}
}

func TestQueueIsStrictlyFIFO(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 1, silent, readyPods(1)...)
		first := mustAcquire(t, p)
		var order []int
		for i := range 50 {
			go func() {
				l, err := p.Acquire(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, i) // one at a time: the limit is 1
				time.Sleep(time.Millisecond)
				l.Release()
			}()
			synctest.Wait()
		}
		if _, ok := p.TryAcquire(); ok {
			t.Error("TryAcquire overtook the queue")
		}
		first.Release()
		time.Sleep(time.Second)
		synctest.Wait()
		for i, got := range order {
			if got != i {
				t.Fatalf("request %d was served as number %d: %v", got, i, order)
			}
		}
		if len(order) != 50 {
			t.Fatalf("%d of 50 were served", len(order))
		}
	})
}

func TestReacquireGoesBeforeTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 1, silent, readyPods(1)...)
		held := mustAcquire(t, p)
		var order []string
		wait := func(name string, acquire func(context.Context) (Lease, error)) {
			go func() {
				if l, err := acquire(t.Context()); err == nil {
					order = append(order, name)
					l.Release()
				}
			}()
			synctest.Wait()
		}
		wait("later", p.Acquire)
		wait("retried", p.Reacquire)
		held.Release()
		synctest.Wait()
		if got := fmt.Sprint(order); got != "[retried later]" {
			t.Errorf("order %s", got)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 0, silent)
		ctx, cancel := context.WithCancel(t.Context())
		for range MaxQueue {
			go func() { _, _ = p.Acquire(ctx) }()
		}
		synctest.Wait()
		if _, err := p.Acquire(ctx); !errors.Is(err, ErrQueueFull) {
			t.Errorf("got %v, want ErrQueueFull", err)
		}
		cancel()
		synctest.Wait()
		if got := p.Load().Queued; got != 0 {
			t.Errorf("%d still queued after their clients left", got)
		}
	})
}

func TestAcquireEndsWithTheCauseOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 0, silent)
		late := errors.New("too late")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, late)
		defer cancel()
		began := time.Now()
		if _, err := p.Acquire(ctx); !errors.Is(err, late) {
			t.Errorf("got %v, want the cause", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("gave up after %s, want 1m", took)
		}
	})
}

func TestCloseEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 0, silent)
		failed := make(chan error)
		go func() { _, err := p.Acquire(t.Context()); failed <- err }()
		synctest.Wait()
		p.Close()
		if err := <-failed; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		if _, err := p.Acquire(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: got %v, want ErrClosed", err)
		}
	})
}

func TestDrainingPodGetsNothingNew(t *testing.T) {
	for name, leave := range map[string]func(Endpoint) []Endpoint{
		"being deleted":  func(e Endpoint) []Endpoint { e.Draining = true; return []Endpoint{e} },
		"deleted":        func(Endpoint) []Endpoint { return nil },
		"not ready more": func(e Endpoint) []Endpoint { e.Ready = false; return []Endpoint{e} },
	} {
		t.Run(name, func(t *testing.T) {
			pods := readyPods(2)
			p := newPool(t, 0, silent, pods...)
			a, b := mustAcquire(t, p), mustAcquire(t, p)
			p.Update(append(leave(pods[0]), pods[1]))
			for range 4 {
				if l := mustAcquire(t, p); l.Pod.UID != "1" {
					t.Errorf("a request went to the pod that is %s", name)
				}
			}
			a.Release()
			b.Release()
			if got := p.Load(); got.Open != 1 || got.InFlight != 4 {
				t.Errorf("load %+v, want 1 open pod and 4 requests", got)
			}
			p.Update(pods)
			if got := p.Load().Open; got != 2 {
				t.Errorf("%d pods open after it came back, want 2", got)
			}
		})
	}
}

func TestBusyTimeIsSummed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edges := 0
		p := newPool(t, 1, silent, readyPods(1)...)
		p.hooks.Waiting = func() { edges++ }
		busy := func(want time.Duration, arrived uint64) {
			t.Helper()
			if got := p.Load(); got.Busy != want || got.Arrived != arrived {
				t.Errorf("busy for %s with %d requests, want %s with %d", got.Busy, got.Arrived, want, arrived)
			}
		}
		first := mustAcquire(t, p)
		time.Sleep(time.Second)
		busy(time.Second, 1)
		ctx, cancel := context.WithCancel(t.Context())
		for range 2 {
			go func() { _, _ = p.Acquire(ctx) }()
			synctest.Wait()
		}
		time.Sleep(time.Second)
		busy(4*time.Second, 3) // one in flight and two that wait
		cancel()
		synctest.Wait()
		time.Sleep(time.Second)
		busy(5*time.Second, 3)
		first.Unreachable() // and tried again: no new arrival
		go func() { _, _ = p.Reacquire(t.Context()) }()
		synctest.Wait()
		time.Sleep(time.Second)
		busy(6*time.Second, 3)
		if edges != 2 {
			t.Errorf("told %d times that a request waits, want 2", edges)
		}
	})
}
