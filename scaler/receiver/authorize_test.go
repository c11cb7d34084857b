package receiver

import (
	"context"
	"errors"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestAuthorize(t *testing.T) {
	good := authenticationv1.TokenReviewStatus{Authenticated: true, Audiences: []string{Audience}}
	good.User.Username = "system:serviceaccount:headway-system:headway-activator"
	other := *good.DeepCopy()
	other.User.Username = "system:serviceaccount:default:default"
	elsewhere := *good.DeepCopy()
	elsewhere.Audiences = []string{"https://kubernetes.default.svc"}
	for _, tc := range []struct {
		name, token string
		status      authenticationv1.TokenReviewStatus
		err         error
		want        string
	}{
		{"activator", "t", good, nil, ""},
		{"nothing", "", good, nil, "required"},
		{"forged", "t", authenticationv1.TokenReviewStatus{}, nil, "not valid"},
		{"another account", "t", other, nil, "default:default may not report"},
		{"another audience", "t", elsewhere, nil, "another audience"},
		{"no answer", "t", good, errors.New("timeout"), "timeout"},
	} {
		var asked authenticationv1.TokenReviewSpec
		a := authorizer{user: good.User.Username, client: fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
			Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) error {
				review := o.(*authenticationv1.TokenReview)
				asked, review.Status = review.Spec, tc.status
				return tc.err
			},
		}).Build()}
		err := a.authorize(t.Context(), tc.token)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
		if tc.token != "" && (asked.Token != tc.token || len(asked.Audiences) != 1 || asked.Audiences[0] != Audience) {
			t.Errorf("%s: asked for %+v", tc.name, asked)
		}
	}
}
