// Package probe asks the pods of a revision that is starting whether they can
// take requests. It is the same check that the kubelet makes, but every few
// milliseconds instead of every second, so that traffic can move as soon as the
// app answers.
//
// One answer proves little: a program may listen for a moment and then fail. So
// a container can be held: then it has to go on answering for a while before its
// answer counts.
//
// An answer is only a head start: it counts for a moment, in which the kubelet
// comes to its own verdict. Where pods cannot be reached from here, the kubelet
// alone decides.
package probe

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/headway-dev/headway/api/health"
)

const (
	// headStart is how long an answer counts: the kubelet looks once a second,
	// and on a busy node it reports seconds later.
	headStart = 15 * time.Second
	// giveUp ends the probing of a container that does not answer.
	giveUp = 30 * time.Second
	// firstPause between two probes of one pod doubles up to lastPause.
	firstPause = 10 * time.Millisecond
	lastPause  = 200 * time.Millisecond
	// holdPause between two probes of a container that is held. The kubelet takes
	// longer than that to start a container again, so no restart is missed.
	holdPause = 100 * time.Millisecond
	// forgetAfter is when nothing of a container is of interest any more: the
	// longest hold, which the API has at 10 minutes, and some.
	forgetAfter = 15 * time.Minute
)

// Target is a container to ask.
type Target struct {
	// ID of the container: a container that is started again is another one.
	ID string
	// Address is host:port.
	Address string
	// Path answers 2xx or 3xx when the app is up; empty: the port accepts a
	// connection.
	Path string
	// Hold is how long the container must go on answering.
	Hold time.Duration
}

// Prober asks containers. It is safe for concurrent use.
type Prober struct {
	check func(context.Context, Target) bool

	mu   sync.Mutex
	seen map[string]*answer // by container
}

// answer is what is known of one container.
type answer struct {
	begun time.Time
	since time.Time // the first answer without a miss after it
	at    time.Time // zero: it has not answered for as long as it must
}

// New returns a Prober that talks to real pods.
func New() *Prober { return newProber(check) }

func newProber(check func(context.Context, Target) bool) *Prober {
	return &Prober{check: check, seen: map[string]*answer{}}
}

// Answered says for how much longer an answer of a container counts; 0 when it
// does not.
func (p *Prober) Answered(container string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.seen[container]
	if a == nil || a.at.IsZero() {
		return 0
	}
	return max(0, headStart-time.Since(a.at))
}

// Since is when a container gave the first of the answers by which it has answered
// for as long as it must; zero while it has not. Unlike Answered, it stays.
func (p *Prober) Since(container string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.seen[container]; a != nil {
		return a.since
	}
	return time.Time{}
}

// Ask begins to ask a container, until ctx ends, and calls notify once when it
// has answered for t.Hold. A container is asked once.
func (p *Prober) Ask(ctx context.Context, t Target, notify func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen[t.ID] != nil {
		return
	}
	now := time.Now()
	maps.DeleteFunc(p.seen, func(_ string, a *answer) bool { return now.Sub(a.begun) > forgetAfter })
	a := &answer{begun: now}
	p.seen[t.ID] = a
	go p.ask(ctx, t, a, notify)
}

// ask probes until the container has answered for as long as it must, or it is
// not worth it any more.
func (p *Prober) ask(ctx context.Context, t Target, a *answer, notify func()) {
	ctx, cancel := context.WithTimeout(ctx, giveUp+t.Hold)
	defer cancel()
	since, answers := p.answersFor(ctx, t)
	if !answers {
		return
	}
	p.mu.Lock()
	a.since, a.at = since, time.Now()
	p.mu.Unlock()
	notify()
}

// answersFor waits until the container has answered without a miss for t.Hold,
// and returns since when; false if ctx ends before.
func (p *Prober) answersFor(ctx context.Context, t Target) (since time.Time, answers bool) {
	pause := firstPause
	for {
		wait := holdPause
		if p.check(ctx, t) {
			if since.IsZero() {
				since = time.Now()
			}
			if time.Since(since) >= t.Hold {
				return since, true
			}
		} else {
			since = time.Time{}
			wait, pause = pause, min(2*pause, lastPause)
		}
		select {
		case <-ctx.Done():
			return time.Time{}, false
		case <-time.After(wait):
		}
	}
}

// check makes one probe.
func check(ctx context.Context, t Target) bool {
	return health.Check(ctx, "headway-probe", t.Address, t.Path) == nil
}
