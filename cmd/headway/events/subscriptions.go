package events

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newSubscriptions(io cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use: "subscriptions", Short: "List the subscriptions, how far behind they are, and why", Args: cobra.NoArgs,
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, _ []string) error {
			return printSubscriptions(ctx, io, output, c, time.Now())
		}),
	}
	output.Flag(c)
	return c
}

// printSubscriptions prints those of the cluster's namespace: a table and why some
// do not deliver, or a document with the list subscriptions.
func printSubscriptions(ctx context.Context, s cli.Streams, f cli.Output, c *cli.Cluster, now time.Time) error {
	var l v1alpha1.SubscriptionList
	if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
		return fmt.Errorf("listing subscriptions: %w", err)
	}
	if len(l.Items) == 0 && f == "" {
		_, err := fmt.Fprintf(s.Err, "No subscription in namespace %s. The headway.yaml of an app declares one: events: [{from: orders, to: /events}].\n", c.Namespace)
		return err
	}
	var document struct {
		Subscriptions []v1alpha1.Subscription `json:"subscriptions"`
	}
	document.Subscriptions = append([]v1alpha1.Subscription{}, l.Items...) // not null, for those who read it
	for i := range document.Subscriptions {
		tidy(&document.Subscriptions[i], "Subscription")
	}
	paint := cli.PaintFor(s.Out)
	return f.Print(s.Out, document, func(w io.Writer) { writeSubscriptions(w, paint, l.Items, now) })
}

// writeSubscriptions is one line per subscription, and why some do not deliver.
func writeSubscriptions(w io.Writer, paint cli.Paint, items []v1alpha1.Subscription, now time.Time) {
	var g cli.Grid
	var found []explain.Finding
	g.Header("SUBSCRIPTION", "STATE", "CHANNEL", "FILTER", "TO", "LAG", "RETRYING", "DEAD", "LAST FAILURE")
	for i := range items {
		s := &items[i]
		state, findings := explain.ForSubscription(s)
		found = append(found, findings...)
		g.Row(cli.Plain(s.Name), paint.State(state), cli.Plain(s.Spec.Channel),
			cli.Plain(cli.OrDash(cli.Printable(explain.Filter(s.Spec.Filter), 40))), cli.Plain(cli.Printable(explain.Target(s.Spec.To), 40)),
			cli.Plain(fmt.Sprint(s.Status.Lag)), cli.Plain(fmt.Sprint(s.Status.Retrying)), cli.Plain(fmt.Sprint(s.Status.Dead)),
			cli.Plain(cli.OrDash(cli.Printable(explain.Failure(s.Status.LastFailure, now), 100))))
	}
	g.Write(w)
	cli.WriteFindings(w, paint, found, false)
}
