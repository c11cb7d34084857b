package receiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Audience is what an activator's token must be made for.
const Audience = "headway-reports"

// reviewTimeout bounds the wait for the API server's word on a token.
const reviewTimeout = 5 * time.Second

// authorizer lets only the activators' service account report: whoever may
// report can start and stop pods of any app, and roll it back.
//
// A token costs a question to the API server only if its own claims do not
// refuse it, nothing is remembered of it, and its address has a turn.
type authorizer struct {
	client   client.Client
	user     string // system:serviceaccount:<namespace>:<name>
	verdicts verdicts
	turns    turns
}

// refusal is why a stream is not taken.
type refusal struct {
	status int
	reason string // of the metric
	err    error
}

// authorize returns nil if the token is an activator's. reviewed is called
// before the API server is asked.
func (a *authorizer) authorize(ctx context.Context, token, address string, reviewed func()) *refusal {
	said, err := read(token, a.user, time.Now())
	if err != nil {
		return &refusal{http.StatusUnauthorized, badClaims, err}
	}
	if err, known := a.verdicts.of(token, time.Now()); known {
		return denied(err)
	}
	done, err := a.turns.take(ctx, address)
	if err != nil {
		return &refusal{http.StatusTooManyRequests, noTurn, err}
	}
	defer done()
	reviewed()
	verdict, err := a.review(ctx, token)
	if err != nil {
		return &refusal{http.StatusServiceUnavailable, noReview, err}
	}
	a.verdicts.add(token, verdict, time.Now(), said.expires())
	return denied(verdict)
}

func denied(verdict error) *refusal {
	if verdict == nil {
		return nil
	}
	return &refusal{http.StatusUnauthorized, badToken, verdict}
}

// review asks the API server. err is that it has not answered.
func (a *authorizer) review(ctx context.Context, token string) (verdict, err error) {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{
		Token: token, Audiences: []string{Audience},
	}}
	reviews.Inc()
	if err := a.client.Create(ctx, review); err != nil {
		return nil, fmt.Errorf("reviewing the token: %w", err)
	}
	switch status := review.Status; {
	case !status.Authenticated:
		return errors.New("the token is not valid"), nil
	case !slices.Contains(status.Audiences, Audience):
		return errors.New("the token is made for another audience"), nil
	case status.User.Username != a.user:
		return fmt.Errorf("%s may not report", status.User.Username), nil
	}
	return nil, nil
}

// ParseAccount reads the activators' service account, namespace/name.
func ParseAccount(s string) (types.NamespacedName, error) {
	namespace, name, ok := strings.Cut(s, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return types.NamespacedName{}, fmt.Errorf("--activators is %q; it must be namespace/name", s)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}
