package channel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// How what waits is written; pace says whether as a batch. Measured on two cores
// with 1 KiB: one of more than 256 events gains nothing.
const (
	batchTo    = 256
	batchBytes = 4 << 20 // of events in one batch, but for one request that has more

	// maxYields is how often the writing goroutine lets others run between two
	// groups: microseconds where nobody wants to.
	maxYields = 4

	// recordRoom is what a record with a few extensions has beside what counts as the
	// size of its event.
	recordRoom = 64

	// maxPending is more than the events that one goroutine per channel can
	// have published one by one.
	maxPending = 1 << 20
	// bytesInFlight is how many bytes of events all channels together write at
	// a time: each is in memory a few times while it is written.
	bytesInFlight = 16 << 20
)

// commitAll writes what waits, group by group, until nothing does.
func (c *Channel) commitAll() {
	var buf []byte // for the records of a group
	for {
		group := c.take()
		if group == nil {
			return
		}
		buf = c.commit(group, buf[:0])
		// Callers that were just answered often come again at once: let them
		// join the next group rather than begin one with the first of them.
		for yields := 0; yields < maxYields && c.waiting() < len(group)-1; yields++ {
			runtime.Gosched()
		}
	}
}

// waiting is how many requests wait.
func (c *Channel) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

// take returns the requests that are written next. Nothing waits: nil, and the
// next request starts commitAll again.
func (c *Channel) take() []*request {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, events, bytes := 0, 0, 0
	for _, r := range c.queue {
		events, bytes = events+len(r.events), bytes+r.bytes
		if n > 0 && (events > batchTo || bytes > batchBytes) {
			break
		}
		n++
	}
	if n == 0 {
		c.running, c.queue = false, nil
		return nil
	}
	group := c.queue[:n:n]
	c.queue = c.queue[n:]
	return group
}

// commit writes a group and tells each request how that went. It returns buf,
// which it may have used, for the next one.
func (c *Channel) commit(group []*request, buf []byte) []byte {
	events, bytes, alone := 0, 0, true
	for _, r := range group {
		events, bytes, alone = events+len(r.events), bytes+r.bytes, alone && len(r.events) == 1
	}
	weight := int64(min(bytes, bytesInFlight))
	// The context is never done: every holder gives back within answerTimeout.
	_ = c.store.inFlight.Acquire(context.Background(), weight)
	defer c.store.inFlight.Release(weight)

	msgs := make([]*nats.Msg, 0, events)
	followed := c.followed()
	for _, r := range group {
		for i := range r.events {
			var data []byte
			if followed { // each in memory of its own, as a follower may keep one and not the others
				data = r.events[i].Append(make([]byte, 0, size(&r.events[i])+recordRoom))
				r.records = append(r.records, data)
			} else {
				start := len(buf)
				buf = r.events[i].Append(buf)
				data = buf[start:len(buf):len(buf)]
			}
			r.written += int64(len(data))
			msgs = append(msgs, &nats.Msg{Subject: c.subject, Header: nats.Header{}, Data: data})
		}
	}
	batch, began := !alone || c.blocks == nil && c.pace.together(events), time.Now()
	if err := c.look(); err != nil {
		c.finish(group, 0, err)
		return buf
	}
	if batch {
		c.expect(msgs[:1])
		c.publishBatch(group, msgs)
	} else {
		c.expect(msgs)
		c.publish(group, msgs)
	}
	if c.blocks == nil {
		c.pace.wrote(events, batch, time.Since(began))
	}
	return buf
}

// publish writes each request, which has one event, on its own.
func (c *Channel) publish(group []*request, msgs []*nats.Msg) {
	acks := make([]jetstream.PubAckFuture, len(msgs))
	timeout := time.NewTimer(c.store.patience)
	defer timeout.Stop()
	var err error
	for i, msg := range msgs {
		if acks[i], err = c.store.js.PublishMsgAsync(msg); err != nil {
			break
		}
	}
	type failure struct {
		err      error
		requests []*request
	}
	var failed []failure
	var kept []*request
	var last uint64
	for i, r := range group {
		var seq uint64
		err := err
		if acks[i] != nil {
			select {
			case ack := <-acks[i].Ok():
				seq, err = ack.Sequence, nil
			case err = <-acks[i].Err():
			case <-timeout.C:
				timeout.Reset(0) // for those after it
				err = nats.ErrTimeout
			}
		}
		switch shared := c.store.server.mode.shared(); {
		case shared && len(failed) > 0: // what is in the log beyond the first is looked up
			failed[0].requests = append(failed[0].requests, r)
		case err != nil:
			failed = append(failed, failure{err, []*request{r}})
		default:
			kept, last = append(kept, r), seq
		}
	}
	if len(kept) > 0 { // nobody else writes, so their numbers are in a row
		c.finish(kept, last, c.sync(kept))
	}
	for _, f := range failed {
		c.finish(f.requests, 0, f.err)
	}
}

// look is called before anything is written, sync when it is: it has the requests on
// disk.
func (c *Channel) look() error {
	if c.blocks == nil {
		return nil
	}
	return c.blocks.open()
}

func (c *Channel) sync(group []*request) error {
	if c.blocks == nil {
		return nil
	}
	written := int64(0)
	for _, r := range group {
		written += r.written
	}
	return c.blocks.sync(written)
}

// publishBatch writes the group together: all of it or nothing is in the log,
// whatever happens in between.
func (c *Channel) publishBatch(group []*request, msgs []*nats.Msg) {
	ctx, cancel := context.WithTimeout(context.Background(), c.store.patience)
	defer cancel()
	ack, err := jetstreamext.PublishMsgBatch(ctx, c.store.js, msgs, jetstreamext.BatchFlowControl{AckTimeout: c.store.patience})
	if err != nil {
		c.finish(group, 0, err)
		return
	}
	c.finish(group, ack.Sequence, c.sync(group))
}

// finish tells requests that were written together, or failed alike, how that
// went; last is the sequence number of the last event.
func (c *Channel) finish(group []*request, last uint64, err error) {
	if err == nil {
		err = c.inOrder(group, last)
	}
	if err != nil {
		err = c.refusal(err)
	} else {
		c.mu.Lock()
		next := last + 1
		for _, r := range slices.Backward(group) {
			next -= uint64(len(r.events))
			r.first = next
			c.events += uint64(len(r.events))
			c.bytes += uint64(r.bytes)
		}
		c.given = last
		now := c.store.opts.Now()
		c.advance(last, now, recordsOf(group, now))
		c.mu.Unlock()
		if err := c.note(); err != nil {
			c.store.fail(err) // the events are kept all the same
		}
		c.store.ids.kept(c.mark, group, last, c.store.opts.Now())
	}
	for _, r := range group {
		c.settle(r, err)
	}
}

// recordsOf are the records of a group that was kept at a time; nil if they were not
// made for followers.
func recordsOf(group []*request, at time.Time) []Record {
	var records []Record
	for _, r := range group {
		for i, data := range r.records {
			records = append(records, Record{Seq: r.first + uint64(i), At: at, Data: data})
		}
		r.records = nil
	}
	return records
}

// inOrder returns an error if the server has given the events of group, of which
// last is the last, numbers that others had before: it has lost its newest
// events, and who has read those would never see the new ones. It takes them
// out of the log, so that they can be sent again after the restart.
func (c *Channel) inOrder(group []*request, last uint64) error {
	first := last + 1
	for _, r := range group {
		first -= uint64(len(r.events))
	}
	c.mu.Lock()
	known := c.given // not known.Last: whoever looks may have seen these events already
	c.mu.Unlock()
	if first > known {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.store.patience)
	defer cancel()
	err := fmt.Errorf("number %d was given out again, after %d", first, known)
	stream, e := c.store.js.Stream(ctx, c.stream)
	for seq := first; e == nil && seq <= last; seq++ {
		e = stream.DeleteMsg(ctx, seq)
	}
	return errors.Join(err, e)
}

// settle tells a request how it went.
func (c *Channel) settle(r *request, err error) {
	c.store.seen.settle(r, err == nil, c.store.opts.Now())
	r.err = err
	close(r.done)
}

// refusal is what Append says of an error of the server. Whatever it is, but
// for a limit, a server that is alone does not get over it by itself.
func (c *Channel) refusal(err error) error {
	c.mu.Lock()
	ended, oldest := c.err, c.known.FirstAt
	c.mu.Unlock()
	if ended != nil {
		return ended
	}
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.ErrorCode(server.JSStreamStoreFailedF) && api.Description == server.ErrMaxBytes.Error() {
		free := oldest.Add(c.settings.Load().Keep).Sub(c.store.opts.Now())
		return &Full{RetryAfter: min(max(free, time.Second), 5*time.Minute)}
	}
	if c.store.server.mode.shared() {
		return c.lookUp(err)
	}
	c.store.fail(fmt.Errorf("writing to channel %s: %w", c.name, err))
	return c.store.accepts(0)
}
