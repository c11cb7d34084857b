package delivery

import (
	"hash/maphash"
	"time"

	"github.com/headway-dev/headway/eventing/cursor"
)

// work sends what can be sent, and ends when there is nothing to do but to wait.
func (s *subscription) work() {
	for {
		found := s.look()
		switch {
		case found.finished:
			s.d.retire(s)
			return
		case found.wait:
			if s.rest(found.until) {
				return
			}
		case found.read > 0:
			s.read(found)
		default:
			s.send(found.item)
		}
	}
}

// finding is what is to be done: wait, read, or send item.
type finding struct {
	wait  bool
	until time.Time // zero: until something happens
	// read is an event that is not in memory, with those that follow unless it is
	// to be read alone.
	read       uint64
	due, alone bool
	end        uint64 // from there on events are in memory
	item       item
	finished   bool // it is a run, and done
}

// look finds what is to be done next.
func (s *subscription) look() finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.again = false
	if s.finish(now) {
		return finding{finished: true}
	}
	if s.removed || s.sub.Spec.Paused || s.d.ctx.Err() != nil {
		s.dropAhead()
		return finding{wait: true}
	}
	if s.rebuild {
		if s.flying > 0 || s.following {
			return finding{wait: true}
		}
		s.restart()
	}
	if ok, at := s.gate.ask(now); !ok {
		if at.Sub(now) > keepAheadFor {
			s.dropAhead()
		}
		return finding{wait: true, until: at}
	}
	if s.bytes >= flightBytes {
		return finding{wait: true}
	}
	// Events that are due and unseen ones take turns, so that an event that
	// always fails does not stand in the way of those that would not.
	s.fresh = !s.fresh
	if s.fresh {
		if found, ok := s.lookUnseen(); ok {
			return found
		}
	}
	if found, ok := s.lookDue(now); ok {
		return found
	}
	if !s.fresh {
		if found, ok := s.lookUnseen(); ok {
			return found
		}
	}
	if len(s.due) > 0 {
		return finding{wait: true, until: time.UnixMilli(s.due[0].at)}
	}
	return finding{wait: true, finished: s.finish(now)}
}

// lookDue finds an event whose time has come. Called with mu held, as are the
// next four.
func (s *subscription) lookDue(now time.Time) (finding, bool) {
	seq, ok := s.takeDue(now)
	if !ok {
		return finding{}, false
	}
	if it, ok := s.letGo(seq); ok {
		return finding{item: it}, true
	}
	if items, _, known := s.lane.from(seq); known && len(items) > 0 && items[0].seq == seq {
		return finding{item: items[0]}, true
	}
	return finding{read: seq, due: true, alone: s.order == nil}, true
}

// lookUnseen finds an unseen event that passes the filter and may go, or becomes
// a follower.
func (s *subscription) lookUnseen() (finding, bool) {
	for s.place.Room(s.waiting()) && !s.following && !s.through() {
		items, end, known := s.upcoming()
		if !known {
			return finding{read: s.next, end: end}, true
		}
		for _, it := range items {
			if s.run != nil && it.seq > s.run.to {
				s.skipTo(s.run.to + 1)
				return finding{}, false
			}
			s.skipTo(it.seq)
			if len(s.ahead) > 0 {
				s.d.ahead.Add(-it.size)
				s.ahead = s.ahead[1:]
			}
			if s.admit(it) {
				return finding{item: it}, true
			}
			if !s.place.Room(s.waiting()) {
				return finding{}, false
			}
		}
		if end == 0 {
			continue // what was read ahead is used up
		}
		s.skipTo(end)
		s.kind = ""
		if s.sub.Filter != nil {
			s.kind, _ = s.sub.Filter.Type()
		}
		s.following = s.lane.follow(s, s.kind, s.next)
	}
	return finding{}, false
}

// upcoming are the events from next on: those read ahead, or the newest ones of
// the lane with what comes after them. known is false if they must be read, up to
// end.
func (s *subscription) upcoming() (items []item, end uint64, known bool) {
	if len(s.ahead) > 0 {
		return s.ahead, 0, true
	}
	s.next = s.place.NextOpen(s.next)
	if s.run != nil {
		return nil, s.run.to + 1, false
	}
	return s.lane.from(s.next)
}

// skipTo goes on to seq: what lies before it is not in the channel.
func (s *subscription) skipTo(seq uint64) {
	if seq <= s.next {
		return
	}
	if first := s.lane.channel.State().First; first > s.next {
		if lost := s.place.Expire(min(first, seq) - 1); lost > 0 {
			s.drop(dropExpired, lost)
			s.log.Warn("events were not kept until they were delivered", "lost", lost)
		}
	}
	s.place.Pass(s.next, seq-1, cursor.Filtered, 0) // of numbers that no event has
	s.run.passOver(s.next, seq-1)
	s.next = seq
}

// admit looks at an event, and reports whether it may be sent now.
func (s *subscription) admit(it item) bool {
	s.next = it.seq + 1
	if s.place.NextOpen(it.seq) != it.seq {
		return false
	}
	entry, tried := s.place.Entry(it.seq)
	if it.event == nil {
		s.log.Error("an event cannot be read and is dropped", "sequence", it.seq)
		s.drop(dropUnreadable, 1)
		s.place.End(it.seq, cursor.Dead)
		return false
	}
	if tried && s.order == nil {
		return false // it is due already
	}
	if !tried && !s.wants(it) {
		return false
	}
	if s.order != nil {
		if value, ok := it.event.Get(s.sub.Spec.Ordered); ok {
			key := maphash.String(keySeed, value)
			s.keys[it.seq] = key
			if !s.order.Enter(key, it.seq) {
				s.hold(it)
				return false
			}
		}
	}
	if tried {
		s.due.add(it.seq, entry.Due)
	}
	return !tried
}

// wants reports whether an event is one of those to be sent. Others are done with.
func (s *subscription) wants(it item) bool {
	if s.run.skips(s.sub, it) {
		s.place.Pass(it.seq, it.seq, cursor.Filtered, 0)
		return false
	}
	if s.sub.Filter != nil && !s.sub.Filter.Match(it.event).Match {
		s.place.End(it.seq, cursor.Filtered)
		return false
	}
	return true
}

func (s *subscription) waiting() int {
	if s.order == nil {
		return 0
	}
	return s.order.Waiting()
}

// send begins an attempt, unless that is not allowed any more.
func (s *subscription) send(it item) {
	weight := min(max(it.size, flightLeast), flightBytesAll)
	if s.d.flight.Acquire(s.d.ctx, weight) != nil {
		s.putBack(it.seq)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	a := attempt{subscription: s, sub: s.sub, policy: s.policy, item: it, weight: weight, began: now}
	a.entry, _ = s.place.Entry(it.seq)
	allowed := !s.removed && !s.sub.Spec.Paused && !s.rebuild
	if allowed && a.entry.Dead == "" {
		a.pass, allowed = s.gate.begin(now)
	}
	if !allowed {
		s.d.flight.Release(weight)
		s.due.add(it.seq, now.UnixMilli())
		return
	}
	a.item.event = s.run.restored(it.event)
	spawned := false
	if a.entry.Dead != "" {
		spawned = s.d.spawn(a.buryAgain)
	} else {
		if a.entry.Attempts++; a.entry.Attempts == 1 {
			a.entry.First = now.UnixMilli()
		}
		if spawned = s.d.spawn(a.run); !spawned {
			s.gate.cancel(a.pass)
		}
	}
	if !spawned {
		s.d.flight.Release(weight)
		return
	}
	s.bytes += it.size
	s.flying++
}

// putBack has an event looked for again.
func (s *subscription) putBack(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due.add(seq, time.Now().UnixMilli())
}

// rest ends the goroutine, unless something has happened meanwhile.
func (s *subscription) rest(until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.again {
		return false
	}
	if s.d.ahead.Load() > aheadBytesAll {
		s.dropAhead()
	}
	if until.IsZero() {
		s.timer.Stop()
	} else {
		s.timer.Reset(time.Until(until))
	}
	s.working = false
	return true
}

// end takes an event out: it is done with. Called with mu held.
func (s *subscription) end(seq uint64, r cursor.Result) {
	if s.detached {
		return
	}
	s.letGo(seq)
	s.d.cursors.Together(func() { // else a run that is killed in between skips what it has dealt with
		s.run.ended(seq)
		s.place.End(seq, r)
	})
	key, ok := s.keys[seq]
	if !ok {
		return
	}
	delete(s.keys, seq)
	if next, ok := s.order.Leave(key); ok {
		entry, _ := s.place.Entry(next)
		s.due.add(next, entry.Due)
	}
}
