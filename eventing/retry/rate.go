package retry

import "time"

// rate is a token bucket. It holds a tenth of a second, so that any ten seconds
// see at most 1% more than the rate.
type rate struct {
	perSecond float64 // 0: no limit
	tokens    float64
	at        time.Time
}

func (r *rate) burst() float64 { return max(1, r.perSecond/10) }

// limit sets the rate. The bucket is full at first.
func (r *rate) limit(perSecond int) {
	if float64(perSecond) == r.perSecond {
		return
	}
	r.perSecond = float64(perSecond)
	r.tokens = r.burst()
	r.at = time.Time{}
}

// ask reports whether there is a token, or when there will be one.
func (r *rate) ask(now time.Time) (bool, time.Time) {
	if r.perSecond == 0 {
		return true, time.Time{}
	}
	if gone := now.Sub(r.at).Seconds(); gone > 0 {
		r.tokens = min(r.burst(), r.tokens+gone*r.perSecond)
		r.at = now
	}
	// A token less a billionth is one: the sum above is not exact.
	if missing := 1 - r.tokens; missing > 1e-9 {
		return false, now.Add(max(time.Microsecond, time.Duration(missing/r.perSecond*float64(time.Second))))
	}
	return true, time.Time{}
}

func (r *rate) take() { r.tokens-- }
