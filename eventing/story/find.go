package story

import (
	"io"
	"slices"
	"sort"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Find returns the places of the events with an id in the channels of a namespace,
// in the order in which they were remembered: the newest ones, at most so many,
// and how many there are besides. Some of them may be gone from their channels.
func (s *Store) Find(namespace, id string, most int) (found []Accepted, more int) {
	if s == nil {
		return nil, 0
	}
	key := keyOfID(namespace, id)
	s.disk.Lock()
	defer s.disk.Unlock()
	var all []Accepted
	s.newestFirst(short(key), func(a *Accepted, _ *Attempt) {
		if a == nil || a.id != key {
			return
		}
		if len(all) < most {
			all = append(all, *a)
		} else {
			more++
		}
	})
	slices.Reverse(all)
	return all, more
}

// Seq returns the sequence number of the oldest event with an id that a channel
// still has; first is its oldest one.
func (s *Store) Seq(channel types.NamespacedName, id string, first uint64) (seq uint64, ok bool) {
	if s == nil {
		return 0, false
	}
	key := keyOfID(channel.Namespace, id)
	s.disk.Lock()
	defer s.disk.Unlock()
	s.newestFirst(short(key), func(a *Accepted, _ *Attempt) {
		if a != nil && a.id == key && a.Channel == channel && a.Seq >= first && (!ok || a.Seq < seq) {
			seq, ok = a.Seq, true
		}
	})
	return seq, ok
}

// At returns what is remembered of one event in one channel: who sent it, nil if
// that is forgotten, and the attempts in the order of their times. Those for an
// event of a channel of the same name that was removed before are left out.
func (s *Store) At(channel types.NamespacedName, seq uint64) (accepted *Accepted, attempts []Attempt) {
	if s == nil {
		return nil, nil
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	s.newestFirst(keyOfPlace(channel, seq), func(a *Accepted, t *Attempt) {
		switch {
		case a != nil && a.Channel == channel && a.Seq == seq && accepted == nil:
			accepted = a
		case t != nil && t.Channel == channel && t.Seq == seq:
			attempts = append(attempts, *t)
		}
	})
	if accepted != nil {
		attempts = slices.DeleteFunc(attempts, func(t Attempt) bool { return t.At.Before(accepted.At.Add(-soon)) })
	}
	sort.SliceStable(attempts, func(i, j int) bool { return attempts[i].At.Before(attempts[j].At) })
	return accepted, attempts
}

// soon is how much earlier than its event's record an attempt may have begun: an
// event is read by those who deliver it as soon as it is on disk.
const soon = 10 * time.Second

// newestFirst calls f with the records of a key, at most maxRead of them. What
// cannot be read is left out. Called with disk held.
func (s *Store) newestFirst(key uint64, f func(*Accepted, *Attempt)) {
	now := s.flush() // so that everything is in files
	left := maxRead
	each := func(log io.ReaderAt, offsets []uint32) {
		for _, offset := range slices.Backward(offsets) {
			if left--; left < 0 {
				return
			}
			if a, t, err := readRecord(log, offset); err == nil {
				f(a, t)
			}
		}
	}
	if now.log != nil {
		each(now.log, s.findGrowing(now, key))
	}
	for _, one := range slices.Backward(s.sealed) {
		if offsets, err := one.find(key); err == nil {
			each(one.log, offsets)
		}
	}
}

// findGrowing returns the offsets of the records with a key in a log without an
// index.
func (s *Store) findGrowing(g *growing, key uint64) (offsets []uint32) {
	s.mu.Lock()
	entries := g.entries // more may be appended; these stay
	s.mu.Unlock()
	for _, e := range entries {
		if e.key == key && int64(e.offset) < g.written {
			offsets = append(offsets, e.offset)
		}
	}
	return offsets
}
