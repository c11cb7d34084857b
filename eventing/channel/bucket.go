package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucketName is where ledgerBucket keeps its records. No channel has that name.
const bucketName = "headway-known"

// ledgerBucket keeps what is known in JetStream itself, for whoever has the
// channels next. It is written once a second: of channels whose newest events
// are lost while their leader is, up to a second of them are missed unnoticed.
type ledgerBucket struct {
	kv   jetstream.KeyValue
	log  *slog.Logger
	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	dirty map[string]known
}

func openLedgerBucket(ctx context.Context, js jetstream.JetStream, replicas int, log *slog.Logger) (*ledgerBucket, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucketName, Replicas: replicas, Storage: jetstream.FileStorage})
	if err != nil {
		return nil, fmt.Errorf("making the bucket %s: %w", bucketName, err)
	}
	l := &ledgerBucket{kv: kv, log: log, stop: make(chan struct{}), dirty: map[string]known{}}
	l.done.Go(l.writes)
	return l, nil
}

func (l *ledgerBucket) get(ctx context.Context, stream string) (known, error) {
	entry, err := l.kv.Get(ctx, stream)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return known{}, nil
	}
	if err != nil {
		return known{}, err
	}
	if len(entry.Value()) == recordSize {
		if name, k, ok := parseRecord(entry.Value()); ok && name == stream {
			return k, nil
		}
	}
	l.log.Warn("what was last known of a channel is damaged: a loss of its newest events would not be found", "stream", stream)
	return known{}, nil
}

func (l *ledgerBucket) note(stream string, k known) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirty[stream] = k
	return nil
}

func (l *ledgerBucket) forget(stream string) error {
	l.mu.Lock()
	delete(l.dirty, stream)
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	return l.kv.Purge(ctx, stream)
}

// writes writes what changed once a second.
func (l *ledgerBucket) writes() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := l.write(); err != nil {
				l.log.Warn("noting the last events of channels", "err", err) // again in a second
			}
		case <-l.stop:
			return
		}
	}
}

// write writes what changed; what fails is written the next time.
func (l *ledgerBucket) write() error {
	l.mu.Lock()
	dirty := l.dirty
	l.dirty = map[string]known{}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	for stream, k := range dirty {
		if _, err := l.kv.Put(ctx, stream, appendRecord(nil, stream, k)); err != nil {
			l.mu.Lock()
			maps.Copy(dirty, l.dirty)
			l.dirty = dirty
			l.mu.Unlock()
			return err
		}
		delete(dirty, stream)
	}
	return nil
}

func (l *ledgerBucket) close() error {
	close(l.stop)
	l.done.Wait()
	if err := l.write(); err != nil {
		l.log.Warn("noting the last events of channels at the end", "err", err) // a second of them
	}
	return nil
}
