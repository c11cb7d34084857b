// Package events has the commands about events: it sends one, shows those that
// channels have, and channels, subscriptions and sources as their statuses have
// them. What these mean, api/explain says.
package events

import (
	"context"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Command is events.
func Command(s cli.Streams, a *cli.Access) *cobra.Command {
	return cli.Group("events", "Send and see events, and how channels, subscriptions and sources are doing",
		newSend(s, a), newTail(s, a), newList(s, a), channelKind.command(s, a), subscriptionKind.command(s, a), sourceKind.command(s, a))
}

// channelNames are those of the namespace, each with how it is.
func channelNames(ctx context.Context, c *cli.Cluster) []string {
	var l v1alpha1.ChannelList
	if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
		return nil
	}
	var names []string
	for i := range l.Items {
		state, _ := explain.ForChannel(&l.Items[i])
		names = append(names, l.Items[i].Name+"\t"+state.Word)
	}
	return names
}
