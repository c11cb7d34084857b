package events

import (
	"context"
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var subscriptionKind = kind[v1alpha1.Subscription]{
	name: "Subscription", list: "subscriptions",
	short:  "List the subscriptions, how far behind they are, and why",
	none:   "The headway.yaml of an app declares one: events: [{from: orders, to: /events}].",
	header: []string{"CHANNEL", "FILTER", "TO", "LAG", "RETRYING", "DEAD", "LAST FAILURE"},
	read: func(ctx context.Context, c *cli.Cluster) ([]v1alpha1.Subscription, error) {
		var l v1alpha1.SubscriptionList
		err := c.List(ctx, &l, client.InNamespace(c.Namespace))
		return l.Items, err
	},
	row: func(s *v1alpha1.Subscription, now time.Time) (explain.State, []string, []explain.Finding) {
		state, found := explain.ForSubscription(s)
		return state, []string{s.Spec.Channel, cli.Printable(explain.Filter(s.Spec.Filter), 40), cli.Printable(explain.Target(s.Spec.To), 40),
			fmt.Sprint(s.Status.Lag), fmt.Sprint(s.Status.Retrying), fmt.Sprint(s.Status.Dead),
			cli.Printable(explain.Failure(s.Status.LastFailure, now), 100)}, found
	},
}
