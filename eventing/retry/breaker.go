package retry

import "time"

// breaker keeps events away from a target that fails.
//
//	closed     breakAfter failures in a row    -> open for firstPause
//	closed     the target asks to be left alone -> open until then
//	open       the pause is over, one attempt   -> half open
//	half open  that attempt fails               -> open twice as long, up to maxPause
//	half open  the target asks for more time    -> open until then
//	any        the target answers otherwise     -> closed
//
// What ends badly while it is open, and began before, changes nothing.
type breaker struct {
	failures int
	pause    time.Duration // of the last opening; 0: closed
	until    time.Time
	probing  bool // half open
}

// open reports whether events are kept away, or one at a time is let through.
func (b *breaker) open() bool { return !b.until.IsZero() }

// ask reports whether an attempt may begin, or when to ask again; a zero time
// means: when the attempt that is under way has ended.
func (b *breaker) ask(now time.Time) (bool, time.Time) {
	switch {
	case !b.open():
		return true, time.Time{}
	case b.probing:
		return false, time.Time{}
	}
	return !now.Before(b.until), b.until
}

// begin notes that an attempt begins, and reports whether it is the one that
// decides.
func (b *breaker) begin() (probe bool) {
	b.probing = b.open()
	return b.probing
}

func (b *breaker) end(probe bool, o Outcome, now time.Time) {
	if probe {
		b.probing = false
	}
	hold := o.hold()
	switch c := o.class(); {
	case hold == 0 && c != failed:
		*b = breaker{} // it answers: an answer that refuses the event does, too
		return
	case c == failed && (probe || !b.open()):
		b.failures++
		if probe || b.failures >= breakAfter {
			b.pause = min(max(2*b.pause, firstPause), maxPause)
			b.until = now.Add(b.pause)
		}
	}
	if until := now.Add(hold); hold > 0 && until.After(b.until) {
		b.until = until
	}
}
