package channel

import (
	"context"
	"fmt"

	"github.com/headway-dev/headway/eventing/event"
)

// maxAppend is how many events one Append takes at most: more do not fit into
// one batch of JetStream, and a part of them alone is not to be kept.
const maxAppend = 1000

// request is one Append that waits to be written. Its events are the caller's
// until done is closed.
type request struct {
	events []event.Event
	bytes  int
	done   chan struct{}
	err    error // valid once done is closed
}

// Append returns nil when all events are on disk, in this order. Otherwise none
// of them is, but for *Unavailable, where that cannot be known. Errors: *Full,
// *Unavailable, *TooLarge, ErrRemoved, ErrClosed, and the context's if it ended
// before writing began. The events must not change while Append runs.
func (c *Channel) Append(ctx context.Context, events []event.Event) error {
	if len(events) == 0 {
		return nil
	}
	r := &request{events: events, done: make(chan struct{})}
	if err := c.measure(r); err != nil {
		return err
	}
	if err := c.store.accepts(); err != nil {
		return err
	}
	if err := c.enqueue(r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	if c.withdraw(r) {
		return ctx.Err()
	}
	<-r.done // it is being written, and that ends within answerTimeout
	return r.err
}

// measure finds how large the events of r are and refuses what is too large.
func (c *Channel) measure(r *request) error {
	if len(r.events) > maxAppend {
		return &TooLarge{Reason: fmt.Sprintf("%d events at once; at most %d are kept together", len(r.events), maxAppend)}
	}
	limit := c.settings.Load().MaxEvent
	for i := range r.events {
		n := size(&r.events[i])
		if int64(n) > limit {
			return &TooLarge{Reason: fmt.Sprintf("the event is %d bytes, data and attributes together; the channel takes %d", n, limit)}
		}
		r.bytes += n
	}
	return nil
}

// size is what counts against Settings.MaxEvent.
func size(e *event.Event) int {
	n := len(e.Data) + len(e.ID) + len(e.Source) + len(e.Type) + len(e.Subject) + len(e.DataSchema) + len(e.DataContentType) + len(e.Time)
	for _, x := range e.Extensions {
		n += len(x.Name) + len(x.Value)
	}
	return n
}

// enqueue has r written with whatever else waits.
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
