package delivery

import "github.com/headway-dev/headway/eventing/cursor"

// held are events that were read and wait for the end of another one with their
// key. Without them, a subscription that keeps order and lags would read its
// events one by one, each when its turn has come.
type held struct {
	items map[uint64]item
	bytes int64
}

// hold keeps an event in memory, if there is room. Called with mu held, as are
// letGo and dropAhead.
func (s *subscription) hold(it item) {
	if _, has := s.held.items[it.seq]; has || s.held.bytes+it.size > aheadBytes {
		return
	}
	if s.held.items == nil {
		s.held.items = map[uint64]item{}
	}
	s.held.items[it.seq] = it
	s.held.bytes += it.size
	s.d.ahead.Add(it.size)
}

// letGo takes an event out that was held.
func (s *subscription) letGo(seq uint64) (item, bool) {
	it, has := s.held.items[seq]
	if has {
		delete(s.held.items, seq)
		s.held.bytes -= it.size
		s.d.ahead.Add(-it.size)
	}
	return it, has
}

// dropAhead forgets all events that are not under way: they can be read again.
func (s *subscription) dropAhead() {
	for _, it := range s.ahead {
		s.d.ahead.Add(-it.size)
	}
	s.d.ahead.Add(-s.held.bytes)
	s.ahead, s.held = nil, held{}
}

// read reads what look has asked for.
func (s *subscription) read(found finding) {
	events, bytes := aheadEvents, aheadBytes
	if found.alone {
		events, bytes = 1, 1
	}
	records, err := s.lane.channel.Read(s.d.ctx, found.read, events, bytes)
	if err != nil {
		s.readFailed(found, err)
		return
	}
	items := decode(records)
	switch {
	case !found.due:
		s.keepAhead(found, items)
	case len(items) == 0 || items[0].seq != found.read:
		s.log.Warn("an event was not kept until it was delivered", "sequence", found.read)
		s.drop(dropExpired, 1)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end(found.read, cursor.Gone)
	default:
		s.holdWaiting(items[1:])
		s.send(items[0])
	}
}

// holdWaiting holds those events that wait for their turn.
func (s *subscription) holdWaiting(items []item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range items {
		if _, waits := s.keys[it.seq]; waits {
			s.hold(it)
		}
	}
}

func (s *subscription) readFailed(found finding, err error) {
	if s.d.ctx.Err() == nil {
		s.log.Error("cannot read events", "sequence", found.read, "error", err)
		pause(s.d.ctx, storePause)
	}
	if found.due {
		s.putBack(found.read)
	}
}

// keepAhead takes events that were read.
func (s *subscription) keepAhead(found finding, items []item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != found.read || s.removed {
		return // it has started over meanwhile
	}
	if len(items) == 0 {
		s.skipTo(found.end)
		return
	}
	s.ahead = items
	for _, it := range items {
		s.d.ahead.Add(it.size)
	}
}
