package channel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headway-dev/headway/eventing/event"
)

// maxAppend is how many events one Append takes at most: more do not fit into
// one batch of JetStream, and a part of them alone is not to be kept.
const maxAppend = 1000

// request is events that wait to be written together. They are the caller's
// until done is closed.
type request struct {
	events []event.Event
	keys   []key // by which they are known from when they are kept
	bytes  int
	done   chan struct{}

	records [][]byte // of the events while they are written; nil: nobody follows
	written int64    // bytes of the records
	first   uint64   // sequence number of the first event; valid once done is closed, as is err
	err     error
}

// overhead is what a record and the headers of its message may have beside what
// counts as the size of an event.
const overhead = 64 << 10

// Append returns nil when all events are on disk, in this order, but for those
// that were already: an event with the source and id of one that was kept
// within Settings.Dedupe counts as kept. Otherwise none of the new ones is,
// unless the error is *Unavailable, where that cannot be known. Errors: *Full,
// *Unavailable, *TooLarge, ErrRemoved, ErrClosed, and the context's if it ended
// before writing began. The events must not change while Append runs.
func (c *Channel) Append(ctx context.Context, events []event.Event) error {
	bytes, err := c.measure(events)
	if err != nil {
		return err
	}
	if err := c.store.accepts(bytes); err != nil {
		return err
	}
	for began := time.Now(); len(events) > 0; {
		r := &request{events: events, bytes: bytes, done: make(chan struct{})}
		var wait []*request
		if dedupe := c.settings.Load().Dedupe; dedupe > 0 {
			given := len(events)
			events, wait = c.store.seen.claim(r, c.mark, dedupe, c.store.opts.Now())
			c.duplicates(given - len(r.events) - len(events))
		} else {
			events = nil
		}
		if len(r.events) > 0 {
			err := c.write(ctx, r)
			switch {
			case err == nil:
				c.store.opts.Kept(ctx, c.name, r.first, r.events)
			case errors.Is(err, errAgain) && time.Since(began) < c.store.patience:
				events = append(events, r.events...)
			case errors.Is(err, errAgain):
				return &Unavailable{RetryAfter: retryShared, Reason: err.Error()}
			default:
				return err
			}
		}
		// Another caller is writing an event that is also in this Append: it is
		// kept when that one is, and tried here when that fails.
		for _, other := range wait {
			select {
			case <-other.done:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// write has r written with whatever else waits, and returns when it is.
func (c *Channel) write(ctx context.Context, r *request) error {
	if err := c.enqueue(r); err != nil {
		c.settle(r, err)
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	if c.withdraw(r) {
		c.settle(r, ctx.Err())
		return ctx.Err()
	}
	<-r.done // it is being written, and that ends within answerTimeout
	return r.err
}

// measure returns the size of events and refuses what is too large.
func (c *Channel) measure(events []event.Event) (bytes int, err error) {
	if len(events) > maxAppend {
		return 0, &TooLarge{Reason: fmt.Sprintf("%d events at once; at most %d are kept together", len(events), maxAppend)}
	}
	// A server that somebody else runs may take less than a channel.
	limit := min(c.settings.Load().MaxEvent, max(c.store.server.conn.MaxPayload()-overhead, 0))
	for i := range events {
		n := size(&events[i])
		if int64(n) > limit {
			return 0, &TooLarge{Reason: fmt.Sprintf("the event is %d bytes, data and attributes together; the channel takes %d", n, limit)}
		}
		bytes += n
	}
	return bytes, nil
}

// size is what counts against Settings.MaxEvent.
func size(e *event.Event) int {
	n := len(e.Data) + len(e.ID) + len(e.Source) + len(e.Type) + len(e.Subject) + len(e.DataSchema) + len(e.DataContentType) + len(e.Time)
	for _, x := range e.Extensions {
		n += len(x.Name) + len(x.Value)
	}
	return n
}

// enqueue hands r to the goroutine that writes.
func (c *Channel) enqueue(r *request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.queue = append(c.queue, r)
	if !c.running {
		c.running = true
		c.committing.Go(c.commitAll)
	}
	return nil
}

// withdraw takes r out of the queue, unless it is being written.
func (c *Channel) withdraw(r *request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, waiting := range c.queue {
		if waiting == r {
			c.queue = append(c.queue[:i], c.queue[i+1:]...)
			return true
		}
	}
	return false
}
