package cursor

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// Has reports whether a subscription has a place in a channel, also one that was
// removed and is still kept.
func (s *Store) Has(name types.NamespacedName, channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(name)
	p := s.places[name]
	return p != nil && p.in(channel)
}

// Move gives a subscription without a place in a channel that of another one, with
// those of its runs, so that it goes on exactly where the other one was; false: the
// other one has none there. The other one has no place afterwards, and what is
// recorded there is not kept. A crash leaves it to the one or to the other.
func (s *Store) Move(from, to types.NamespacedName, channel string) bool {
	s.together.RLock()
	defer s.together.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(from)
	if p := s.places[from]; p == nil || !p.in(channel) {
		return false
	}
	for _, name := range slices.Collect(maps.Keys(s.places)) {
		if of, _ := owner(name); of == from {
			s.rename(name, types.NamespacedName{Namespace: to.Namespace, Name: to.Name + strings.TrimPrefix(name.Name, from.Name)})
		}
	}
	s.signal()
	return true
}

// rename makes a place of another name, which is written as a whole. Called with mu
// held.
func (s *Store) rename(from, to types.NamespacedName) {
	if s.places[to] != nil {
		s.drop(to)
	}
	now := s.places[from].copy(to)
	s.drop(from)
	s.places[to] = now
	s.open.Add(int64(now.size()))
	now.soil()
	s.dirty[now] = struct{}{}
}

// in reports whether the place has begun in a channel.
func (p *Place) in(channel string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.head.channel == channel
}

// copy is the place under another name, which was not removed.
func (p *Place) copy(name types.NamespacedName) *Place {
	now := p.store.newPlace(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	now.head, now.done, now.retries = p.head, slices.Clone(p.done), maps.Clone(p.retries)
	now.head.removed = 0
	return now
}
