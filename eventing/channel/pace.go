package channel

import "time"

// pace is how fast the disk is, by which it is decided how events are written that
// wait together: the server syncs it once for each event that is published alone
// and once for an atomic batch, which has a price of its own. It belongs to the one
// goroutine that writes to a channel.
type pace struct {
	// alone is what one event costs that is published alone, batch what a batch does:
	// moving averages.
	alone, batch time.Duration
}

// Measured on two cores with a fast disk and 1 KiB: a batch pays from 20 events on.
// A pause of the machine counts for no more than mostAlone and mostBatch, so that
// it is forgotten soon.
const (
	firstAlone, mostAlone = 100 * time.Microsecond, 5 * time.Millisecond
	firstBatch, mostBatch = 2 * time.Millisecond, 10 * time.Millisecond
	// memory is how many groups an average is about.
	memory = 8
)

func newPace() pace { return pace{firstAlone, firstBatch} }

// together reports whether so many events are written faster as a batch.
func (p *pace) together(events int) bool {
	return events > 1 && time.Duration(events)*p.alone >= p.batch
}

// wrote takes into account how long a group took.
func (p *pace) wrote(events int, batch bool, took time.Duration) {
	if batch {
		p.batch += (min(took, mostBatch) - p.batch) / memory
		return
	}
	p.alone += (min(took/time.Duration(events), mostAlone) - p.alone) / memory
}
