package backend

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-dev/headway/scaler/park"
)

// FuzzPool lets everything happen at once that can: pods come, crash, wake and
// go, the condition turns, activators change, clients give up. Whatever the
// seed, the limit holds, no request goes to a pod that was never woken,
// one wake call is made at a time, and nothing is left over.
func FuzzPool(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		synctest.Test(t, func(t *testing.T) { newStorm(t, seed).blow() })
	})
}

const stormLimit = 2

type storm struct {
	t        *testing.T
	r        *rand.Rand // of the test's own goroutine
	p        *Pool
	pods     []Endpoint
	mu       sync.Mutex      // guards the rest
	up       map[string]bool // by host:port: the application runs
	woken    map[string]bool // by host:port: it ran once
	inFlight map[string]int
	calling  bool
}

func newStorm(t *testing.T, seed uint64) *storm {
	s := &storm{t: t, r: rand.New(rand.NewPCG(seed, 1)), up: map[string]bool{}, woken: map[string]bool{}, inFlight: map[string]int{}}
	s.p = newPool(t, stormLimit, s.probe)
	s.p.hooks.Waker = s
	for i := range 5 {
		s.pods = append(s.pods, parkedPod(fmt.Sprint("10.0.0.", i), int64(i)))
	}
	return s
}

func (s *storm) probe(_ context.Context, addr string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up[addr] {
		return errors.New("connection refused")
	}
	return nil
}

func (s *storm) Wake(ctx context.Context, ip, _ string) error {
	s.mu.Lock()
	if s.calling {
		s.t.Error("two wake calls at a time")
	}
	s.calling = true
	s.mu.Unlock()
	time.Sleep(time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calling = false
	addr := ip + ":80"
	if s.up[addr] {
		return park.ErrRefused
	}
	switch ip[len(ip)-1] % 5 {
	case 0:
		return park.ErrDenied
	case 1:
		return errors.New("no route to host")
	}
	s.up[addr], s.woken[addr] = true, true
	return nil
}

// change is one thing that happens to pod i.
func (s *storm) change(i int) {
	pod := &s.pods[i]
	standby := *pod.Standby
	s.mu.Lock()
	switch s.r.IntN(6) {
	case 0, 1:
		pod.Ready = s.up[pod.Addr]
	case 2: // it crashes, and is restarted at once
		s.up[pod.Addr] = false
		pod.Ready = false
		standby.Container += "'"
	case 3:
		standby.Parked = !standby.Parked
	case 4:
		pod.Draining = s.r.IntN(4) == 0
	case 5:
		standby.Runs = !standby.Runs
	}
	s.mu.Unlock()
	pod.Standby = &standby
	s.p.Update(s.pods)
}

// request is a client with a little patience.
func (s *storm) request(patience, work time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	l, err := s.p.Acquire(ctx)
	if err != nil {
		return
	}
	s.mu.Lock()
	if !s.up[l.Pod.Addr] { // it crashed a moment ago
		if !s.woken[l.Pod.Addr] {
			s.t.Errorf("a request went to %s, which is parked", l.Pod.Name)
		}
		s.mu.Unlock()
		l.Unreachable()
		return
	}
	s.inFlight[l.Pod.Addr]++
	if n := s.inFlight[l.Pod.Addr]; n > stormLimit {
		s.t.Errorf("%d requests in flight in %s, limit %d", n, l.Pod.Name, stormLimit)
	}
	s.mu.Unlock()
	time.Sleep(work)
	s.mu.Lock()
	s.inFlight[l.Pod.Addr]--
	s.mu.Unlock()
	l.Release()
}

func (s *storm) blow() {
	var clients sync.WaitGroup
	for range 400 {
		switch s.r.IntN(8) {
		case 0:
			s.p.fail([]string{"", "StartFailed"}[s.r.IntN(2)], time.Duration(s.r.IntN(30))*time.Millisecond)
		case 1:
			s.p.leave()
			s.p.takeOver()
		case 2:
			s.p.keep(nil)
		case 3, 4:
			s.change(s.r.IntN(len(s.pods)))
		default:
			patience, work := time.Duration(s.r.IntN(200))*time.Millisecond, time.Duration(s.r.IntN(20))*time.Millisecond
			clients.Go(func() { s.request(patience, work) })
		}
		time.Sleep(time.Duration(s.r.IntN(5)) * time.Millisecond)
	}

	// All is well again: whoever comes now gets a pod.
	s.p.keep(nil)
	s.p.fail("", 0)
	for i := range s.pods {
		s.pods[i] = parkedPod(fmt.Sprint("10.0.1.", i), int64(i))
	}
	s.p.Update(s.pods)
	late := request(s.t, s.p)
	clients.Wait()
	if got := <-late; got.err != nil {
		s.t.Errorf("in the end: %v", got.err)
	}
	if got := s.p.Load(); got.Queued != 0 || got.InFlight != 1 {
		s.t.Errorf("in the end: %+v, want the last request only", got)
	}
}
