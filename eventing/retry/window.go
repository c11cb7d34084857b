package retry

import "time"

// window is how many deliveries may be in flight: one more for each window of
// good answers, half as many when the target is overloaded. Additive increase,
// multiplicative decrease: Chiu and Jain, "Analysis of the Increase and Decrease
// Algorithms for Congestion Avoidance" (1989), as in TCP (RFC 5681): it is
// halved once for all that was in flight, and grows only while at least half of
// it is used (RFC 7661, section 4.3).
type window struct {
	size float64
	most int
	cut  time.Time // when it was halved last
}

func newWindow(inFlight int) window {
	w := window{size: firstWindow}
	w.limit(inFlight)
	return w
}

// limit sets the most deliveries in flight; 0: maxWindow.
func (w *window) limit(inFlight int) {
	w.most = inFlight
	if w.most <= 0 {
		w.most = maxWindow
	}
	w.size = min(w.size, float64(w.most))
}

func (w *window) end(o Outcome, began time.Time, inFlight int, now time.Time) {
	switch {
	case o.congested():
		if began.After(w.cut) {
			w.size = max(1, w.size/2)
			w.cut = now
		}
	case 2*inFlight >= int(w.size) && o.class() == good:
		w.size = min(float64(w.most), w.size+1/w.size)
	}
}
