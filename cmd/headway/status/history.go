package status

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
)

// History is the command history.
func History(s cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use:   "history APP",
		Short: "Show which revisions were live, and why each came and went",
		Long: `Show the last 20 deployments of an app, newest first: the commit, since when and
for how long it was live, why it came and why it went.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.Complete(cli.AppNames),
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			found, err := readState(ctx, c, c.Namespace, args[0])
			if err != nil {
				return err
			}
			document := struct {
				Deployments []v1alpha1.Deployment `json:"deployments"`
			}{append([]v1alpha1.Deployment{}, found.Apps[0].Status.Deployments...)}
			return output.Print(s.Out, document, func(w io.Writer) { writeHistory(w, document.Deployments, time.Now()) })
		}),
	}
	output.Flag(c)
	return c
}

// writeHistory is a line per deployment. Of why one went, the first line is
// shown; a crash has the end of its log below that.
func writeHistory(w io.Writer, deployments []v1alpha1.Deployment, now time.Time) {
	if len(deployments) == 0 {
		_, _ = fmt.Fprintln(w, "Nothing has been live yet.")
		return
	}
	var g cli.Grid
	g.Header("REVISION", "COMMIT", "SINCE", "LIVE FOR", "CAME", "WENT", "AUTHOR", "SUBJECT")
	for _, d := range deployments {
		until := now
		if d.Until != nil {
			until = d.Until.Time
		}
		end, _, _ := strings.Cut(d.End, "\n")
		g.Row(cli.Plain(d.Revision), cli.Plain(d.Commit[:min(8, len(d.Commit))]), cli.Plain(d.From.UTC().Format("2006-01-02 15:04:05Z")),
			cli.Plain(explain.Age(d.From.Time, until)), cli.Plain(cli.Printable(d.Cause, 50)), cli.Plain(cli.OrDash(cli.Printable(end, 60))),
			cli.Plain(cli.OrDash(cli.Printable(d.Author, 20))), cli.Plain(cli.Printable(d.Subject, 50)))
	}
	g.Write(w)
}
