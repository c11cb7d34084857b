package access

import (
	"context"
	"errors"
	"fmt"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errInvalid is that of a token that the API server does not take.
var errInvalid = errors.New("it is not valid: it was not made by this cluster, its pod or service account is gone, or it has expired")

// Reviewer says whose a token is.
type Reviewer interface {
	// Review returns the name of the user whose token is valid for an audience;
	// errInvalid if it is not, another error if that cannot be found out now.
	Review(ctx context.Context, token, audience string) (user string, err error)
}

// APIServer asks the API server. The scheme of its client must have TokenReviews.
type APIServer struct{ Client client.Client }

// Review makes a TokenReview.
func (a APIServer) Review(ctx context.Context, token, audience string) (string, error) {
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{audience}}}
	if err := a.Client.Create(ctx, review); err != nil {
		return "", fmt.Errorf("reviewing a token: %w", err)
	}
	if !review.Status.Authenticated || !slices.Contains(review.Status.Audiences, audience) {
		return "", errInvalid
	}
	return review.Status.User.Username, nil
}
