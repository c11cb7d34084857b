package events

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// kind is one whose objects are listed: T is v1alpha1.Channel, say.
type kind[T any] struct {
	// name of the kind, and of its list in a document: Channel, channels.
	name, list string
	// short is what the command does; none says how to declare one.
	short, none string
	header      []string
	// read gets those of the cluster's namespace.
	read func(context.Context, *cli.Cluster) ([]T, error)
	// row is the line of one after its name and state, and what is wrong with it.
	row func(item *T, now time.Time) (state explain.State, cells []string, found []explain.Finding)
}

// command lists the objects.
func (k kind[T]) command(io cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use: k.list, Short: k.short, Args: cobra.NoArgs,
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, _ []string) error {
			return k.print(ctx, io, output, c, time.Now())
		}),
	}
	output.Flag(c)
	return c
}

// print prints those of the cluster's namespace: a table and what is wrong with
// them, or a document with the list.
func (k kind[T]) print(ctx context.Context, s cli.Streams, f cli.Output, c *cli.Cluster, now time.Time) error {
	items, err := k.read(ctx, c)
	if err != nil {
		return fmt.Errorf("listing %s: %w", k.list, err)
	}
	if len(items) == 0 && f == "" {
		_, err := fmt.Fprintf(s.Err, "No %s in namespace %s. %s\n", strings.ToLower(k.name), c.Namespace, k.none)
		return err
	}
	items = append([]T{}, items...) // not null, for those who read it
	for i := range items {
		tidy(any(&items[i]).(client.Object), k.name)
	}
	paint := cli.PaintFor(s.Out)
	return f.Print(s.Out, map[string][]T{k.list: items}, func(w io.Writer) { k.write(w, paint, items, now) })
}

// write is one line per object, and what is wrong with them.
func (k kind[T]) write(w io.Writer, paint cli.Paint, items []T, now time.Time) {
	var g cli.Grid
	var found []explain.Finding
	g.Header(append([]string{strings.ToUpper(k.name), "STATE"}, k.header...)...)
	for i := range items {
		state, cells, findings := k.row(&items[i], now)
		found = append(found, findings...)
		row := []cli.Cell{cli.Plain(any(&items[i]).(client.Object).GetName()), paint.State(state)}
		for _, cell := range cells {
			row = append(row, cli.Plain(cli.OrDash(cell)))
		}
		g.Row(row...)
	}
	g.Write(w)
	cli.WriteFindings(w, paint, found, false)
}

// tidy leaves out what no reader wants.
func tidy(o client.Object, kind string) {
	o.SetManagedFields(nil)
	o.GetObjectKind().SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
}
