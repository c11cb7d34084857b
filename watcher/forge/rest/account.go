package rest

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// Account is what the forge counts requests by: one server and one set of
// credentials. The clients of several repositories share it, and so its limits.
type Account struct {
	transport http.RoundTripper
	gate      Gate
	// writes gives turns to writes; nil where there is no need.
	writes *rate.Limiter
}

// NewAccount makes one. gap is the least time between two writes; 0 for none.
func NewAccount(transport http.RoundTripper, gap time.Duration) *Account {
	a := &Account{transport: transport}
	if gap > 0 {
		a.writes = rate.NewLimiter(rate.Every(gap), 1)
	}
	return a
}

// turn waits for the turn of a write, at most maxPace.
func (a *Account) turn(ctx context.Context) error {
	if a.writes == nil {
		return nil
	}
	r := a.writes.Reserve()
	delay := r.Delay()
	if delay > maxPace {
		r.Cancel()
		return &forge.Error{Reason: v1alpha1.ReasonRateLimited, RetryAfter: delay,
			Message: "too many statuses and comments wait to be written, as the forge takes one a second; they follow"}
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		r.Cancel()
		return ctx.Err()
	}
}

// Close gives connections back that nobody uses.
func (a *Account) Close() {
	if t, ok := a.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
