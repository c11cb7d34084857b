package access

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// accountPrefix is what the names of users begin with who are service accounts.
const accountPrefix = "system:serviceaccount:"

// Refused is a token that counts for nothing.
type Refused struct {
	// Reason is what is wrong with it.
	Reason error
	// User has it if nothing else is wrong than that this is no service account.
	User string
}

// Error is the reason.
func (e *Refused) Error() string {
	if e.User != "" {
		return fmt.Sprintf("it is that of %q, who is no service account", e.User)
	}
	return e.Reason.Error()
}

// Unwrap returns the reason.
func (e *Refused) Unwrap() error { return e.Reason }

// Account is the service account whose token for an audience this is. The error is
// a *Refused, or says why that cannot be found out now.
func (g *Guard) Account(ctx context.Context, token, audience string) (types.NamespacedName, error) {
	now := g.now()
	expires, err := checkToken(token, audience, now)
	if err != nil {
		return types.NamespacedName{}, &Refused{Reason: err}
	}
	d := digestOf(token, audience)
	known, ok := g.verdicts.find(d, now)
	if !ok {
		if known, err = g.review(ctx, d, token, audience, expires); err != nil {
			return types.NamespacedName{}, err
		}
	}
	if known.user == "" {
		return types.NamespacedName{}, &Refused{Reason: errInvalid}
	}
	namespace, name, ok := strings.Cut(strings.TrimPrefix(known.user, accountPrefix), ":")
	if !ok || !strings.HasPrefix(known.user, accountPrefix) {
		return types.NamespacedName{}, &Refused{User: known.user}
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}
