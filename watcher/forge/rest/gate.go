package rest

import (
	"sync"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// Gate keeps requests from a forge that has refused one. The zero value is open.
type Gate struct {
	mu sync.Mutex
	// failure is what the forge has said; nil while the gate is open.
	failure *forge.Error
	until   time.Time
	// failures in a row.
	failures int
}

// Check is the refusal that still counts, with what is left of its time; nil where
// the forge may be asked.
func (g *Gate) Check(now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure == nil || !now.Before(g.until) {
		return nil
	}
	e := *g.failure
	e.RetryAfter = g.until.Sub(now)
	return &e
}

// Refuse shuts the gate, for as long as the forge wishes, or with a wish of 0 for
// one minute, doubled with each refusal; for a moment, where a repository is not
// found for the first time. It returns the refusal with that time.
// Requests that were on their way together count as one.
func (g *Gate) Refuse(now time.Time, failure *forge.Error, wish time.Duration) *forge.Error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure == nil || !now.Before(g.until) {
		g.failures++
		wait := firstBackoff
		for i := 1; i < g.failures && wait < maxBackoff; i++ {
			wait *= 2
		}
		wait = min(wait, maxBackoff)
		if g.failures == 1 && failure.Reason == v1alpha1.ReasonRepositoryNotFound {
			wait = newRepository
		}
		if wish > 0 {
			wait = min(max(wish, time.Second), maxWish)
		}
		g.until = now.Add(wait)
	} else if wished := now.Add(min(wish, maxWish)); wished.After(g.until) {
		g.until = wished
	}
	failure.RetryAfter = g.until.Sub(now)
	g.failure = failure
	return failure
}

// Open lets everything through.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failure, g.failures = nil, 0
}
