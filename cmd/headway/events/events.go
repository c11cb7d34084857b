// Package events has the commands about events: it sends one, and shows channels
// and subscriptions as their statuses have them.
package events

import (
	"context"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Command is events.
func Command(s cli.Streams, a *cli.Access) *cobra.Command {
	return cli.Group("events", "Send events, and see how channels and subscriptions are doing",
		newSend(s, a), newChannels(s, a), newSubscriptions(s, a))
}

// channelNames are those of the namespace, for completion.
func channelNames(ctx context.Context, c *cli.Cluster) []string {
	var l v1alpha1.ChannelList
	if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
		return nil
	}
	var names []string
	for _, channel := range l.Items {
		names = append(names, channel.Name)
	}
	return names
}

// oneLine is a message for a line of its own.
func oneLine(message string) string {
	return cli.Printable(strings.Join(strings.Fields(message), " "), 300)
}
