package channel

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Channel is one durable log. All its methods may be called at the same time.
type Channel struct {
	store    *Store
	name     Name
	stream   string // what the server calls it
	subject  string // to which its events are published
	mark     key    // of its events among those that are known again
	settings atomic.Pointer[Settings]

	// mu is held for moments only.
	mu      sync.Mutex
	known   known
	events  uint64
	bytes   uint64
	asked   time.Time     // when the server was last asked for its state
	given   uint64        // the newest number that a commit was told, or that was known at the start
	changed chan struct{} // closed, and replaced, when known.Last grows or err is set
	err     error         // why nothing comes any more: ErrRemoved or ErrClosed
	queue   []*request
	running bool // there is a goroutine that commits

	followers map[*Follower]struct{}
	pace      pace        // of that goroutine, as is blocks
	blocks    *blockFiles // nil: the servers sync what they write

	noting     sync.Mutex // held while known is written down
	committing sync.WaitGroup
}

// State of a channel.
type State struct {
	// First and Last are the sequence numbers of the oldest and the newest event
	// that are kept. Nothing is kept: First is Last+1. Last never goes back.
	First, Last uint64
	// Events and Bytes are what is kept, at most a second old.
	Events, Bytes uint64
	// Gap is what was lost; nil if nothing is known to be. It is told for
	// Settings.Keep after it was found.
	Gap *Gap
}

// Gap is a loss that was found when the store was opened, by its check, or by Read: events
// that had been accepted, were not yet older than Settings.Keep, and are not there any more.
type Gap struct {
	// From and To are the first and the last sequence number that are missing.
	From, To uint64
	// Lost is how many are missing from From to To.
	Lost uint64
	// Found is when it was found.
	Found time.Time
}

// stateAge is how old Events, Bytes and First of a State may be.
const stateAge = time.Second

func newChannel(s *Store, name Name, info *jetstream.StreamInfo) *Channel {
	c := &Channel{store: s, name: name, stream: info.Config.Name, subject: subject(info.Config.Name), mark: mark(info.Config.Name, info.Created), changed: make(chan struct{}), followers: map[*Follower]struct{}{}, pace: newPace(), blocks: s.server.mode.blocks(info.Config.Name)}
	settings := settingsOf(info.Config)
	c.settings.Store(&settings)
	return c
}

// Name of the channel.
func (c *Channel) Name() Name { return c.name }

// State returns what the channel holds. It asks the server at most once a
// second, in memory; everything but Last may be that old.
func (c *Channel) State() State {
	c.mu.Lock()
	ask := c.err == nil && c.store.opts.Now().Sub(c.asked) >= stateAge
	if ask {
		c.asked = c.store.opts.Now()
	}
	c.mu.Unlock()
	if ask {
		c.refresh()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	st := State{First: c.known.First, Last: c.known.Last, Events: c.events, Bytes: c.bytes}
	if gap := c.known.Gap; gap.From != 0 {
		st.Gap = &gap
	}
	return st
}

// refresh asks the server and reports whether it answered. No answer changes
// nothing: Append finds out whether the server is well.
func (c *Channel) refresh() bool {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	stream, err := c.store.js.Stream(ctx, c.stream)
	if err != nil {
		return false
	}
	st := stream.CachedInfo().State
	c.learn(st)
	if c.store.server.mode.shared() { // else there may be events that are not on disk yet
		c.mu.Lock()
		defer c.mu.Unlock()
		c.advance(st.LastSeq, st.LastTime, nil)
	}
	return true
}

// learn takes up what the server says of what it has, but for what is new.
func (c *Channel) learn(st jetstream.StreamState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = c.store.opts.Now()
	c.events, c.bytes = st.Msgs, st.Bytes
	c.known.First = max(st.FirstSeq, 1)
	if st.Msgs > 0 {
		c.known.FirstAt = st.FirstTime
	}
	c.known.forget(c.settings.Load().Keep, c.asked)
}

// advance wakes who waits for more. records are all up to last that were not there
// before; nil: they have to be read. Called with mu held.
func (c *Channel) advance(last uint64, at time.Time, records []Record) {
	if last <= c.known.Last {
		return
	}
	if c.known.First > c.known.Last {
		c.known.FirstAt = at // nothing was kept
	}
	c.known.Last, c.known.LastAt = last, later(c.known.LastAt, at)
	c.offer(records, last)
	close(c.changed)
	c.changed = make(chan struct{})
}

// Wait returns when there is an event with a greater sequence number than
// after. It asks nobody: Append says so. Errors: ErrRemoved, ErrClosed, and the
// context's.
func (c *Channel) Wait(ctx context.Context, after uint64) error {
	for {
		c.mu.Lock()
		last, changed, err := c.known.Last, c.changed, c.err
		c.mu.Unlock()
		switch {
		case err != nil:
			return err
		case last > after:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// end refuses what comes from now on and wakes who waits.
func (c *Channel) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		close(c.changed)
		c.changed = make(chan struct{})
	}
}

func (c *Channel) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}
