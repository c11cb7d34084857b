package eventing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/headway-dev/headway/eventing/cursor"
)

// storage is where everything is kept: the one place of this package where the
// ways to have a store differ.
type storage string

const (
	alone    storage = "one replica"
	replicas storage = "several replicas"
	external storage = "an external NATS"
)

// openTimeout is how long the channels may take to be opened: with what one
// process on a slow disk reads of millions of events.
const openTimeout = 10 * time.Minute

func (o *Options) storage() storage {
	switch {
	case o.NATS != nil:
		return external
	case o.Cluster != nil:
		return replicas
	}
	return alone
}

// folder is where channels are. That of one replica and those of several are not
// the same: a server that joins others removes what they do not have.
func (s storage) folder(data string) string {
	if s == replicas {
		return filepath.Join(data, "replica")
	}
	return filepath.Join(data, "channels")
}

// settle refuses a data folder that was for another way to have a store, whose
// events would be neither delivered nor missed. It remembers the way otherwise.
func (s storage) settle(data string) error {
	path := filepath.Join(data, "storage")
	was, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		was, err = []byte(s), nil
		if _, e := os.Stat(alone.folder(data)); e == nil {
			was = []byte(alone) // before there was a choice
		}
	}
	if err != nil {
		return fmt.Errorf("looking at how events were kept: %w", err)
	}
	if storage(was) != s {
		return fmt.Errorf("%s has the events of %s, which are not moved to %s: go back, or give this installation new volumes", data, was, s)
	}
	return replaceFile(path, []byte(s))
}

// openCursors opens the places of subscriptions, which several processes share
// once this one leads.
func (e *Eventing) openCursors(ctx context.Context) (err error) {
	if e.options.storage() == alone {
		e.cursors, err = cursor.Open(filepath.Join(e.options.Data, "cursors.db"), time.Now)
		return err
	}
	e.election = &election{server: e.server, self: beat{URL: e.options.Self, Outside: e.options.SelfOutside}, follow: func(b beat) {
		e.inside.follow(b.URL)
		e.outside.follow(b.Outside)
	}}
	if err := e.election.listen(); err != nil {
		return err
	}
	e.cursors, err = e.election.win(ctx)
	return err
}

// openChannels opens the store. Where other servers have to answer, it tries until
// they do, or another process leads: after a failure they elect for some seconds.
func (e *Eventing) openChannels(ctx context.Context) error {
	for {
		err := e.tryChannels(ctx)
		if err == nil || e.election == nil || ctx.Err() != nil {
			return err
		}
		slog.Warn("opening the channels", "err", err)
		pause, cancel := context.WithTimeout(ctx, beatPause)
		lost := e.election.hold(pause, e.cursors)
		cancel()
		if lost != nil {
			return lost
		}
	}
}

func (e *Eventing) tryChannels(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	kept, err := e.openNote(ctx, "removed")
	if err != nil {
		return err
	}
	if e.removals, err = openRemovals(kept); err != nil {
		return err
	}
	e.store, err = e.server.Open(ctx)
	return err
}

// openNote opens a small thing that has to be remembered.
func (e *Eventing) openNote(ctx context.Context, name string) (note, error) {
	if e.options.storage() == alone {
		return fileNote(filepath.Join(e.options.Data, name+".json")), nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // without a leader nobody answers, also later
	defer cancel()
	kv, err := e.server.JetStream().CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "headway-notes", Replicas: e.server.Replicas()})
	if err != nil {
		return nil, fmt.Errorf("making the bucket of notes: %w", err)
	}
	return bucketNote{kv, name}, nil
}

// note is a small thing that has to be remembered.
type note interface {
	// read returns nothing if nothing was written so far.
	read() ([]byte, error)
	// write leaves the old or the new content, also after a crash.
	write(content []byte) error
}

type fileNote string

func (n fileNote) read() ([]byte, error) {
	content, err := os.ReadFile(string(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

func (n fileNote) write(content []byte) error { return replaceFile(string(n), content) }

// bucketNote is a key in JetStream.
type bucketNote struct {
	kv  jetstream.KeyValue
	key string
}

func (n bucketNote) read() ([]byte, error) {
	entry, err := n.kv.Get(context.Background(), n.key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return entry.Value(), nil
}

func (n bucketNote) write(content []byte) error {
	_, err := n.kv.Put(context.Background(), n.key, content)
	return err
}
