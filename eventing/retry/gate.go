package retry

import "time"

// Gate says when a subscription may send: its breaker lets events through, its
// window has room, and its rate is not used up.
type Gate struct {
	breaker  breaker
	window   window
	rate     rate
	inFlight int
}

// NewGate makes a Gate for at most inFlight deliveries at a time and rate
// attempts a second; 0 means no limit of the subscription's own.
func NewGate(inFlight, rate int) *Gate {
	g := &Gate{window: newWindow(inFlight)}
	g.rate.limit(rate)
	return g
}

// Limit changes the limits; what was learnt about the target is kept.
func (g *Gate) Limit(inFlight, rate int) {
	g.window.limit(inFlight)
	g.rate.limit(rate)
}

// Ask reports whether an attempt may begin now, or when to ask again. A zero
// time means: when an attempt has ended.
func (g *Gate) Ask(now time.Time) (bool, time.Time) {
	if g.inFlight >= g.Window() {
		return false, time.Time{}
	}
	if ok, at := g.breaker.ask(now); !ok {
		return false, at
	}
	return g.rate.ask(now)
}

// Pass is an attempt that a Gate let through.
type Pass struct {
	began time.Time
	probe bool
}

// Begin counts an attempt. Ask must have allowed it just now.
func (g *Gate) Begin(now time.Time) Pass {
	g.inFlight++
	g.rate.take()
	return Pass{began: now, probe: g.breaker.begin()}
}

// End learns from how an attempt has ended.
func (g *Gate) End(p Pass, o Outcome, now time.Time) {
	g.breaker.end(p.probe, o, now)
	g.window.end(o, p.began, g.inFlight, now)
	g.inFlight--
}

// Cancel takes an attempt back that says nothing about the target.
func (g *Gate) Cancel(p Pass) {
	g.inFlight--
	if p.probe {
		g.breaker.probing = false
	}
}

// InFlight is how many attempts are under way.
func (g *Gate) InFlight() int { return g.inFlight }

// Window is how many may be.
func (g *Gate) Window() int { return int(g.window.size) }

// HeldUntil is until when the target is left alone; zero: it is not.
func (g *Gate) HeldUntil() time.Time { return g.breaker.until }
