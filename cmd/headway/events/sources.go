package events

import (
	"context"
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var sourceKind = kind[v1alpha1.Source]{
	name: "Source", list: "sources",
	short:  "List the sources of events, what they took, and why some do not",
	none:   "docs/events.md, Sources, says how to declare one.",
	header: []string{"FROM", "CHANNEL", "EVENTS", "LAST", "URL"},
	read: func(ctx context.Context, c *cli.Cluster) ([]v1alpha1.Source, error) {
		var l v1alpha1.SourceList
		err := c.List(ctx, &l, client.InNamespace(c.Namespace))
		return l.Items, err
	},
	row: func(s *v1alpha1.Source, now time.Time) (explain.State, []string, []explain.Finding) {
		state, found := explain.ForSource(s)
		last := ""
		if at := s.Status.LastEvent; at != nil {
			last = explain.Age(at.Time, now) + " ago"
		}
		return state, []string{cli.Printable(explain.Origin(&s.Spec), 50), s.Spec.Channel,
			fmt.Sprint(s.Status.Events), last, cli.Printable(s.Status.URL, 200)}, found
	},
}
