// Package channel keeps channels: durable logs of events, each with sequence
// numbers of its own, on a JetStream server inside this process, on one of
// several replicas, or on somebody else's: see Server.
//
// It promises that an event whose Append returned nil is on disk (fsync, not
// only handed to the kernel; on more than half of the replicas; as its operator
// has set it, where the server is external), that the events of one Append are kept together
// or not at all, whatever ends the process (where the power fails before Append has
// returned, a part may be kept), and that events come back in the order of their sequence
// numbers, byte for byte. None is read before it is on disk. An event with the source and id of one that was accepted within
// Settings.Dedupe is not kept twice, also across a restart. Events leave when they are older than Settings.Keep and in no other way:
// when there is no room, new ones are refused.
//
// It does not know who reads, nor how far: places of subscriptions are kept
// elsewhere. It does not protect from a disk that forgets: it finds what is
// missing when it starts or reads, or by checking everything after a start, and says
// so in State.Gap.
package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"

	"github.com/headway-dev/headway/eventing/event"
)

// DefaultLowDisk is Options.LowDisk where none is given, in bytes.
const DefaultLowDisk = 256 << 20

// When to try again what was refused: a restart takes a few seconds of probes
// and one of starting; a disk is emptied by people, or by events that grow old.
const (
	retryBroken  = 10 * time.Second
	retryLowDisk = 30 * time.Second
)

// Options of a Store.
type Options struct {
	// Dir is where everything is kept. One process at a time may use it.
	Dir string
	// LowDisk is how many bytes must be free on the disk of Dir: with less,
	// events are refused. Default: DefaultLowDisk.
	LowDisk int64
	// Log is told what the server warns of. Default: slog.Default.
	Log *slog.Logger
	// Now is the clock of windows and limits. Default: time.Now.
	Now func() time.Time
	// Kept is told by Append, before it returns, of the events that are new and on
	// disk now, with the sequence number of the first one; the others follow. ctx
	// is that of Append. Default: nobody is told.
	Kept func(ctx context.Context, name Name, first uint64, events []event.Event)
	// Cluster has this process be one of several replicas.
	Cluster *Cluster
	// NATS has another server keep everything; Dir and LowDisk are unused.
	NATS *NATS
}

func (o Options) complete() Options {
	if o.LowDisk == 0 {
		o.LowDisk = DefaultLowDisk
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Kept == nil {
		o.Kept = func(context.Context, Name, uint64, []event.Event) {}
	}
	return o
}

// mode is where the kind of server is chosen.
func (o Options) mode() mode {
	switch {
	case o.NATS != nil:
		return &external{o}
	case o.Cluster != nil:
		return &replica{opts: o, disk: &disk{dir: o.Dir, low: o.LowDisk}}
	}
	return &alone{opts: o, disk: &disk{dir: o.Dir, low: o.LowDisk}}
}

// Store is all channels. One process at a time may have them open; where there
// are replicas, eventing/cursor sees to that.
type Store struct {
	opts   Options
	server *Server
	owner  bool // the server ends with the store
	js     jetstream.JetStream
	// inFlight bounds the bytes that are being written.
	inFlight *semaphore.Weighted
	patience time.Duration // with a group of events
	ledger   ledger
	seen     *seen
	ids      *idFile    // nil where others write, too
	written  writtenIDs // what it had at the start, until the channels have it
	checker  *checker   // nil where the disks are others'

	// making is held while a channel is made, changed or removed.
	making sync.Mutex
	// mu is held for moments only, never while something is asked or written.
	mu       sync.RWMutex
	channels map[Name]*Channel
	broken   error // why nothing is accepted until a restart; nil if all is well
	closed   bool
}

// Open starts a server and opens a Store on it, which ends with the store.
func Open(ctx context.Context, o Options) (*Store, error) {
	server, err := Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s, err := server.Open(ctx)
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	s.owner = true
	return s, nil
}

// Open makes every channel that exists ready, also those that Ensure does not
// name later. It waits for the server.
func (server *Server) Open(ctx context.Context) (*Store, error) {
	if err := server.Await(ctx); err != nil {
		return nil, err
	}
	s := &Store{
		opts: server.opts, server: server, js: server.js, channels: map[Name]*Channel{}, inFlight: semaphore.NewWeighted(bytesInFlight),
		patience: answerTimeout, seen: newSeen(maxSeen),
	}
	var err error
	if s.ledger, err = server.mode.ledger(ctx, s.js); err != nil {
		return nil, fmt.Errorf("opening the event store: %w", err)
	}
	if !server.mode.shared() {
		if s.ids, s.written, err = openIDs(s.opts.Dir, maxSeen/2, s.opts.Log); err != nil {
			return nil, errors.Join(fmt.Errorf("opening the event store: %w", err), s.ledger.close())
		}
	}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(err, s.ledger.close(), s.ids.close())
	}
	s.written = writtenIDs{}
	s.checker = startChecker(s)
	return s, nil
}

// load makes a Channel of every stream that is there.
func (s *Store) load(ctx context.Context) error {
	streams := s.js.ListStreams(ctx)
	for info := range streams.Info() {
		name, ok := parseStreamName(info.Config.Name)
		if !ok || !isChannel(info.Config) {
			continue
		}
		if err := s.adopt(ctx, name, info); err != nil {
			return err
		}
	}
	if err := streams.Err(); err != nil {
		return fmt.Errorf("listing streams: %w", err)
	}
	return nil
}

// adopt makes a Channel of a stream as the server describes it: what it has is
// compared with what it should have, and its newest events are known again.
func (s *Store) adopt(ctx context.Context, name Name, info *jetstream.StreamInfo) error {
	c := newChannel(s, name, info)
	lost, err := c.audit(ctx, info)
	if err != nil {
		return err
	}
	var r *run
	var since time.Time
	if !lost { // else a sender may send again what is lost
		r, since = s.written.runs[c.mark], s.written.since
	}
	if _, err := c.remember(ctx, r, since); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[name] = c
	return nil
}

// Ensure returns the channel of that name with these settings; it makes what is
// missing and changes what is different. An error that is an *InvalidName is
// lasting.
func (s *Store) Ensure(ctx context.Context, name Name, settings Settings) (*Channel, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	s.making.Lock()
	defer s.making.Unlock()
	c, ok := s.Channel(name)
	ok = ok && !c.ended() // as after a Remove that failed
	if ok && c.settings.Load().equal(settings) {
		return c, nil
	}
	stream, err := s.make(ctx, name, settings)
	if err != nil {
		return nil, fmt.Errorf("making stream of channel %s: %w", name, err)
	}
	if ok {
		c.settings.Store(&settings)
		s.seen.window(settings.Dedupe)
		return c, nil
	}
	if blocks := s.server.mode.blocks(streamName(name)); blocks != nil {
		if err := blocks.settle(); err != nil {
			return nil, fmt.Errorf("writing what channel %s is to disk: %w", name, err)
		}
	}
	if err := s.adopt(ctx, name, stream.CachedInfo()); err != nil {
		return nil, err
	}
	c, _ = s.Channel(name)
	return c, nil
}

// make makes or changes a stream, unless it is somebody else's.
func (s *Store) make(ctx context.Context, name Name, settings Settings) (jetstream.Stream, error) {
	stream, err := s.js.Stream(ctx, streamName(name))
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
	case err != nil:
		return nil, err
	case !isChannel(stream.CachedInfo().Config):
		return nil, errForeign
	}
	return s.js.CreateOrUpdateStream(ctx, settings.config(name, s.server.Replicas()))
}

// Channel returns the channel of that name, if it exists.
func (s *Store) Channel(name Name) (*Channel, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.channels[name]
	return c, ok
}

// Names are the channels that exist, sorted; also those that no object asks for
// any more.
func (s *Store) Names() []Name {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]Name, 0, len(s.channels))
	for name := range s.channels {
		names = append(names, name)
	}
	sortNames(names)
	return names
}

// Remove deletes a channel with all its events. One that is not there is no
// error. After an error the channel takes no events, and Remove can be tried
// again.
func (s *Store) Remove(ctx context.Context, name Name) error {
	s.making.Lock()
	defer s.making.Unlock()
	c, ok := s.Channel(name)
	if !ok {
		return nil
	}
	c.end(ErrRemoved)
	c.committing.Wait()
	c.blocks.close()
	if err := s.js.DeleteStream(ctx, streamName(name)); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("removing channel %s: %w", name, err)
	}
	s.mu.Lock()
	delete(s.channels, name)
	s.mu.Unlock()
	if err := s.ledger.forget(streamName(name)); err != nil {
		return fmt.Errorf("removing channel %s: %w", name, err)
	}
	return nil
}

// Healthy reports why nothing is accepted any more until this process starts
// again, for the liveness probe: a server that has not answered once does not
// recover, not even when the disk has room again.
func (s *Store) Healthy() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.broken
}

// fail makes Healthy return err from now on.
func (s *Store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil && !s.closed {
		s.broken = err
		s.opts.Log.Error("the event store has stopped accepting until it is restarted", "err", err)
	}
}

// Accepting returns an *Unavailable while no event can be kept, however small.
func (s *Store) Accepting() error { return s.accepts(0) }

// accepts returns *Unavailable where events of so many bytes cannot be kept now.
func (s *Store) accepts(bytes int) error {
	if err := s.Healthy(); err != nil {
		return &Unavailable{RetryAfter: retryBroken, Reason: err.Error()}
	}
	if !s.server.mode.take(bytes, s.opts.Now()) {
		return &Unavailable{RetryAfter: retryLowDisk, Reason: fmt.Sprintf("less than %d MiB are free on the disk", s.opts.LowDisk>>20)}
	}
	return nil
}

// Close lets what is being written end.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	channels := make([]*Channel, 0, len(s.channels))
	for _, c := range s.channels {
		channels = append(channels, c)
	}
	s.mu.Unlock()
	s.checker.close()
	for _, c := range channels {
		c.end(ErrClosed)
	}
	for _, c := range channels {
		c.committing.Wait()
	}
	err := errors.Join(s.ledger.close(), s.ids.close())
	if s.owner {
		err = errors.Join(err, s.server.Close())
	}
	return err
}
