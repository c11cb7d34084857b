package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headway-dev/headway/eventing/source/intake"
)

const (
	// maxRecords is how many are kept together.
	maxRecords = 500
	// idle is how long no record comes until a broker is asked whether it is there.
	idle = 5 * time.Second
)

// group is one run of a member of the group.
type group struct {
	client   *kgo.Client
	settings settings
	origin   string
	intake   *intake.Intake
	health   *intake.Health
}

// run takes records until ctx ends.
func (g *group) run(ctx context.Context) {
	var pauses intake.Pauses
	g.health.Set(intake.Reading, nil) // begin has just spoken with a broker
	for ctx.Err() == nil {
		records, err := g.poll(ctx)
		if ctx.Err() != nil {
			return
		}
		g.health.Set(intake.Reading, g.settings.explain("reading records", err))
		if len(records) > 0 && !g.take(ctx, records) {
			return
		}
		g.client.AllowRebalance()
		if err == nil {
			pauses.Reset()
		} else if intake.Wait(ctx, pauses.Next()) != nil {
			return
		}
	}
}

// poll waits for records, and asks a broker if there are none.
func (g *group) poll(ctx context.Context) ([]*kgo.Record, error) {
	within, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	fetches := g.client.PollRecords(within, maxRecords)
	var first error
	fetches.EachError(func(topic string, _ int32, err error) {
		if first == nil && within.Err() == nil {
			first = err
			if topic != "" {
				first = fmt.Errorf("topic %s: %w", topic, err)
			}
		}
	})
	records := fetches.Records()
	if first == nil && len(records) == 0 {
		asking, cancel := context.WithTimeout(ctx, intake.Patience)
		defer cancel()
		first = g.client.Ping(asking)
	}
	return records, first
}

// take has records kept and commits their offsets; false: ctx ended before.
func (g *group) take(ctx context.Context, records []*kgo.Record) bool {
	put := make([]intake.Message, len(records))
	for i, r := range records {
		put[i] = intake.Message{Name: idOf(r), Events: eventsOf(r, g.origin)}
	}
	if _, err := g.intake.Put(ctx, put); err != nil {
		return false
	}
	var pauses intake.Pauses
	for {
		err := g.commit(ctx, records)
		g.health.Set(intake.Acknowledging, g.settings.explain("committing offsets of records that are kept", err))
		if err == nil {
			return true
		}
		if intake.Wait(ctx, pauses.Next()) != nil {
			return false
		}
	}
}

// commit also ends well if the group has given the partitions to somebody else:
// the records come again there, or here, and are known again.
func (g *group) commit(ctx context.Context, records []*kgo.Record) error {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), intake.Patience)
	defer cancel()
	err := g.client.CommitRecords(within, records...)
	for _, lost := range []error{kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.FencedInstanceID, kerr.StaleMemberEpoch} {
		if errors.Is(err, lost) {
			return nil
		}
	}
	return err
}

// refusals are what brokers say of credentials.
var refusals = []error{
	kerr.SaslAuthenticationFailed, kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed,
	kerr.ClusterAuthorizationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState,
}

// explain says what went wrong, and what to look at.
func (s *settings) explain(action string, err error) error {
	if err == nil {
		return nil
	}
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return fmt.Errorf("%s: the brokers refuse %s: %w", action, s.login(), err)
		}
	}
	if errors.Is(err, io.EOF) { // of some brokers it is all that they say
		return fmt.Errorf("%s: a broker ends the connection, as it does for wrong credentials or tls (it was given %s): %w", action, s.login(), err)
	}
	return fmt.Errorf("%s: %w", action, err)
}

// login says where the credentials are.
func (s *settings) login() string {
	if s.secret == "" {
		return "a connection without credentials"
	}
	return "the credentials in the Secret " + s.secret
}
