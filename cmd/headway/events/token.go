package events

import (
	"context"
	"fmt"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/cmd/headway/cli"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// sendsAs is the service account in whose name events are sent; pods of apps
	// have it, too.
	sendsAs = "default"
	// tokenSeconds is how long its token is valid: the least that Kubernetes gives.
	tokenSeconds = 600
)

// makeToken asks for a token for a channel. Its audience follows from the channel's
// name and from no answer of the ingress: it is good for nothing else.
func makeToken(ctx context.Context, c *cli.Cluster, channel string) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences: []string{address.Channel(c.Namespace, channel)}, ExpirationSeconds: new(int64(tokenSeconds)),
	}}
	made, err := c.Typed.CoreV1().ServiceAccounts(c.Namespace).CreateToken(ctx, sendsAs, request, metav1.CreateOptions{})
	if apierrors.IsForbidden(err) {
		return "", fmt.Errorf("channel %s takes events only with a token, and you may make none: that needs the right to create serviceaccounts/token of %s in namespace %s. An app with `sends: [%s]` has one: %w",
			channel, sendsAs, c.Namespace, channel, err)
	}
	if err != nil {
		return "", fmt.Errorf("making a token for channel %s, of service account %s: %w", channel, sendsAs, err)
	}
	return made.Status.Token, nil
}
