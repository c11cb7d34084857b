package events

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newChannels(s cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use:   "channels",
		Short: "List channels: what they keep, and whether they take events",
		Args:  cobra.NoArgs,
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, _ []string) error {
			var l v1alpha1.ChannelList
			if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
				return fmt.Errorf("listing channels: %w", err)
			}
			return output.Print(s.Out, l.Items, func(w io.Writer) { writeChannels(w, cli.PaintFor(s.Out), c.Namespace, l.Items) })
		}),
	}
	output.Flag(c)
	return c
}

func writeChannels(w io.Writer, paint cli.Paint, namespace string, channels []v1alpha1.Channel) {
	if len(channels) == 0 {
		_, _ = fmt.Fprintf(w, "There is no channel in namespace %s. The key channels of a headway.yaml makes one.\n", namespace)
		return
	}
	var g cli.Grid
	g.Header("CHANNEL", "STATE", "EVENTS", "BYTES", "OF", "KEEP", "URL")
	var wrong []string
	for i := range channels {
		c := &channels[i]
		state, said := readiness(paint, c.Name, c.Status.Conditions)
		wrong = append(wrong, said...)
		g.Row(cli.Plain(c.Name), state, number(c.Status.Events), cli.Plain(sizeOf(c.Status.Bytes)), cli.Plain(c.Spec.Size.String()),
			cli.Plain(c.Spec.Keep.Duration.String()), cli.Plain(cli.OrDash(c.Status.URL)))
	}
	g.Write(w)
	writeLines(w, wrong)
}

func newSubscriptions(s cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use:   "subscriptions",
		Short: "List subscriptions: how far each is, and what fails",
		Long: `List the subscriptions of the namespace. LAG is how many events of the channel are
not done with, RETRYING how many of these have failed at least once, DEAD how many
were given up on. What is wrong, and the newest failure, stand below.`,
		Args: cobra.NoArgs,
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, _ []string) error {
			var l v1alpha1.SubscriptionList
			if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
				return fmt.Errorf("listing subscriptions: %w", err)
			}
			return output.Print(s.Out, l.Items, func(w io.Writer) {
				writeSubscriptions(w, cli.PaintFor(s.Out), c.Namespace, l.Items, time.Now())
			})
		}),
	}
	output.Flag(c)
	return c
}

func writeSubscriptions(w io.Writer, paint cli.Paint, namespace string, subscriptions []v1alpha1.Subscription, now time.Time) {
	if len(subscriptions) == 0 {
		_, _ = fmt.Fprintf(w, "There is no subscription in namespace %s. The key events of an app's headway.yaml makes one.\n", namespace)
		return
	}
	var g cli.Grid
	g.Header("SUBSCRIPTION", "STATE", "CHANNEL", "TO", "LAG", "RETRYING", "DELIVERED", "FILTERED", "DEAD")
	var wrong []string
	for i := range subscriptions {
		sub := &subscriptions[i]
		state, said := readiness(paint, sub.Name, sub.Status.Conditions)
		wrong = append(wrong, said...)
		if f := sub.Status.LastFailure; f != nil {
			wrong = append(wrong, fmt.Sprintf("%s: last failure %s ago, event %s: %s", sub.Name, explain.Age(f.At.Time, now), cli.Printable(f.Event, 60), oneLine(f.Message)))
		}
		g.Row(cli.Plain(sub.Name), state, cli.Plain(sub.Spec.Channel), cli.Plain(target(&sub.Spec.To)), number(sub.Status.Lag), number(sub.Status.Retrying),
			number(sub.Status.Delivered), number(sub.Status.Filtered), number(sub.Status.Dead))
	}
	g.Write(w)
	writeLines(w, wrong)
}

// target is where events go, in short.
func target(to *v1alpha1.EventTarget) string {
	switch {
	case to.App != "":
		return to.App + to.Path
	case to.Channel != "":
		return "channel " + to.Channel
	}
	return cli.Printable(to.URL, 60)
}

// readiness is the state of an object, and what to say about it below the table.
func readiness(paint cli.Paint, name string, conditions []metav1.Condition) (cli.Cell, []string) {
	ready := condition.Get(conditions, v1alpha1.ConditionReady)
	var said []string
	if ready.Message != "" {
		said = []string{name + ": " + oneLine(ready.Message)}
	}
	switch {
	case ready.Status == "":
		return cli.Coloured("Waiting", paint.Yellow), []string{name + ": the eventing program has not seen it yet; kubectl get pods --namespace " + ingressNamespace + " shows whether it runs"}
	case ready.Status != metav1.ConditionTrue:
		return cli.Coloured(ready.Reason, paint.Red), said
	case ready.Message != "":
		return cli.Coloured(ready.Reason, paint.Yellow), said
	}
	return cli.Coloured(ready.Reason, paint.Green), nil
}

func number(n int64) cli.Cell { return cli.Plain(strconv.FormatInt(n, 10)) }

// sizeOf is a number of bytes as people read it.
func sizeOf(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1 << 30, "Gi"}, {1 << 20, "Mi"}, {1 << 10, "Ki"}} {
		if n >= unit.size {
			return strconv.FormatFloat(float64(n)/float64(unit.size), 'f', 1, 64) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// writeLines writes what stands below a table.
func writeLines(w io.Writer, lines []string) {
	if len(lines) > 0 {
		_, _ = fmt.Fprintln(w)
	}
	for _, line := range lines {
		_, _ = fmt.Fprintln(w, line)
	}
}
