// Package intake takes what a queue hands out into the channel of a source, for
// all kinds that read queues. It promises that Put ends well only when each
// message is on disk, or can never be: whoever acknowledges messages at the queue
// after that loses none. It tells the source's Report what goes wrong, and when
// it goes well again.
package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
)

// maxAppend is how many events one Append gets; a channel takes 1,000.
const maxAppend = 500

// Message is one message and the events that it becomes.
type Message struct {
	// Name by which it is known at the queue.
	Name   string
	Events []event.Event
}

// Intake is where one run of a source puts messages. Its methods may be called at
// any time.
type Intake struct {
	sink   source.Sink
	report source.Report
	health *Health
}

// New makes the Intake of a run.
func New(sink source.Sink, report source.Report, health *Health) *Intake {
	return &Intake{sink: sink, report: report, health: health}
}

// Put returns when all messages are on disk, in their order, but for those with an
// event that is too large for the channel, of which it returns the places. It
// tries again for as long as the channel refuses; its only error is ctx's, after
// which some of the messages may be on disk.
func (i *Intake) Put(ctx context.Context, messages []Message) (tooLarge []int, err error) {
	var all []event.Event
	for _, m := range messages {
		all = append(all, m.Events...)
	}
	err = i.keep(ctx, all)
	if errors.As(err, new(*channel.TooLarge)) {
		// One of them is. What of the others is kept already counts as kept again.
		tooLarge, err = i.oneByOne(ctx, messages)
	}
	return tooLarge, err
}

func (i *Intake) oneByOne(ctx context.Context, messages []Message) (tooLarge []int, err error) {
	for n, m := range messages {
		err := i.keep(ctx, m.Events)
		if large, ok := errors.AsType[*channel.TooLarge](err); ok {
			i.health.tooLarge(fmt.Errorf("message %s: %w", m.Name, large))
			tooLarge = append(tooLarge, n)
		} else if err != nil {
			return nil, err
		}
	}
	return tooLarge, nil
}

// keep returns nil, a *channel.TooLarge, or ctx's error.
func (i *Intake) keep(ctx context.Context, events []event.Event) error {
	for some := range slices.Chunk(events, maxAppend) {
		var pauses Pauses
		for {
			err := i.sink.Append(ctx, some)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.As(err, new(*channel.TooLarge)) {
				return err
			}
			i.health.Set(Keeping, err)
			if err := Wait(ctx, max(pauses.Next(), retryAfter(err))); err != nil {
				return err
			}
		}
		i.health.Set(Keeping, nil)
		i.report.Accepted(len(some))
	}
	return nil
}

// retryAfter is when a channel that refuses asks to be tried again.
func retryAfter(err error) time.Duration {
	if full, ok := errors.AsType[*channel.Full](err); ok {
		return min(full.RetryAfter, maxPause)
	}
	if away, ok := errors.AsType[*channel.Unavailable](err); ok {
		return min(away.RetryAfter, maxPause)
	}
	return 0
}
