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

var channelKind = kind[v1alpha1.Channel]{
	name: "Channel", list: "channels",
	short:  "List the channels, what they keep, and what is wrong with them",
	none:   "A headway.yaml declares one: channels: [{name: orders}].",
	header: []string{"EVENTS", "BYTES", "OF", "KEEP", "URL"},
	read: func(ctx context.Context, c *cli.Cluster) ([]v1alpha1.Channel, error) {
		var l v1alpha1.ChannelList
		err := c.List(ctx, &l, client.InNamespace(c.Namespace))
		return l.Items, err
	},
	row: func(c *v1alpha1.Channel, _ time.Time) (explain.State, []string, []explain.Finding) {
		state, found := explain.ForChannel(c)
		return state, []string{fmt.Sprint(c.Status.Events), explain.Bytes(c.Status.Bytes), c.Spec.Size.String(),
			explain.Span(c.Spec.Keep.Duration), c.Status.URL}, found
	},
}
