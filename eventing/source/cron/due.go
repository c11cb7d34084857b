package cron

import (
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// late is by how much a time may be over without counting as missed: what came
	// while the program started again, or the disk was slow, is made all the same.
	late = time.Minute
	// correction is how far a clock has to be put back for the times that it showed
	// before to count as wrong. Vixie cron has the same three hours.
	correction = 3 * time.Hour
)

// begin is the time after which times of the schedule are due: the one to which
// they were made, or now if there is none or it was that of a wrong clock.
func begin(position, now time.Time) time.Time {
	if position.IsZero() || position.Sub(now) > correction {
		return now
	}
	return position
}

// due are the times after a position for which there are to be events now, and the
// last of all that are over, which is the next position.
func due(next func(time.Time) time.Time, position, now time.Time, catchUp v1alpha1.CatchUp) (events []time.Time, last time.Time) {
	last = position
	for t := next(position); !t.After(now); t = next(t) {
		if len(events) == 2*v1alpha1.MaxCatchUp {
			events = append(events[:0], events[v1alpha1.MaxCatchUp:]...)
		}
		events, last = append(events, t), t
	}
	most := 1
	switch {
	case catchUp == v1alpha1.CatchUpAll:
		most = v1alpha1.MaxCatchUp
	case catchUp == v1alpha1.CatchUpNone && now.Sub(last) > late:
		most = 0
	}
	return events[max(0, len(events)-most):], last
}
