package receiver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Audience is what an activator's token must be made for.
const Audience = "headway-reports"

// authorizer lets only the activators' service account report: whoever may
// report can start and stop pods of any app, and roll it back.
type authorizer struct {
	client client.Client
	user   string // system:serviceaccount:<namespace>:<name>
}

func (a authorizer) authorize(ctx context.Context, token string) error {
	if token == "" {
		return errors.New("a bearer token is required")
	}
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{
		Token: token, Audiences: []string{Audience},
	}}
	if err := a.client.Create(ctx, review); err != nil {
		return fmt.Errorf("reviewing the token: %w", err)
	}
	switch status := review.Status; {
	case !status.Authenticated:
		return errors.New("the token is not valid")
	case !slices.Contains(status.Audiences, Audience):
		return errors.New("the token is made for another audience")
	case status.User.Username != a.user:
		return fmt.Errorf("%s may not report", status.User.Username)
	}
	return nil
}

// ParseAccount reads the activators' service account, namespace/name.
func ParseAccount(s string) (types.NamespacedName, error) {
	namespace, name, ok := strings.Cut(s, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return types.NamespacedName{}, fmt.Errorf("--activators is %q; it must be namespace/name", s)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}
