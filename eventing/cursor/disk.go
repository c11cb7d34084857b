package cursor

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	"k8s.io/apimachinery/pkg/types"
)

// The file has one bucket, with a bucket for each place under its
// "<namespace>/<name>". There the first byte of a key says what it is of; the
// eight bytes that follow are a sequence number.
const (
	keyHead  = 'h' // without a number
	keyRange = 'd' // the first of a range of events that are done with
	keyRetry = 'r' // an event that is to be tried again
)

var bucketPlaces = []byte("places")

func key(kind byte, seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte{kind}, seq) }

// load reads all places. A record that cannot be read is an error: going on
// without it would deliver events again, or not at all.
func (s *Store) load() error {
	return s.db.Update(func(tx *bolt.Tx) error {
		all, err := tx.CreateBucketIfNotExists(bucketPlaces)
		if err != nil {
			return err
		}
		return all.ForEachBucket(func(k []byte) error {
			namespace, name, _ := strings.Cut(string(k), "/")
			p := s.newPlace(types.NamespacedName{Namespace: namespace, Name: name})
			if err := all.Bucket(k).ForEach(p.load); err != nil {
				return fmt.Errorf("subscription %s: %w", k, err)
			}
			s.places[p.name] = p
			s.open.Add(int64(p.open()))
			return nil
		})
	})
}

func (p *Place) load(k, v []byte) (err error) {
	if len(k) == 1 && k[0] == keyHead {
		p.head, err = decodeHead(v)
		return err
	}
	if len(k) != 9 {
		return errRecord
	}
	seq := binary.BigEndian.Uint64(k[1:])
	switch k[0] {
	case keyRange:
		to, err := decodeEnd(v)
		if err != nil || to < seq || len(p.done) > 0 && p.done[len(p.done)-1].to >= seq {
			return fmt.Errorf("the range from %d: %w", seq, errRecord)
		}
		p.done = append(p.done, span{seq, to})
		return nil
	case keyRetry:
		p.retries[seq], err = decodeEntry(v)
		return err
	}
	return errRecord
}

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

// commit writes everything that has changed so far in one transaction.
func (s *Store) commit() error {
	s.mu.Lock()
	dirty, gone := s.dirty, s.gone
	s.dirty, s.gone = map[*Place]struct{}{}, nil
	s.mu.Unlock()
	var err error
	if len(dirty)+len(gone) > 0 {
		err = s.db.Update(func(tx *bolt.Tx) error { return put(tx.Bucket(bucketPlaces), dirty, gone) })
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

func put(all *bolt.Bucket, dirty map[*Place]struct{}, gone []types.NamespacedName) error {
	for _, name := range gone {
		k := []byte(name.String())
		if all.Bucket(k) == nil {
			continue
		}
		if err := all.DeleteBucket(k); err != nil {
			return err
		}
	}
	for p := range dirty {
		changes, rewrite := p.changes()
		k := []byte(p.name.String())
		if rewrite && all.Bucket(k) != nil {
			if err := all.DeleteBucket(k); err != nil {
				return err
			}
		}
		b, err := all.CreateBucketIfNotExists(k)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.value == nil {
				err = b.Delete(c.key)
			} else {
				err = b.Put(c.key, c.value)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
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
