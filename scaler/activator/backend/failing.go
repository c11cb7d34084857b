package backend

import "time"

// CannotStart is the error of a request to a revision whose pods do not come
// up by waiting.
type CannotStart struct {
	// Reason is the one of the Revision's condition.
	Reason string
}

func (e *CannotStart) Error() string { return "the revision cannot start: " + e.Reason }

// failing is whether, why and from when on nobody waits. Guarded by Pool.mu.
type failing struct {
	err   *CannotStart // nil: everybody does
	from  time.Time
	timer *time.Timer // ends the waits at from
}

// fail is Revision.Fail.
func (p *Pool) fail(reason string, grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &p.failing
	if f.timer != nil {
		f.timer.Stop()
	}
	if reason == "" || p.ctx.Err() != nil {
		*f = failing{}
		return
	}
	from := time.Now().Add(grace)
	if f.err != nil && f.from.Before(from) {
		from = f.from // it has been failing for another reason
	}
	*f = failing{err: &CannotStart{Reason: reason}, from: from}
	if left := time.Until(from); left > 0 {
		f.timer = time.AfterFunc(left, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.turnAway()
		})
	}
	p.turnAway()
}

// hopeless returns why a request that finds no free pod must not wait; nil if
// it may. Where a pod is open the condition is out of date or about other pods,
// and one that has just refused a connection may do so, too.
func (p *Pool) hopeless() error {
	if p.failing.err == nil || p.loads.size > 0 || time.Now().Before(p.failing.from) {
		return nil
	}
	for _, pod := range p.pods {
		if pod.state == suspect {
			return nil
		}
	}
	return p.failing.err
}

// turnAway ends the wait of all requests if it is hopeless.
func (p *Pool) turnAway() {
	if err := p.hopeless(); err != nil {
		p.sendAway(err)
	}
}

// stopTimers is for Close.
func (p *Pool) stopTimers() {
	for _, t := range []*time.Timer{p.failing.timer, p.rewake} {
		if t != nil {
			t.Stop()
		}
	}
}
