package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// maxReviews is how many tokens are reviewed at a time; others wait for patience
	// at most.
	maxReviews = 16
	patience   = 5 * time.Second
	// reviewLimit bounds one review.
	reviewLimit = 2 * time.Second
	// A token that is valid counts as that for validFor, or until it expires: so
	// long after its pod has gone it may still be used. One that is not is not
	// reviewed again for wrongFor.
	validFor, wrongFor = 5 * time.Minute, 10 * time.Second
	// awayFor is how long nobody waits for a review who does not need one, after one
	// could not be had.
	awayFor = 10 * time.Second
)

// Guard knows whose the tokens are. It is safe for concurrent use.
type Guard struct {
	reviewer Reviewer
	now      func() time.Time
	verdicts *verdicts
	places   *semaphore.Weighted
	flights  singleflight.Group
	// away is until when the API server counts as away, in Unix nanoseconds.
	away atomic.Int64
}

// NewGuard returns a Guard that has tokens reviewed.
func NewGuard(reviewer Reviewer, now func() time.Time) *Guard {
	return &Guard{reviewer: reviewer, now: now, verdicts: newVerdicts(), places: semaphore.NewWeighted(maxReviews)}
}

// Inside decides about a request from within the cluster. Where a channel is open,
// a token only tells who sends.
func (g *Guard) Inside(r *http.Request, rule *Rule) (string, *Denial) {
	token, shown := bearer(r.Header)
	if !rule.closed() {
		if shown && g.now().UnixNano() >= g.away.Load() {
			if account, no := g.account(r.Context(), token, rule); no == nil {
				return accountSender(account), nil
			}
		}
		return anonymous(r), nil
	}
	if !shown {
		return "", rule.noToken()
	}
	account, no := g.account(r.Context(), token, rule)
	if no != nil {
		return "", no
	}
	if !rule.allows(account) {
		return "", rule.notAllowed(account)
	}
	return accountSender(account), nil
}

// account is the service account that a token for a channel belongs to.
func (g *Guard) account(ctx context.Context, token string, rule *Rule) (types.NamespacedName, *Denial) {
	account, err := g.Account(ctx, token, rule.url)
	var refused *Refused
	switch {
	case err == nil:
		return account, nil
	case !errors.As(err, &refused):
		return types.NamespacedName{}, unavailable(NoReview, "The API server, which knows whose the token is, does not answer.", err)
	case refused.User != "":
		return types.NamespacedName{}, rule.noAccount(refused.User)
	}
	return types.NamespacedName{}, rule.badToken(refused.Reason)
}

// review has a token reviewed and remembers the verdict. Requests with the same
// token share one review, which goes on when one of them ends.
func (g *Guard) review(ctx context.Context, d digest, token, audience string, expires time.Time) (verdict, error) {
	flight := g.flights.DoChan(string(d[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if err := g.places.Acquire(ctx, 1); err != nil {
			return verdict{}, fmt.Errorf("waiting for other reviews: %w", err)
		}
		defer g.places.Release(1)
		return g.ask(ctx, d, token, audience, expires)
	})
	select {
	case done := <-flight:
		return done.Val.(verdict), done.Err
	case <-ctx.Done():
		return verdict{}, ctx.Err()
	}
}

// ask has one review made.
func (g *Guard) ask(ctx context.Context, d digest, token, audience string, expires time.Time) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, reviewLimit)
	defer cancel()
	user, err := g.reviewer.Review(ctx, token, audience)
	now := g.now()
	var found verdict
	switch {
	case err == nil:
		found = verdict{user: user, until: now.Add(validFor)}
		if expires.Before(found.until) {
			found.until = expires
		}
	case errors.Is(err, errInvalid):
		found = verdict{until: now.Add(wrongFor)}
	default:
		g.away.Store(now.Add(awayFor).UnixNano())
		return verdict{}, err
	}
	g.verdicts.keep(d, found, now)
	return found, nil
}

// allows reports whether a service account may send: one of the channel's own
// namespace, or of its senders.
func (r *Rule) allows(account types.NamespacedName) bool {
	return account.Namespace == r.name.Namespace || slices.Contains(r.access.Senders, account.String())
}
