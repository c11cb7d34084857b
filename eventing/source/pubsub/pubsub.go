// Package pubsub is the source that takes the messages of a subscription of
// Google Cloud Pub/Sub. It promises that a message is acknowledged only when its
// events are on disk, and that its deadline is extended while the channel refuses
// them. What comes again becomes the same events. A message that is larger than
// the channel takes is left to the subscription, which may have a dead letter
// topic for it.
//
// It speaks gRPC by the generated code of Google's library, and is no part of
// that library's client: it would try again without telling, and hold what the
// channel refuses in memory. It makes no subscriptions.
package pubsub

import (
	"context"
	"net/netip"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/eventing/source"
	"github.com/headway-dev/headway/eventing/source/intake"
	"github.com/headway-dev/headway/eventing/source/message"
)

// Run is the source.Run of the kind.
func Run(ctx context.Context, c source.Config, sink source.Sink, report source.Report) error {
	return Kind{Allowed: outward.Allowed}.Run(ctx, c, sink, report)
}

// Kind runs sources of this kind.
type Kind struct {
	// Allowed reports whether an address may be connected to.
	Allowed func(netip.Addr) bool
}

// Run is Run.
func (k Kind) Run(ctx context.Context, c source.Config, sink source.Sink, report source.Report) error {
	s, err := settingsOf(c)
	if err != nil {
		return err
	}
	conn, err := s.connect(k.Allowed)
	if err != nil {
		return err
	}
	defer conn.Close()
	health := intake.NewHealth(report)
	r := intake.Reader[*pubsubpb.ReceivedMessage]{
		Queue: &subscription{
			api: pubsubpb.NewSubscriberClient(conn), name: s.subscription, secret: s.secret,
			origin: message.Origin(c.Name), most: maxMessages,
		},
		Intake: intake.New(sink, report, health), Health: health, Hidden: hidden,
	}
	r.Run(ctx)
	return nil
}
