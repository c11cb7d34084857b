package supervise

import "time"

const (
	// settled is how long a program must live so that the crashes before it
	// count no more.
	settled = 10 * time.Second
	// firstPause is before the second start in a row that was short; it doubles
	// with each. The first one is at once.
	firstPause = 100 * time.Millisecond
	// mostShort is how many lives in a row may be short. With the pauses between
	// them it is given up after 1.5 s and the time that the starts took.
	mostShort = 6
)

// plan says what follows when the program has crashed after a life of so long:
// a start after a pause, or to give up. short is how many lives in a row were
// short before, and next the number with this one.
func plan(short int, lived time.Duration) (next int, pause time.Duration, again bool) {
	if lived >= settled {
		return 0, 0, true
	}
	next = short + 1
	switch {
	case next >= mostShort:
		return next, 0, false
	case next == 1:
		return next, 0, true
	}
	return next, firstPause << (next - 2), true
}
