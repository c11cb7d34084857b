package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/headway-dev/headway/eventing/event"
)

// Where several servers keep a channel, an answer can get lost while the event
// is kept, and a process that was thought dead may still write. So each write
// says after which number it belongs: one that does not know the newest events
// is refused, and what is in the log is looked up before anything is written
// again. An event is in the log once whatever happens in between.

const (
	// retryShared is when to try again where servers are away: an election among
	// them takes up to nine seconds.
	retryShared = 2 * time.Second
	// lookPause is how long after a failed look the next one is.
	lookPause = 100 * time.Millisecond
)

// errAgain is how a request ends of which is known by now whether its events are
// in the log: those that are not are to be written again.
var errAgain = errors.New("the servers of the event store do not agree at the moment")

// expect says after which number the messages of one group belong. That of a
// batch is said by its first message.
func (c *Channel) expect(msgs []*nats.Msg) {
	if !c.store.server.mode.shared() {
		return
	}
	c.mu.Lock()
	given := c.given
	c.mu.Unlock()
	for i, msg := range msgs {
		msg.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(given+uint64(i), 10))
	}
}

// lookUp finds out what became of a write that failed. It returns errAgain when
// that is known, and *Unavailable if it could not be within the store's patience.
func (c *Channel) lookUp(cause error) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.store.patience)
	defer cancel()
	for {
		err := c.catchUp(ctx)
		if err == nil {
			return fmt.Errorf("%w: %w", errAgain, cause)
		}
		select {
		case <-ctx.Done():
			c.store.opts.Log.Warn("the servers of the event store do not answer", "channel", c.name.String(), "err", cause)
			return &Unavailable{RetryAfter: retryShared, Reason: err.Error()}
		case <-time.After(lookPause):
		}
		if c.ended() || c.store.Healthy() != nil {
			return &Unavailable{RetryAfter: retryShared, Reason: cause.Error()}
		}
	}
}

// catchUp takes up what is in the log beyond the newest number that this process
// was told: those events are known again from now on.
func (c *Channel) catchUp(ctx context.Context) error {
	stream, err := c.store.js.Stream(ctx, c.stream)
	if err != nil {
		return err
	}
	st := stream.CachedInfo().State
	c.mu.Lock()
	from := c.given + 1
	c.mu.Unlock()
	if st.LastSeq+1 < from {
		err := fmt.Errorf("the newest events of channel %s are lost: its last number is %d and was %d", c.name, st.LastSeq, from-1)
		c.store.fail(err)
		return err
	}
	now := c.store.opts.Now()
	for from <= st.LastSeq {
		records, next, err := c.batch(ctx, from, maxAppend, batchBytes)
		if err != nil {
			return err
		}
		if next == 0 {
			break // deleted or too old by now
		}
		for _, r := range records {
			e, err := event.Decode(r.Data)
			if err != nil {
				return fmt.Errorf("event %d: %w", r.Seq, err)
			}
			c.store.seen.found(c.mark.of(e), r.At, now)
		}
		from = next
	}
	c.learn(st)
	c.mu.Lock()
	c.advance(st.LastSeq, st.LastTime, nil)
	c.given = max(c.given, st.LastSeq)
	c.mu.Unlock()
	return nil
}

// current returns when the server at hand has the event with that number, or
// nobody has.
func (c *Channel) current(ctx context.Context, last uint64) error {
	for c.store.server.mode.shared() && last > 0 {
		if _, next, err := c.get(ctx, last, 1, 1); err != nil || next > last {
			return err
		}
		if seq, _, err := c.first(ctx, last); err != nil || seq != last {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookPause):
		}
	}
	return nil
}

// first asks the leader of the stream for the first record from a number on: the
// server at hand may be behind, or have lost what the others have. None: 0.
func (c *Channel) first(ctx context.Context, from uint64) (uint64, []Record, error) {
	ask, err := json.Marshal(map[string]any{"seq": from, "next_by_subj": c.subject})
	if err != nil {
		return 0, nil, err
	}
	answer, err := c.store.server.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+c.stream, ask)
	if err != nil {
		return 0, nil, fmt.Errorf("asking the leader of the stream: %w", err)
	}
	var got struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Seq  uint64    `json:"seq"`
			Data []byte    `json:"data"`
			Time time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &got); err != nil {
		return 0, nil, fmt.Errorf("reading what the leader of the stream says: %w", err)
	}
	if got.Error != nil {
		if got.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return 0, nil, nil
		}
		return 0, nil, got.Error
	}
	var records []Record
	if m := got.Message; len(m.Data) > 0 {
		records = []Record{{Seq: m.Seq, At: m.Time, Data: m.Data}}
	}
	return got.Message.Seq, records, nil
}
