package decide

import "time"

// slots is more seconds than the longest window touches.
const slots = 64

// Load is an average over a window.
type Load struct {
	// InFlight are the requests in pods and those that wait, at a time.
	InFlight float64
	// Rate is the number of requests that arrive in a second.
	Rate float64
}

// history is the load of the last minute in seconds of the wall clock. It is a
// plain value: a copy is independent.
type history struct {
	last    int64 // the newest second, in Unix time
	seconds [slots]second
}

// second holds what happened in one second.
type second struct {
	busy     float64 // seconds that requests spent
	requests float64
}

// add spreads an amount evenly over the time between two reports. What lies
// before the longest window is dropped.
func (h *history) add(from, to time.Time, amount second) {
	if amount == (second{}) {
		return
	}
	h.advance(to.Unix())
	length := to.Sub(from).Seconds()
	if length <= 0 {
		h.put(to.Unix(), amount, 1)
		return
	}
	begin := max(from.Unix(), h.last-slots+1)
	for s := begin; s <= to.Unix(); s++ {
		h.put(s, amount, overlap(s, from, to)/length)
	}
}

func (h *history) put(unix int64, amount second, share float64) {
	if unix <= h.last-slots || unix > h.last {
		return
	}
	s := &h.seconds[unix%slots]
	s.busy += amount.busy * share
	s.requests += amount.requests * share
}

// advance makes unix the newest second and forgets what it displaces.
func (h *history) advance(unix int64) {
	if unix-h.last >= slots {
		*h = history{last: unix}
		return
	}
	for h.last < unix {
		h.last++
		h.seconds[h.last%slots] = second{}
	}
}

// average returns the load over the window that ends now.
func (h *history) average(now time.Time, window time.Duration) Load {
	from := now.Add(-window)
	var sum second
	for s := max(from.Unix(), h.last-slots+1); s <= min(now.Unix(), h.last); s++ {
		share := 1.0
		if s == from.Unix() {
			share = overlap(s, from, now)
		}
		sum.busy += h.seconds[s%slots].busy * share
		sum.requests += h.seconds[s%slots].requests * share
	}
	return Load{InFlight: sum.busy / window.Seconds(), Rate: sum.requests / window.Seconds()}
}

// overlap is the part of the second s, in seconds, that lies between from and
// to.
func overlap(s int64, from, to time.Time) float64 {
	begin, end := time.Unix(s, 0), time.Unix(s+1, 0)
	if from.After(begin) {
		begin = from
	}
	if to.Before(end) {
		end = to
	}
	return max(0, end.Sub(begin).Seconds())
}
