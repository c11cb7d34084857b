// Package sqs is the source that takes the messages of a queue of Amazon SQS. It
// promises that a message is deleted only when its events are on disk, and stays
// hidden from other readers while the channel refuses them. What is received
// again becomes the same events. A message that is larger than the channel takes
// is left to the queue, which may have a dead letter queue for it.
//
// It makes no queues, and does not ask a machine or a pod for credentials.
package sqs

import (
	"context"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

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
	health := intake.NewHealth(report)
	r := intake.Reader[types.Message]{
		Queue:  &queue{api: s.client(k.Allowed), url: s.queue, secret: s.secret, origin: message.Origin(c.Name)},
		Intake: intake.New(sink, report, health), Health: health, Hidden: hidden,
	}
	r.Run(ctx)
	return nil
}
