package channel

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// compare finds what is missing in a log that holds st, of which k was last
// known. deleted are the sequence numbers that are missing in between: events
// grow old from the front, so these are lost. It returns what is known from now
// on.
//
//	lost           how it shows
//	in between     the numbers are missing in the log
//	the newest     the last number went back
//	the oldest     the first number went up, before the events were old enough
//
// The oldest ones are missed where the very first was old enough to go anyway.
func compare(k known, st jetstream.StreamState, deleted []uint64, keep time.Duration, now time.Time) known {
	out := k
	out.First, out.Last = max(st.FirstSeq, 1), max(st.LastSeq, k.Last)
	if st.Msgs > 0 {
		out.FirstAt = st.FirstTime
	}
	out.LastAt = later(k.LastAt, st.LastTime)
	out.forget(keep, now)
	if len(deleted) > 0 {
		out.Gap.spread(deleted[0], deleted[len(deleted)-1])
	}
	if kept := k.LastAt.Add(keep).After(now); st.LastSeq < k.Last && kept {
		from := max(st.LastSeq+1, k.First)
		out.Gap.spread(from, k.Last)
		out.Hidden += k.Last - from + 1
	}
	if kept := k.FirstAt.Add(keep).After(now); k.First != 0 && st.LastSeq >= k.First && out.First > k.First && kept {
		out.Gap.spread(k.First, out.First-1)
		out.Hidden += out.First - k.First
	}
	if lost := out.Hidden + uint64(len(deleted)); lost > k.Gap.Lost || out.Gap.From == 0 {
		out.Gap.Lost, out.Gap.Found = lost, now
	}
	if out.Gap.From == 0 {
		out.Gap = Gap{}
	}
	return out
}

// forget drops a gap that was found when everything that is kept now was not
// there yet.
func (k *known) forget(keep time.Duration, now time.Time) {
	if !k.Gap.Found.Add(keep).After(now) {
		k.Gap, k.Hidden = Gap{}, 0
	}
}

// spread makes g contain the numbers from from to to.
func (g *Gap) spread(from, to uint64) {
	if g.From == 0 || from < g.From {
		g.From = from
	}
	g.To = max(g.To, to)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// audit compares the log with what was last known of it, and has the log go on
// after the last number that was ever given out. It reports whether something was
// found missing that was not known to be.
func (c *Channel) audit(ctx context.Context, info *jetstream.StreamInfo) (lost bool, err error) {
	stream, err := c.store.js.Stream(ctx, c.stream)
	if err != nil {
		return false, fmt.Errorf("looking at channel %s: %w", c.name, err)
	}
	var deleted []uint64
	if info.State.NumDeleted > 0 {
		if info, err = stream.Info(ctx, jetstream.WithDeletedDetails(true)); err != nil {
			return false, fmt.Errorf("looking for gaps in channel %s: %w", c.name, err)
		}
		deleted = info.State.Deleted
	}
	before, err := c.store.ledger.get(ctx, c.stream)
	if err != nil {
		return false, fmt.Errorf("reading what is known of channel %s: %w", c.name, err)
	}
	now := compare(before, info.State, deleted, c.settings.Load().Keep, c.store.opts.Now())
	if lost = now.Gap != before.Gap && now.Gap.From != 0; lost {
		c.store.opts.Log.Error("events of a channel are lost", "channel", c.name.String(), "from", now.Gap.From, "to", now.Gap.To, "lost", now.Gap.Lost)
	}
	c.mu.Lock()
	c.known = now
	c.mu.Unlock()
	if info.State.LastSeq < before.Last {
		if err := c.fill(ctx, stream, info.State, before.Last); err != nil {
			return false, fmt.Errorf("continuing channel %s after %d: %w", c.name, before.Last, err)
		}
		if info, err = stream.Info(ctx); err != nil {
			return false, fmt.Errorf("looking at channel %s: %w", c.name, err)
		}
	}
	c.learn(info.State)
	c.mu.Lock()
	c.given = c.known.Last
	c.mu.Unlock()
	return lost, c.note()
}

// fill has the next event get the number after last: places of subscriptions
// count in numbers, and a number that is given out twice is an event that is
// never delivered. The server has no call for that where there are events, so
// the numbers between are taken by records without data, which Read leaves out.
func (c *Channel) fill(ctx context.Context, stream jetstream.Stream, st jetstream.StreamState, last uint64) error {
	if st.Msgs == 0 {
		return stream.Purge(ctx, jetstream.WithPurgeSequence(last+1))
	}
	for n := last - st.LastSeq; n > 0; {
		msgs := make([]*nats.Msg, min(n, maxAppend))
		for i := range msgs {
			msgs[i] = &nats.Msg{Subject: c.subject, Header: nats.Header{}}
		}
		if _, err := jetstreamext.PublishMsgBatch(ctx, c.store.js, msgs); err != nil {
			return err
		}
		n -= uint64(len(msgs))
	}
	return nil
}

// missing is told what Read did not find: events that grew too old, or that the
// disk has changed since the server started.
func (c *Channel) missing(from, to uint64) {
	c.mu.Lock()
	gap, first := c.known.Gap, c.known.First
	c.mu.Unlock()
	if to < first || gap.From != 0 && gap.From <= from && to <= gap.To {
		return
	}
	if !c.refresh() {
		return
	}
	c.mu.Lock()
	if from = max(from, c.known.First); from > to {
		c.mu.Unlock()
		return
	}
	c.known.Gap.spread(from, to)
	c.known.Gap.Lost += to - from + 1
	c.known.Gap.Found = c.store.opts.Now()
	c.mu.Unlock()
	c.store.opts.Log.Error("events of a channel cannot be read", "channel", c.name.String(), "from", from, "to", to)
	if err := c.note(); err != nil {
		c.store.fail(err)
	}
}

// note writes down what is known now.
func (c *Channel) note() error {
	c.noting.Lock()
	defer c.noting.Unlock()
	c.mu.Lock()
	k := c.known
	c.mu.Unlock()
	if err := c.store.ledger.note(c.stream, k); err != nil {
		return fmt.Errorf("noting the last event of channel %s: %w", c.name, err)
	}
	return nil
}
