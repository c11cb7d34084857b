package events

import (
	"context"
	"fmt"
	"io"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newChannels(io cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use: "channels", Short: "List the channels, what they keep, and what is wrong with them", Args: cobra.NoArgs,
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, _ []string) error {
			return printChannels(ctx, io, output, c)
		}),
	}
	output.Flag(c)
	return c
}

// printChannels prints those of the cluster's namespace: a table and what is wrong
// with them, or a document with the list channels.
func printChannels(ctx context.Context, s cli.Streams, f cli.Output, c *cli.Cluster) error {
	var l v1alpha1.ChannelList
	if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
		return fmt.Errorf("listing channels: %w", err)
	}
	if len(l.Items) == 0 && f == "" {
		_, err := fmt.Fprintf(s.Err, "No channel in namespace %s. A headway.yaml declares one: channels: [{name: orders}].\n", c.Namespace)
		return err
	}
	var document struct {
		Channels []v1alpha1.Channel `json:"channels"`
	}
	document.Channels = append([]v1alpha1.Channel{}, l.Items...) // not null, for those who read it
	for i := range document.Channels {
		tidy(&document.Channels[i], "Channel")
	}
	paint := cli.PaintFor(s.Out)
	return f.Print(s.Out, document, func(w io.Writer) { writeChannels(w, paint, l.Items) })
}

// writeChannels is one line per channel, and what is wrong with them.
func writeChannels(w io.Writer, paint cli.Paint, items []v1alpha1.Channel) {
	var g cli.Grid
	var found []explain.Finding
	g.Header("CHANNEL", "STATE", "EVENTS", "BYTES", "OF", "KEEP", "URL")
	for i := range items {
		c := &items[i]
		state, findings := explain.ForChannel(c)
		found = append(found, findings...)
		g.Row(cli.Plain(c.Name), paint.State(state), cli.Plain(fmt.Sprint(c.Status.Events)), cli.Plain(explain.Bytes(c.Status.Bytes)),
			cli.Plain(c.Spec.Size.String()), cli.Plain(explain.Span(c.Spec.Keep.Duration)), cli.Plain(cli.OrDash(c.Status.URL)))
	}
	g.Write(w)
	cli.WriteFindings(w, paint, found, false)
}
