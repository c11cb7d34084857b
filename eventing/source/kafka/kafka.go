// Package kafka is the source that takes the records of topics of Apache Kafka, as
// a member of a group of consumers. It promises that an offset is committed only
// when the events of the records before it are on disk, in the order of each
// partition, and that a record which is read again becomes the same events. A
// record that is larger than the channel takes is told and passed over, as Kafka
// has no dead letters and no other record would come after it.
//
// It makes no topics. It finds out about a broker that does not answer only if
// none does.
package kafka

import (
	"context"
	"net/netip"

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
	if err := s.begin(ctx, k.Allowed); err != nil {
		return s.explain("looking at the topics", err)
	}
	client, err := s.consumer(k.Allowed)
	if err != nil {
		return &source.Invalid{Reason: err.Error()}
	}
	defer client.CloseAllowingRebalance()
	health := intake.NewHealth(report)
	g := &group{
		client: client, settings: s, origin: message.Origin(c.Name),
		intake: intake.New(sink, report, health), health: health,
	}
	g.run(ctx)
	return nil
}
