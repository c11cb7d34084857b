package access

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Rule says who may send to one channel. It does not change; the keys that it
// reads do.
type Rule struct {
	name types.NamespacedName
	// url is the channel's in the cluster, and the audience of tokens for it.
	url    string
	access v1alpha1.ChannelAccess
	// keys are those that senders outside sign with; nil: they do not sign.
	keys *keys
}

// NewRule returns the rule of a Channel with this URL. before is the rule that it
// had, or nil: where nothing has changed it is that one, and a key that is not
// named any more is taken for a while.
func NewRule(before *Rule, object *v1alpha1.Channel, url string, secrets Secrets, now func() time.Time) *Rule {
	r := &Rule{name: types.NamespacedName{Namespace: object.Namespace, Name: object.Name}, url: url}
	if object.Spec.Access != nil {
		r.access = *object.Spec.Access.DeepCopy()
	}
	if before != nil && before.name == r.name && before.url == url && equality.Semantic.DeepEqual(before.access, r.access) {
		return before
	}
	if outside := r.access.Outside; outside != nil && outside.HMAC.Name != "" {
		if before != nil {
			r.keys = before.keys
		}
		if r.keys == nil {
			r.keys = newKeys(object.Namespace, secrets, now)
		}
	}
	return r
}

// closed reports whether a token is needed.
func (r *Rule) closed() bool { return r.access.Token }

// Check returns what keeps senders outside from signing, where they may.
func (r *Rule) Check(ctx context.Context) error {
	if r.keys == nil {
		return nil
	}
	_, err := r.keys.read(ctx, r.access.Outside.HMAC, r.keys.now().Add(-lookAgain))
	return err
}

func (r *Rule) noToken() *Denial {
	return unauthorized(NoToken, "Bearer", r.url, fmt.Sprintf(
		"Channel %s takes events only with a token of a service account whose audience is %s, as Authorization: Bearer <token>. An app in whose headway.yaml `sends` names the channel has one at /var/run/secrets/headway/events/%s.", r.name, r.url, r.name.Name), nil)
}

func (r *Rule) badToken(err error) *Denial {
	return unauthorized(BadToken, "Bearer", r.url, fmt.Sprintf("The token is refused: %s. Channel %s takes one whose audience is %s.", err, r.name, r.url), err)
}

func (r *Rule) noAccount(user string) *Denial {
	return &Denial{Kind: NotAllowed, Status: http.StatusForbidden, Detail: fmt.Sprintf(
		"The token is that of %q. Channel %s takes events of service accounts only.", user, r.name)}
}

func (r *Rule) notAllowed(account types.NamespacedName) *Denial {
	return &Denial{Kind: NotAllowed, Status: http.StatusForbidden, Detail: fmt.Sprintf(
		"Service account %s may not send to channel %s. Add %q to access.senders of the channel, where it is declared.", account, r.name, account)}
}
