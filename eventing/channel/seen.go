package channel

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/headway-dev/headway/eventing/event"
)

// maxSeen is how many events are known again at most, of all channels together:
// the newest ones. With 10,000 new ones a second that is less than a minute,
// with 800 a second the ten minutes of the default. They take 21 MB. Of a channel
// with more than half of that within its window, a start makes half known again.
const maxSeen = 1 << 19

// key of an event in a channel: the hash of source and id, mixed with the
// channel's own mark.
type key [16]byte

// mark tells the events of a channel from those of others, and from those of
// one of the same name that was removed before it was made.
func mark(stream string, created time.Time) key {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64([]byte(stream), uint64(created.UnixNano())))
	return key(sum[:16])
}

func (m key) of(e *event.Event) key {
	k := e.Key()
	for i := range k {
		k[i] ^= m[i]
	}
	return k
}

// seen is the events that are known again. Two generations: a new one begins
// when the young one has half of what is allowed, or when all of the old one is out of
// every window; then the old one goes.
type seen struct {
	most int // how many are known

	mu         sync.Mutex
	young, old map[key]uint32 // when it was kept, in Unix seconds
	began      time.Time      // the young generation
	longest    time.Duration  // window of all channels
	pending    map[key]*request
}

func newSeen(most int) *seen {
	return &seen{most: most, young: map[key]uint32{}, old: map[key]uint32{}, pending: map[key]*request{}}
}

// window has a channel's window count for how long generations live.
func (s *seen) window(dedupe time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.longest = max(s.longest, dedupe)
}

// claim takes those of r's events that are new, and leaves r with them alone.
// It returns the events that another request is just writing, with that
// request: it must be waited for, and its events claimed again.
func (s *seen) claim(r *request, m key, dedupe time.Duration, now time.Time) (others []event.Event, wait []*request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := make([]event.Event, 0, len(r.events))
	for i := range r.events {
		k := m.of(&r.events[i])
		if s.known(k, dedupe, now) {
			continue
		}
		if other, ok := s.pending[k]; ok {
			if other != r {
				others, wait = append(others, r.events[i]), append(wait, other)
			}
			continue
		}
		s.pending[k] = r
		r.keys = append(r.keys, k)
		fresh = append(fresh, r.events[i])
	}
	r.events = fresh
	return others, wait
}

func (s *seen) known(k key, dedupe time.Duration, now time.Time) bool {
	at, ok := s.young[k]
	if !ok {
		at, ok = s.old[k]
	}
	return ok && now.Sub(time.Unix(int64(at), 0)) <= dedupe
}

// settle ends what claim began: kept events are known from now on.
func (s *seen) settle(r *request, kept bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range r.keys {
		delete(s.pending, k)
		if kept {
			s.add(k, now, now)
		}
	}
}

// found makes an event known that is in the log.
func (s *seen) found(k key, at, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(k, at, now)
}

// add makes an event known that was kept at a certain time. Called with mu held.
func (s *seen) add(k key, at, now time.Time) {
	if len(s.young) >= s.most/2 || now.Sub(s.began) > s.longest {
		s.young, s.old, s.began = map[key]uint32{}, s.young, now
	}
	s.young[k] = uint32(at.Unix())
}
