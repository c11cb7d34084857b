package status

import (
	"context"
	"errors"
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

// Why is the command why.
func Why(s cli.Streams, a *cli.Access) *cobra.Command {
	var event, data bool
	c := question(s, a, "why APP|REVISION|HOST|EVENT_ID", "Say why something has the traffic that it has, or what became of an event",
		`Give one answer about an app or a preview, a revision or the host of a request (a
URL will do): the commit, the rule that its traffic follows, the numbers and the
evidence, what it waits for and what to do. '#12' asks about a pull request.

What is none of these is taken for the id of an event: when it was accepted and from
whom, what each subscription's filter says of it, and how each delivery went.`,
		func(ctx context.Context, c *cli.Cluster) []string {
			return append(cli.AppAndPreviewNames(ctx, c), cli.RevisionNames(ctx, c, func(*v1alpha1.Revision) bool { return true })...)
		},
		func(ctx context.Context, c *cli.Cluster, about string, now time.Time) (answer, error) {
			var unknown error
			if !event {
				found, err := why(ctx, c, c.Namespace, about, now)
				if err == nil {
					return reason{found}, nil
				}
				if unknown = err; !errors.As(err, new(*explain.UnknownError)) {
					return nil, err
				}
			}
			found, known, err := whyEvent(ctx, c, about, data)
			switch {
			case known:
				return found, nil
			case unknown != nil && err != nil:
				return nil, fmt.Errorf("%w; whether it is an event is not known: %w", unknown, err)
			case unknown != nil:
				return nil, fmt.Errorf("%w; and %w", unknown, unknownEvent(found))
			case err != nil:
				return nil, err
			}
			return nil, unknownEvent(found)
		})
	c.Flags().BoolVar(&event, "event", false, "it is the id of an event, whatever else has this name")
	c.Flags().BoolVar(&data, "data", false, "with the data of the event, which may be secret")
	return c
}

// why reads what a namespace holds, and asks it.
func why(ctx context.Context, c client.Reader, namespace, question string, now time.Time) (*explain.Answer, error) {
	s, err := readState(ctx, c, namespace, "")
	if err != nil {
		return nil, err
	}
	var routes v1alpha1.RouteList
	if err := c.List(ctx, &routes, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("reading routes: %w", err)
	}
	answer, err := explain.Why(question, explain.Objects{Repositories: s.Repositories, Apps: slices.Concat(s.Apps, s.Previews), Revisions: s.Revisions, Routes: routes.Items}, now)
	if err != nil {
		return nil, fmt.Errorf("in namespace %s: %w", namespace, err)
	}
	return answer, nil
}

// reason is the answer to why.
type reason struct{ *explain.Answer }

// write is the sentence, then what it rests on, then the gates.
func (a reason) write(w io.Writer, v view) {
	_, _ = fmt.Fprintln(w, v.paint.Bold(cli.Printable(a.Text, 1000)))
	var g cli.Grid
	for _, row := range a.Rows(v.now) {
		title := row.Title
		for line := range strings.SplitSeq(row.Text, "\n") {
			g.Row(cli.Plain(title), cli.Plain(cli.Printable(line, 1000)))
			title = ""
		}
	}
	if len(g) > 0 {
		_, _ = fmt.Fprintln(w)
		g.Write(w)
	}
	if a.Trial != nil && len(a.Trial.Gates) > 0 {
		_, _ = fmt.Fprintln(w)
		v.gates(a.Trial.Gates).Write(w)
	}
}
