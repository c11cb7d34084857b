package channel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// Record is an event in the log.
type Record struct {
	Seq uint64
	// At is when it was accepted.
	At time.Time
	// Data is what event.Decode reads.
	Data []byte
}

// maxBatch is how many events are got from the log at a time.
const maxBatch = 1024

// Read returns events from sequence number from on, in order, at most maxEvents
// of them and maxBatch. It stops after the one with which there are maxBytes bytes,
// so that one large event always passes. What is gone is skipped; at the end of the
// log, which is State.Last, there is nothing and no error.
func (c *Channel) Read(ctx context.Context, from uint64, maxEvents, maxBytes int) ([]Record, error) {
	c.mu.Lock()
	last, err := c.known.Last, c.err
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	from = max(from, 1)
	for from <= last {
		records, next, err := c.batch(ctx, from, int(min(uint64(maxEvents), maxBatch, last-from+1)), maxBytes)
		if err != nil {
			return nil, fmt.Errorf("reading channel %s from %d: %w", c.name, from, err)
		}
		if next == 0 {
			c.missing(from, last)
			return nil, nil
		}
		for len(records) > 0 && records[len(records)-1].Seq > last {
			records = records[:len(records)-1] // they may not be on disk yet
		}
		if len(records) > 0 {
			return records, nil
		}
		from = next // only fillers so far
	}
	return nil, nil
}

// batch gets some of the log and the sequence number after it, 0 if there was
// nothing. Fillers are left out. Where there are several servers, what the one
// at hand lacks is got from the leader of the stream.
func (c *Channel) batch(ctx context.Context, from uint64, maxEvents, maxBytes int) ([]Record, uint64, error) {
	records, next, err := c.get(ctx, from, maxEvents, maxBytes)
	if err != nil || next > from || !c.store.server.mode.shared() {
		return records, next, err
	}
	first, records, err := c.first(ctx, from)
	if err != nil || first == 0 {
		return nil, 0, err
	}
	if first > from {
		c.missing(from, first-1)
	}
	return records, first + 1, nil
}

// get is batch from the server at hand. Where there are several, it stops before
// the first record that is missing there: next is from if that is the first one.
func (c *Channel) get(ctx context.Context, from uint64, maxEvents, maxBytes int) (records []Record, next uint64, err error) {
	msgs, err := jetstreamext.GetBatch(ctx, c.store.js, c.stream, maxEvents, jetstreamext.GetBatchSeq(from), jetstreamext.GetBatchMaxBytes(max(maxBytes, 1)))
	if err != nil {
		return nil, 0, err
	}
	next = from
	for msg, err := range msgs {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil, 0, nil
		}
		if err != nil {
			return nil, 0, err
		}
		if msg.Sequence > next {
			if c.store.server.mode.shared() {
				break
			}
			c.missing(next, msg.Sequence-1)
		}
		next = msg.Sequence + 1
		if len(msg.Data) > 0 {
			records = append(records, Record{Seq: msg.Sequence, At: msg.Time, Data: msg.Data})
		}
	}
	return records, next, nil
}

// SeqAt returns the sequence number of the first event that was accepted at t
// or later; one more than State.Last if there is none.
func (c *Channel) SeqAt(ctx context.Context, t time.Time) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	c.mu.Lock()
	last := c.known.Last
	c.mu.Unlock()
	if err := c.current(ctx, last); err != nil {
		return 0, fmt.Errorf("waiting for event %d of channel %s: %w", last, c.name, err)
	}
	msgs, err := jetstreamext.GetBatch(ctx, c.store.js, c.stream, 1, jetstreamext.GetBatchStartTime(t))
	if err != nil {
		return 0, fmt.Errorf("looking for the first event of channel %s at %s: %w", c.name, t.Format(time.RFC3339), err)
	}
	for msg, err := range msgs {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages), errors.Is(err, jetstream.ErrMsgNotFound):
		case err != nil:
			return 0, fmt.Errorf("looking for the first event of channel %s at %s: %w", c.name, t.Format(time.RFC3339), err)
		default:
			return msg.Sequence, nil
		}
	}
	return last + 1, nil
}
