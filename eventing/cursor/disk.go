package cursor

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// write writes what has changed, in groups, until the store is closed.
func (s *Store) write() {
	defer close(s.stopped)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-s.wake:
		case answer := <-s.flushes:
			answer <- s.commit()
			continue
		case <-s.stop:
			_ = s.commit() // Healthy has the error
			return
		}
		pause.Reset(groupTime)
		for gathering := true; gathering; {
			select {
			case <-pause.C:
				if s.commit() != nil {
					pause.Reset(failurePause)
					continue
				}
				gathering = false
			case answer := <-s.flushes:
				answer <- s.commit()
			case <-s.stop:
				_ = s.commit() // Healthy has the error
				return
			}
		}
	}
}

// pair is a change of a key; no value: it is deleted.
type pair struct{ key, value []byte }

// change is what has changed of a place.
type change struct {
	name  types.NamespacedName
	gone  bool // it is deleted
	all   bool // the pairs are all that there is of it
	pairs []pair
}

// disk keeps the records of places: a file, or a log in JetStream.
type disk interface {
	// load makes all places of a store that has none yet.
	load(ctx context.Context, s *Store) error
	// write has all changes on disk, or none of them, when it returns nil. After
	// an error nobody knows, and every place in them is written again as a whole.
	write(changes []change) error
	// compact is called after a write that went well; all returns every record.
	compact(all func() []change) error
	close() error
}

// The first byte of a key says what a record is of; the eight bytes that follow
// are a sequence number.
const (
	keyHead  = 'h' // without a number
	keyRange = 'd' // the first of a range of events that are done with
	keyRetry = 'r' // an event that is to be tried again
)

func key(kind byte, seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte{kind}, seq) }

// commit writes everything that has changed so far together.
func (s *Store) commit() error {
	dirty, gone, changes := s.take()
	var err error
	if len(changes) > 0 {
		err = s.disk.write(changes)
	}
	if err == nil {
		err = s.disk.compact(s.everything)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil { // everything is to be written again
		err = fmt.Errorf("writing cursors: %w", err)
		s.gone = append(gone, s.gone...)
		for p := range dirty {
			if s.places[p.name] == p {
				p.soil()
				s.dirty[p] = struct{}{}
			}
		}
	}
	s.err = err
	return err
}

// take takes what has changed so far.
func (s *Store) take() (dirty map[*Place]struct{}, gone []types.NamespacedName, changes []change) {
	s.together.Lock()
	defer s.together.Unlock()
	s.mu.Lock()
	dirty, gone = s.dirty, s.gone
	s.dirty, s.gone = map[*Place]struct{}{}, nil
	s.mu.Unlock()
	return dirty, gone, taken(dirty, gone)
}

// taken takes what has changed from places, those that are gone first: one may
// have been made again.
func taken(dirty map[*Place]struct{}, gone []types.NamespacedName) []change {
	out := make([]change, 0, len(gone)+len(dirty))
	for _, name := range gone {
		out = append(out, change{name: name, gone: true})
	}
	for p := range dirty {
		pairs, all := p.changes()
		out = append(out, change{name: p.name, all: all, pairs: pairs})
	}
	return out
}

// everything is all records of all places, whether they are on disk or not.
func (s *Store) everything() []change {
	s.together.Lock()
	defer s.together.Unlock()
	s.mu.Lock()
	places := slices.Collect(maps.Values(s.places))
	s.mu.Unlock()
	out := make([]change, 0, len(places))
	for _, p := range places {
		out = append(out, change{name: p.name, all: true, pairs: p.records()})
	}
	return out
}

// records are all of a place.
func (p *Place) records() []pair {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]pair, 0, 1+p.open())
	out = append(out, pair{[]byte{keyHead}, p.head.encode()})
	for _, s := range p.done {
		out = append(out, pair{key(keyRange, s.from), encodeEnd(s.to)})
	}
	for seq, e := range p.retries {
		out = append(out, pair{key(keyRetry, seq), e.encode()})
	}
	return out
}

// changes takes what is not on disk yet, or everything after a failed write.
func (p *Place) changes() (out []pair, rewrite bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out = make([]pair, 0, 1+len(p.dirtyRanges)+len(p.dirtyRetries))
	if p.dirtyHead {
		out = append(out, pair{[]byte{keyHead}, p.head.encode()})
	}
	for from := range p.dirtyRanges {
		c := pair{key: key(keyRange, from)}
		if i := p.done.find(from); i < len(p.done) && p.done[i].from == from {
			c.value = encodeEnd(p.done[i].to)
		}
		out = append(out, c)
	}
	for seq := range p.dirtyRetries {
		c := pair{key: key(keyRetry, seq)}
		if e, ok := p.retries[seq]; ok {
			c.value = e.encode()
		}
		out = append(out, c)
	}
	rewrite = p.rewrite
	p.dirtyHead, p.rewrite = false, false
	clear(p.dirtyRanges)
	clear(p.dirtyRetries)
	return out, rewrite
}

// soil has everything of the place written again: what had changed was taken
// from it, and is not on disk.
func (p *Place) soil() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dirtyHead, p.rewrite = true, true
	for _, s := range p.done {
		p.dirtyRanges[s.from] = struct{}{}
	}
	for seq := range p.retries {
		p.dirtyRetries[seq] = struct{}{}
	}
}
