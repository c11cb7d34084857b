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

func newSources(io cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use: "sources", Short: "List the sources of events, what they took, and why some do not", Args: cobra.NoArgs,
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, _ []string) error {
			return printSources(ctx, io, output, c, time.Now())
		}),
	}
	output.Flag(c)
	return c
}

// printSources prints those of the cluster's namespace: a table and why some take
// nothing, or a document with the list sources.
func printSources(ctx context.Context, s cli.Streams, f cli.Output, c *cli.Cluster, now time.Time) error {
	var l v1alpha1.SourceList
	if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
		return fmt.Errorf("listing sources: %w", err)
	}
	if len(l.Items) == 0 && f == "" {
		_, err := fmt.Fprintf(s.Err, "No source in namespace %s. docs/events.md, Sources, says how to declare one.\n", c.Namespace)
		return err
	}
	var document struct {
		Sources []v1alpha1.Source `json:"sources"`
	}
	document.Sources = append([]v1alpha1.Source{}, l.Items...) // not null, for those who read it
	for i := range document.Sources {
		tidy(&document.Sources[i], "Source")
	}
	paint := cli.PaintFor(s.Out)
	return f.Print(s.Out, document, func(w io.Writer) { writeSources(w, paint, l.Items, now) })
}

// writeSources is one line per source, and why some take nothing.
func writeSources(w io.Writer, paint cli.Paint, items []v1alpha1.Source, now time.Time) {
	var g cli.Grid
	var found []explain.Finding
	g.Header("SOURCE", "STATE", "FROM", "CHANNEL", "EVENTS", "LAST", "URL")
	for i := range items {
		s := &items[i]
		state, findings := explain.ForSource(s)
		found = append(found, findings...)
		last := "-"
		if at := s.Status.LastEvent; at != nil {
			last = explain.Age(at.Time, now) + " ago"
		}
		g.Row(cli.Plain(s.Name), paint.State(state), cli.Plain(cli.OrDash(cli.Printable(explain.Origin(&s.Spec), 50))), cli.Plain(s.Spec.Channel),
			cli.Plain(fmt.Sprint(s.Status.Events)), cli.Plain(last), cli.Plain(cli.OrDash(cli.Printable(s.Status.URL, 200))))
	}
	g.Write(w)
	cli.WriteFindings(w, paint, found, false)
}
