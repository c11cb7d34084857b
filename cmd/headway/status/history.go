package status

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
)

// History is the command history.
func History(s cli.Streams, a *cli.Access) *cobra.Command {
	return question(s, a, "history APP", "Show which revisions were live, and why each came and went",
		`Show the last 20 deployments of an app, newest first: the commit, since when and
for how long it was live, why it came and why it went. Revisions that failed on
their way stand among them, with the evidence.`,
		cli.AppAndPreviewNames, func(ctx context.Context, c *cli.Cluster, name string, _ time.Time) (answer, error) {
			found, err := readState(ctx, c, c.Namespace, name)
			if err != nil {
				return nil, err
			}
			return historyOf(&found.Apps[0], found.Revisions), nil
		})
}

// history is what was live, and what failed before it was.
type history struct {
	// Deployments, newest first.
	Deployments []v1alpha1.Deployment `json:"deployments"`
	// Failed are the revisions that were never live and are quarantined: From is
	// when, and End is why. Newest first.
	Failed []v1alpha1.Deployment `json:"failed"`
}

func historyOf(app *v1alpha1.App, revisions []v1alpha1.Revision) history {
	h := history{append([]v1alpha1.Deployment{}, app.Status.Deployments...), []v1alpha1.Deployment{}}
	for _, role := range app.Status.Revisions {
		lived := slices.ContainsFunc(h.Deployments, func(d v1alpha1.Deployment) bool { return d.Revision == role.Name })
		if role.Role != v1alpha1.RoleQuarantined || lived {
			continue
		}
		d := v1alpha1.Deployment{Revision: role.Name, From: role.Since, Until: &role.Since, Cause: "tried, and never live", End: "failed: " + role.Message}
		for i := range revisions {
			if r := &revisions[i]; r.Name == role.Name {
				d.Commit, d.Subject, d.Author = r.Spec.Commit, r.Spec.Subject, r.Spec.Author
			}
		}
		h.Failed = append(h.Failed, d)
	}
	slices.SortStableFunc(h.Failed, func(a, b v1alpha1.Deployment) int { return b.From.Compare(a.From.Time) })
	return h
}

// write is a line for each. Of why one went, the first line is shown; a crash has
// the end of its log below that.
func (h history) write(w io.Writer, v view) {
	all := slices.Concat(h.Deployments, h.Failed)
	if len(all) == 0 {
		_, _ = fmt.Fprintln(w, "Nothing has been live yet.")
		return
	}
	slices.SortStableFunc(all, func(a, b v1alpha1.Deployment) int { return b.From.Compare(a.From.Time) })
	var g cli.Grid
	g.Header("REVISION", "COMMIT", "SINCE", "LIVE FOR", "CAME", "WENT", "AUTHOR", "SUBJECT")
	for _, d := range all {
		liveFor := explain.Age(d.From.Time, v.now)
		if d.Until != nil {
			liveFor = explain.Age(d.From.Time, d.Until.Time)
			if d.Until.Equal(&d.From) {
				liveFor = "-"
			}
		}
		end, _, _ := strings.Cut(d.End, "\n")
		g.Row(cli.Plain(d.Revision), cli.Plain(cli.OrDash(v1alpha1.Short(d.Commit))), cli.Plain(d.From.UTC().Format("2006-01-02 15:04:05Z")),
			cli.Plain(liveFor), cli.Plain(cli.Printable(d.Cause, 50)), cli.Plain(cli.OrDash(cli.Printable(end, 100))),
			cli.Plain(cli.OrDash(cli.Printable(d.Author, 20))), cli.Plain(cli.Printable(d.Subject, 50)))
	}
	g.Write(w)
}
