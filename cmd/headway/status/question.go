package status

import (
	"context"
	"io"
	"time"

	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
)

// answer is what a question is answered with: a document for programs, and text
// for people.
type answer interface {
	write(io.Writer, view)
}

// question is a command that asks the cluster about one thing.
func question(s cli.Streams, a *cli.Access, use, short, long string, names func(context.Context, *cli.Cluster) []string,
	ask func(ctx context.Context, c *cli.Cluster, about string, now time.Time) (answer, error)) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use: use, Short: short, Long: long,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.Complete(names),
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			v := view{paint: cli.PaintFor(s.Out), now: time.Now(), namespace: c.Namespace}
			found, err := ask(ctx, c, args[0], v.now)
			if err != nil {
				return err
			}
			return output.Print(s.Out, found, func(w io.Writer) { found.write(w, v) })
		}),
	}
	output.Flag(c)
	return c
}
