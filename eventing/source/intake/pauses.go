package intake

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pauses after failures double from minPause to maxPause.
const (
	minPause = time.Second
	maxPause = time.Minute
)

// Pauses are those between attempts that fail. The zero value begins anew.
type Pauses struct{ failures int }

// Next is the pause after one more failure: a random time between half of it and
// all, so that what failed together does not come back together.
func (p *Pauses) Next() time.Duration {
	pause := min(minPause<<min(p.failures, 10), maxPause)
	p.failures++
	return pause/2 + rand.N(pause/2)
}

// Reset is called after a success.
func (p *Pauses) Reset() { p.failures = 0 }

// Wait returns nil after the time, or ctx's error.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
