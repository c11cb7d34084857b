package story

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Options of a Store.
type Options struct {
	// Dir is where the story is kept. One process at a time may use it.
	Dir string
	// Log is told what is forgotten.
	Log *slog.Logger
	// Room reports whether there is room on the disk for more than there is; nil:
	// there always is. Without, the oldest part makes room for the newest.
	Room func() bool
}

// Store has the story of all events. All its methods may be called at the same
// time, and on nil: then nothing is remembered.
type Store struct {
	o    Options
	most int64 // maxBytes, but in tests

	// mu is held for moments only, never while the disk is waited for.
	mu      sync.Mutex
	full    []*growing // not yet written to their end
	now     *growing
	waiting int // bytes in memory
	closed  bool

	// disk is held while files are read, written and removed.
	disk   sync.Mutex
	sealed []*segment
	warned time.Time

	wake, stop chan struct{}
	stopped    sync.WaitGroup
}

// growing is a log that is being written.
type growing struct {
	number uint64
	size   int64 // with what waits
	waits  []byte
	contents

	log     *os.File // under disk, as are the next two
	written int64
	lost    bool
}

// Open opens the story that is there, or begins one. What of it cannot be read is
// removed. Close has to be called.
func Open(o Options) (*Store, error) {
	s := &Store{o: o, most: maxBytes, wake: make(chan struct{}, 1), stop: make(chan struct{})}
	err := s.open()
	if err != nil { // begin anew
		o.Log.Warn("the story of events cannot be read and begins anew", "error", err)
		s.sealed = nil
		if err = os.RemoveAll(o.Dir); err == nil {
			err = s.open()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the story of events: %w", err)
	}
	s.stopped.Go(s.write)
	return s, nil
}

func (s *Store) open() error {
	if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
		return err
	}
	files, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return err
	}
	last := uint64(0)
	for _, file := range files { // sorted by name, which is by number
		name, is := strings.CutSuffix(file.Name(), ".log")
		number, err := strconv.ParseUint(name, 16, 64)
		if !is || err != nil {
			continue
		}
		last = number
		one, err := openSegment(s.o.Dir, number)
		if err == nil && one.tail.Entries == 0 {
			err = errors.Join(errDamaged, one.close())
		}
		if err != nil {
			s.o.Log.Warn("a part of the story of events cannot be read and is removed", "part", file.Name(), "error", err)
			if err := errors.Join(os.RemoveAll(logPath(s.o.Dir, number)), os.RemoveAll(indexPath(s.o.Dir, number))); err != nil {
				return err
			}
			continue
		}
		s.sealed = append(s.sealed, one)
	}
	s.begin(last + 1)
	return nil
}

// begin makes the next log. Called with mu held, or before there are others.
func (s *Store) begin(number uint64) {
	s.now = &growing{number: number, contents: newContents()}
}

// Accepted remembers an event that a channel has taken.
func (s *Store) Accepted(id string, a Accepted) {
	if s == nil {
		return
	}
	a.id = keyOfID(a.Channel.Namespace, id)
	s.add(&a)
}

// Attempted remembers an attempt.
func (s *Store) Attempted(t Attempt) {
	if s == nil {
		return
	}
	s.add(&t)
}

func (s *Store) add(r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.waiting > maxWaiting {
		forgotten.Inc()
		return
	}
	if s.now.size >= segmentBytes {
		s.full = append(s.full, s.now)
		s.begin(s.now.number + 1)
	}
	g := s.now
	before := len(g.waits)
	g.waits = r.append(g.waits)
	size := len(g.waits) - before
	g.note(r, int(g.size), size)
	g.size += int64(size)
	if s.waiting += size; s.waiting == size {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// write writes what waits, in groups, until the store is closed.
func (s *Store) write() {
	for {
		select {
		case <-s.wake:
		case <-s.stop:
			return
		}
		timer := time.NewTimer(groupTime)
		select {
		case <-timer.C:
		case <-s.stop:
			timer.Stop()
			return
		}
		s.disk.Lock()
		s.flush()
		s.disk.Unlock()
	}
}

// flush writes everything that waits, and returns the log that is not full yet.
// Called with disk held.
func (s *Store) flush() *growing {
	s.mu.Lock()
	full, now := s.full, s.now
	s.full, s.waiting = nil, 0
	waits := make([][]byte, 0, len(full)+1)
	for _, g := range append(full, now) {
		waits = append(waits, g.waits)
		g.waits = nil
	}
	s.mu.Unlock()
	for i, g := range full {
		s.put(g, waits[i])
		s.finish(g)
	}
	s.put(now, waits[len(full)])
	if now.lost {
		s.retire(now)
	}
	s.bound()
	return now
}

// retire has a log whose end cannot be written be full, and makes room.
func (s *Store) retire(g *growing) {
	s.mu.Lock()
	current := s.now == g
	if current {
		s.begin(g.number + 1)
	}
	s.mu.Unlock()
	if current { // else the next flush does this
		s.finish(g)
	}
	if len(s.sealed) > 0 {
		s.drop(0)
	}
}

// put appends to a log. What cannot be written is forgotten, with the rest of that
// log: its offsets would be wrong.
func (s *Store) put(g *growing, b []byte) {
	if len(b) == 0 || g.lost {
		return
	}
	var err error
	if g.log == nil {
		err = os.RemoveAll(indexPath(s.o.Dir, g.number)) // which may be left of a log that is gone
	}
	if err == nil && g.log == nil {
		g.log, err = os.OpenFile(logPath(s.o.Dir, g.number), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	}
	if err == nil {
		_, err = g.log.WriteAt(b, g.written)
	}
	if err != nil {
		g.lost = true
		s.lost(err)
		return
	}
	g.written += int64(len(b))
}

// lost says that something is forgotten, at most once a minute.
func (s *Store) lost(err error) {
	forgotten.Inc()
	if time.Since(s.warned) > time.Minute {
		s.warned = time.Now()
		s.o.Log.Warn("a part of the story of events is forgotten; the events are not", "error", err)
	}
}

// finish makes a segment of a full log.
func (s *Store) finish(g *growing) {
	if g.log == nil {
		return
	}
	one, err := seal(s.o.Dir, g.number, g.log, g.written, g.contents)
	if err != nil {
		s.lost(errors.Join(err, g.log.Close(), os.Remove(logPath(s.o.Dir, g.number))))
		return
	}
	s.sealed = append(s.sealed, one)
}

// bound removes the oldest segments if there are too many, or if the disk is low
// and there is a newer one. It carries over what belongs to namespaces that have
// little.
func (s *Store) bound() {
	s.mu.Lock()
	closed := s.closed // nothing can be carried over any more: the next start does this
	s.mu.Unlock()
	if closed {
		return
	}
	total := int64(0)
	for _, one := range s.sealed {
		total += one.size
	}
	low := s.o.Room != nil && !s.o.Room()
	for len(s.sealed) > 0 && (total > s.most || low) {
		total -= s.sealed[0].size
		if !low {
			s.carry(s.sealed[0])
		}
		s.drop(0)
		low = false // one at a time: it is looked at again with the next group
	}
}

func (s *Store) drop(i int) {
	if err := s.sealed[i].remove(s.o.Dir); err != nil {
		s.o.Log.Warn("removing an old part of the story of events", "error", err)
	}
	s.sealed = slices.Delete(s.sealed, i, i+1)
}

// Trim removes the segments in which everything is older than what channels still
// have: first is the oldest sequence number of one, and false if it is no more.
func (s *Store) Trim(first func(channel types.NamespacedName) (uint64, bool)) {
	if s == nil {
		return
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	for i := len(s.sealed) - 1; i >= 0; i-- {
		wanted := len(s.sealed[i].tail.Newest) == 0 // attempts alone: of events that others have
		for _, n := range s.sealed[i].tail.Newest {
			seq, exists := first(n.NamespacedName)
			wanted = wanted || exists && n.Seq >= seq
		}
		if !wanted {
			s.drop(i)
		}
	}
}

// Newest is the highest sequence number of a channel that is remembered; 0 is none.
func (s *Store) Newest(channel types.NamespacedName) (seq uint64) {
	if s == nil {
		return 0
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	now := s.flush()
	for _, one := range s.sealed {
		for _, n := range one.tail.Newest {
			if n.NamespacedName == channel {
				seq = max(seq, n.Seq)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(seq, now.newest[channel])
}

// Close writes what waits.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	close(s.stop)
	s.stopped.Wait()
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	now := s.flush()
	var errs []error
	for _, one := range s.sealed {
		errs = append(errs, one.close())
	}
	if now.log != nil {
		errs = append(errs, now.log.Close())
	}
	return errors.Join(errs...)
}
