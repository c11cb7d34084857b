package backend

import (
	"context"
	"net"
	"time"

	"github.com/headway-dev/headway/scaler/park"
)

// Waker wakes a parked pod: nil if it becomes its application now, an error
// that is park.ErrRefused or park.ErrDenied, or any other if the pod could not
// be reached. It must return within a bounded time.
type Waker interface {
	Wake(ctx context.Context, podIP, uid string) error
}

const (
	// refusedPause: where nobody listens for a wake call, the application runs
	// already and is about to answer, or the container was not quite there.
	refusedPause = time.Second
	// A pod that cannot be reached is called again after these pauses.
	firstRetry   = 100 * time.Millisecond
	longestRetry = 5 * time.Second

	// A small program listens some milliseconds after it was woken, so it is
	// asked in such steps for a while.
	wokenStep  = 2 * time.Millisecond
	wokenSteps = 50 * time.Millisecond
)

// Standby is what matters of a pod that was made to wait parked.
type Standby struct {
	// Parked is false once the autoscaler has noted that the pod is woken.
	Parked bool
	// Runs is false while the pod's container is known not to run.
	Runs bool
	// Container identifies the container. Each waits anew.
	Container string
	// Created orders the pods: the oldest is woken first.
	Created time.Time
}

// The outcome of the last wake call to a container says what comes next.
//
//	outcome      the pod is           called again
//	(no call)    asleep               when it is its turn
//	Woken        up                   no
//	Refused      up, most likely      after a second
//	Denied       not ours             no
//	Unreachable  asleep               after a pause that grows

// parking is what the pool knows of a pod of the standby. Guarded by Pool.mu.
type parking struct {
	Standby
	call  park.Outcome
	woken time.Time // a call was accepted then
	due   time.Time // no further call before
	retry time.Duration
}

// park notes what Kubernetes says of a pod of the standby, and reports whether
// its container is another one, which waits to be woken again.
func (p *Pod) park(s *Standby, now time.Time) (again bool) {
	switch {
	case s == nil:
		return false
	case p.parking == nil:
		p.parking = &parking{Standby: *s}
		return false
	case p.parking.Container != "" && s.Container != p.parking.Container:
		p.parking = &parking{Standby: *s}
		return true
	case p.parking.Parked && !s.Parked && p.asleep():
		p.reachable = now
	}
	p.parking.Standby = *s
	return false
}

// asleep reports whether nothing but a wake call would start the application.
func (p *Pod) asleep() bool {
	return p.parking != nil && p.parking.Parked && !p.parking.call.Runs()
}

func (p *Pod) justWoken(now time.Time) bool {
	return p.parking != nil && now.Sub(p.parking.woken) < wokenSteps
}

// wakeNext wakes a parked pod if those who wait have nothing else to hope for
// and none is being woken. p.mu is held, but not during the call.
func (p *Pool) wakeNext() {
	if p.hooks.Waker == nil || p.waking || p.role != keeping || p.queue.Len() == 0 || p.loads.size > 0 || p.ctx.Err() != nil {
		return
	}
	pod, pause := nextToWake(p.pods, time.Now())
	switch {
	case pod != nil:
		p.waking = true
		go p.wakePod(pod, pod.parking)
	case pause > 0 && p.rewake != nil:
		p.rewake.Reset(pause)
	case pause > 0:
		p.rewake = time.AfterFunc(pause, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.wakeNext()
		})
	}
}

// nextToWake chooses: the oldest pod that can be woken, unless one is on its
// way already. If there is none, pause says when there may be one; 0 is never.
func nextToWake(pods map[string]*Pod, now time.Time) (next *Pod, pause time.Duration) {
	for _, pod := range pods {
		if pod.parking == nil || !pod.parking.Runs || pod.state != starting {
			continue
		}
		wait := max(0, pod.parking.due.Sub(now))
		switch pod.parking.call {
		case park.Woken:
			return nil, 0
		case park.Refused:
			if wait > 0 {
				return nil, wait
			}
		case park.Denied:
			continue
		}
		switch {
		case wait > 0:
			if pause == 0 || wait < pause {
				pause = wait
			}
		case next == nil || before(pod, next):
			next = pod
		}
	}
	return next, pause
}

func before(a, b *Pod) bool {
	if !a.parking.Created.Equal(b.parking.Created) {
		return a.parking.Created.Before(b.parking.Created)
	}
	return a.Name < b.Name
}

// wakePod makes one wake call, for the container that at describes.
func (p *Pool) wakePod(pod *Pod, at *parking) {
	ip, _, err := net.SplitHostPort(pod.Addr)
	if err == nil {
		err = p.hooks.Waker.Wake(p.ctx, ip, pod.UID)
	}
	if p.called(pod, at, err) && p.hooks.Woke != nil {
		p.hooks.Woke(pod, err)
	}
}

// called does what follows from a wake call; false if the pool was closed
// meanwhile.
func (p *Pool) called(pod *Pod, at *parking, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waking = false
	if p.ctx.Err() != nil {
		return false
	}
	now := time.Now()
	at.answered(err, now)
	if at.call == park.Woken || (at.call == park.Refused && pod.reachable.Before(p.cold)) {
		pod.reachable = now
	}
	p.startProbes()
	return true
}

// answered notes the outcome of a call.
func (s *parking) answered(err error, now time.Time) {
	s.call = park.OutcomeOf(err)
	switch s.call {
	case park.Woken:
		s.woken = now
	case park.Refused:
		s.due = now.Add(refusedPause)
	case park.Unreachable:
		s.retry = min(max(firstRetry, 2*s.retry), longestRetry)
		s.due = now.Add(s.retry)
	}
}
