package cursor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("the store of cursors is closed")

// Store has the places of all subscriptions.
type Store struct {
	disk disk
	now  func() time.Time
	open atomic.Int64 // of all places

	// together is held by who changes several places, and by who takes the changes.
	together sync.RWMutex

	mu     sync.Mutex
	places map[types.NamespacedName]*Place
	dirty  map[*Place]struct{}
	gone   []types.NamespacedName // to be deleted from disk
	err    error                  // of the last write

	wake    chan struct{}
	flushes chan chan error
	stop    chan struct{}
	stopped chan struct{}
}

// Open opens the file, which is made if it is missing. now is time.Now, but in
// tests. A file that another process has open is waited for for 10 seconds.
func Open(path string, now func() time.Time) (*Store, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 10 * time.Second, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return nil, fmt.Errorf("opening the cursors %s: %w", path, err)
	}
	s, err := open(context.Background(), &file{db}, now)
	if err != nil {
		return nil, fmt.Errorf("reading the cursors %s: %w", path, err)
	}
	return s, nil
}

// open reads what a disk has, which it closes if that fails.
func open(ctx context.Context, d disk, now func() time.Time) (*Store, error) {
	s := &Store{
		disk: d, now: now,
		places: map[types.NamespacedName]*Place{}, dirty: map[*Place]struct{}{},
		wake: make(chan struct{}, 1), flushes: make(chan chan error), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := d.load(ctx, s); err != nil {
		return nil, errors.Join(err, d.close())
	}
	s.Sweep()
	go s.write()
	return s, nil
}

// Place returns the place of a subscription in a channel, and whether it has one:
// otherwise Begin is to be called. One that was removed goes on where it was; one
// in another channel is forgotten.
func (s *Store) Place(name types.NamespacedName, channel string) (p *Place, begun bool) {
	s.mu.Lock()
	s.sweep(name)
	p = s.places[name]
	if p == nil {
		p = s.newPlace(name)
		s.places[name] = p
	}
	p.revive()
	s.mu.Unlock()
	p.change(func() {
		if begun = p.head.channel == channel; !begun {
			p.head = head{}
			p.cut(0)
		}
	})
	return p, begun
}

// Remove keeps the place of a subscription for v1alpha1.CursorKept from now on.
func (s *Store) Remove(name types.NamespacedName) {
	s.mu.Lock()
	p := s.places[name]
	s.mu.Unlock()
	if p == nil {
		return
	}
	p.change(func() {
		if p.head.removed == 0 {
			p.head.removed = s.now().UnixMilli()
		}
	})
}

// Names are the subscriptions with a place that were not removed. Runs are no
// subscriptions.
func (s *Store) Names() []types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []types.NamespacedName
	for name, p := range s.places {
		if _, owned := owner(name); !owned && p.removedAt().IsZero() {
			names = append(names, name)
		}
	}
	return names
}

// Sweep forgets the places of subscriptions that were removed
// v1alpha1.CursorKept ago.
func (s *Store) Sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.places {
		s.sweep(name)
	}
}

// sweep forgets a place if it is time. Called with mu held.
func (s *Store) sweep(name types.NamespacedName) {
	p := s.places[name]
	if p == nil {
		return
	}
	at := p.removedAt()
	if at.IsZero() || s.now().Sub(at) < v1alpha1.CursorKept {
		return
	}
	s.drop(name)
	for other := range s.places {
		if of, owned := owner(other); owned && of == name {
			s.drop(other)
		}
	}
	s.signal()
}

// drop forgets a place. Called with mu held.
func (s *Store) drop(name types.NamespacedName) {
	p := s.places[name]
	delete(s.places, name)
	delete(s.dirty, p)
	s.gone = append(s.gone, name)
	s.open.Add(-int64(p.size()))
}

// Flush returns when everything that was recorded before is on disk.
func (s *Store) Flush(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case s.flushes <- answer:
	case <-s.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Together has what change records in several places on disk in one write, so that
// a crash keeps all of it or nothing.
func (s *Store) Together(change func()) {
	s.together.RLock()
	defer s.together.RUnlock()
	change()
}

// Healthy is the error of the last write, nil if it went well. It is tried again
// until it does.
func (s *Store) Healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close writes what is left. The store is not used afterwards.
func (s *Store) Close() error {
	close(s.stop)
	<-s.stopped
	return errors.Join(s.Healthy(), s.disk.close())
}

func (s *Store) newPlace(name types.NamespacedName) *Place {
	return &Place{store: s, name: name, retries: map[uint64]Entry{}, dirtyRanges: map[uint64]struct{}{}, dirtyRetries: map[uint64]struct{}{}}
}

// changed has a place written soon. One that was forgotten meanwhile is not.
func (s *Store) changed(p *Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places[p.name] == p {
		s.dirty[p] = struct{}{}
		s.signal()
	}
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
