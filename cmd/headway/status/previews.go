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
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Previews is the command previews.
func Previews(s cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	var all bool
	c := &cobra.Command{
		Use:   "previews [APP]",
		Short: "List the open pull requests and their previews",
		Long: `List the pull requests that are open, and the branches that have previews by their
names: what has become of each, and the URL. Those that wait or were refused say
why below, and what to do. With an app: its previews only.

AGE is the time since the last push.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.Complete(cli.AppNames),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return cli.Usagef("--all-namespaces shows the previews of all apps; leave out %s, or use --namespace", args[0])
			}
			return nil
		},
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			v := view{paint: cli.PaintFor(s.Out), now: time.Now(), namespace: c.Namespace, app: strings.Join(args, "")}
			if all {
				v.namespace = ""
			}
			found, err := readPreviews(ctx, c, v.namespace, v.app)
			if err != nil {
				return err
			}
			return output.Print(s.Out, found, func(w io.Writer) { found.write(w, v) })
		}),
	}
	output.Flag(c)
	c.Flags().BoolVarP(&all, "all-namespaces", "A", false, "previews of all namespaces")
	return c
}

// previews is what the command shows.
type previews struct {
	Previews []explain.Preview `json:"previews"`
	findings []explain.Finding
}

// readPreviews reads those of a namespace (empty: all), or of one app.
func readPreviews(ctx context.Context, c client.Reader, namespace, app string) (*previews, error) {
	s, err := readState(ctx, c, namespace, "")
	if err != nil {
		return nil, err
	}
	if app != "" {
		if !slices.ContainsFunc(s.Apps, func(a v1alpha1.App) bool { return a.Name == app }) {
			return nil, s.noApp(namespace, app)
		}
		s.Previews = slices.DeleteFunc(s.Previews, func(p v1alpha1.App) bool { return p.Spec.Preview.App != app })
		s.onlyRequests(func(r v1alpha1.RequestStatus) bool {
			return slices.ContainsFunc(s.Previews, func(p v1alpha1.App) bool { return slices.Contains(r.Previews, p.Name) })
		})
	}
	return &previews{
		Previews: explain.Previews(s.Repositories, s.Previews, s.Revisions),
		findings: explain.PreviewFindings(s.Repositories, s.Previews, s.Revisions),
	}, nil
}

// onlyRequests leaves out those that are not wanted.
func (s *state) onlyRequests(wanted func(v1alpha1.RequestStatus) bool) {
	for i := range s.Repositories {
		status := &s.Repositories[i].Status
		status.Requests = slices.DeleteFunc(status.Requests, func(r v1alpha1.RequestStatus) bool { return !wanted(r) })
	}
}

// write is a line for each, and what is wrong with some.
func (p *previews) write(w io.Writer, v view) {
	if len(p.Previews) == 0 {
		_, _ = fmt.Fprintln(w, nothing(v))
		return
	}
	var g cli.Grid
	titles := []string{"REQUEST", "APP", "STATE", "COMMIT", "URL", "AGE", "TITLE"}
	if v.namespace == "" {
		titles = append([]string{"NAMESPACE"}, titles...)
	}
	g.Header(titles...)
	for _, line := range p.Previews {
		var cells []cli.Cell
		if v.namespace == "" {
			cells = append(cells, cli.Plain(line.Namespace))
		}
		g.Row(append(cells, cli.Plain(cli.Printable(line.Request, 40)), cli.Plain(cli.OrDash(line.App)), v.state(line.State),
			cli.Plain(cli.OrDash(v1alpha1.Short(line.Commit))), cli.Plain(cli.OrDash(line.URL)), cli.Plain(explain.Age(line.Pushed, v.now)),
			cli.Plain(cli.Printable(line.Title, 50)))...)
	}
	g.Write(w)
	v.writeFindings(w, p.findings)
}

// nothing says why there is no line.
func nothing(v view) string {
	switch {
	case v.app != "":
		return v.app + " has no preview; headway previews lists what is open."
	case v.namespace == "":
		return "No pull request is open, as far as is known. Apps have previews whose headway.yaml on the production branch has the key preview."
	}
	return "No pull request is open in namespace " + v.namespace + ", as far as is known. Apps have previews whose headway.yaml on the production branch has the key preview."
}
