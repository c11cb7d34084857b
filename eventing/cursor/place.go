package cursor

import (
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Place is where a subscription is in its channel: everything up to its floor is
// done with, and some events above. All methods may be called at the same time.
type Place struct {
	store *Store
	name  types.NamespacedName

	// mu is held for moments only, and never while the disk is waited for.
	mu      sync.Mutex
	head    head
	done    ranges
	retries map[uint64]Entry
	// What is not on disk yet: the head, ranges by their beginnings, entries.
	// rewrite: the file may have more than that, as a write has failed.
	dirtyHead, rewrite        bool
	dirtyRanges, dirtyRetries map[uint64]struct{}
}

// Result is how an event ended.
type Result int

// The results.
const (
	Delivered Result = iota
	Filtered
	Dead
	// Gone: the channel did not keep it until it was delivered. It counts as
	// dead.
	Gone
)

// Counts of a place. All events up to Floor are done with.
type Counts struct {
	Floor uint64
	// Above is how many above it are.
	Above                     uint64
	Delivered, Filtered, Dead uint64
	// Retrying is how many events are to be tried again.
	Retrying int
}

// Counts returns what is known.
func (p *Place) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := Counts{Floor: p.head.floor, Delivered: p.head.delivered, Filtered: p.head.filtered, Dead: p.head.dead, Retrying: len(p.retries)}
	for _, s := range p.done {
		c.Above += s.to - s.from + 1
	}
	return c
}

// Begin has the place begin after floor in a channel, without anything else.
func (p *Place) Begin(channel string, floor uint64) {
	p.change(func() {
		p.head = head{floor: floor, channel: channel}
		p.cut(0)
	})
}

// PullBack forgets what lies above last, the newest event of the channel. A place
// ahead of its channel would skip the next events.
func (p *Place) PullBack(last uint64) {
	p.change(func() {
		p.head.floor = min(p.head.floor, last)
		p.cut(last)
	})
}

func (p *Place) cut(last uint64) {
	p.done.cut(last, p.touchRange)
	for seq := range p.retries {
		if seq > last {
			p.drop(seq)
		}
	}
}

// End records that an event is done with. A second time changes nothing.
func (p *Place) End(seq uint64, r Result) {
	p.change(func() {
		if !p.isDone(seq) {
			p.end(span{seq, seq}, r, 1)
		}
	})
}

// Pass records that all events from from to to are done with; n of them count as
// r. None of them may have been recorded before, other than as to be tried again.
func (p *Place) Pass(from, to uint64, r Result, n uint64) {
	if from > to {
		return
	}
	p.change(func() { p.end(span{from, to}, r, n) })
}

// Expire records that the channel has nothing up to to any more, and returns how
// many of those events were not done with; they count as dead.
func (p *Place) Expire(to uint64) (lost uint64) {
	p.change(func() {
		if to <= p.head.floor {
			return
		}
		lost = to - p.head.floor
		for _, s := range p.done {
			if s.from <= to {
				lost -= min(s.to, to) - s.from + 1
			}
		}
		p.end(span{p.head.floor + 1, to}, Gone, lost)
	})
	return lost
}

func (p *Place) end(s span, r Result, n uint64) {
	switch r {
	case Delivered:
		p.head.delivered += n
	case Filtered:
		p.head.filtered += n
	case Dead:
		p.head.dead += n
	case Gone:
		p.head.dead += n
		if p.head.run.begun {
			p.head.run.gone += n
		}
	}
	if uint64(len(p.retries)) < s.to-s.from {
		maps.DeleteFunc(p.retries, func(seq uint64, _ Entry) bool {
			in := s.from <= seq && seq <= s.to
			if in {
				p.dirtyRetries[seq] = struct{}{}
			}
			return in
		})
	} else {
		for seq := s.from; ; seq++ {
			p.drop(seq)
			if seq == s.to {
				break
			}
		}
	}
	if s.from <= p.head.floor+1 { // the usual case, and nothing to search for
		p.head.floor = max(p.head.floor, s.to)
	} else {
		p.done.add(s, p.touchRange)
	}
	p.head.floor = p.done.raise(p.head.floor, p.touchRange)
}

// Retry records that an event is to be tried again, in place of what was
// recorded before.
func (p *Place) Retry(seq uint64, e Entry) {
	p.change(func() {
		if !p.isDone(seq) {
			p.retries[seq] = e
			p.dirtyRetries[seq] = struct{}{}
		}
	})
}

// Entry is what is recorded about an event that is to be tried again.
func (p *Place) Entry(seq uint64) (Entry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.retries[seq]
	return e, ok
}

// Entries returns all events that are to be tried again.
func (p *Place) Entries() map[uint64]Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.retries)
}

// NextOpen is the first event from seq on that is not done with.
func (p *Place) NextOpen(seq uint64) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	seq = max(seq, p.head.floor+1)
	if i := p.done.find(seq); i < len(p.done) && p.done[i].from <= seq {
		return p.done[i].to + 1
	}
	return seq
}

// Room reports whether there is room for more events above the floor, waiting
// ones included that the caller keeps for this place. Without room, events stay
// in the channel.
func (p *Place) Room(waiting int) bool {
	open := p.size() + waiting
	return open < fairOpen || open < maxOpen && p.store.open.Load() < maxOpenAll
}

func (p *Place) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open()
}

func (p *Place) open() int { return len(p.done) + len(p.retries) }

func (p *Place) isDone(seq uint64) bool { return seq <= p.head.floor || p.done.has(seq) }

func (p *Place) drop(seq uint64) {
	if _, ok := p.retries[seq]; ok {
		delete(p.retries, seq)
		p.dirtyRetries[seq] = struct{}{}
	}
}

func (p *Place) touchRange(from uint64) { p.dirtyRanges[from] = struct{}{} }

// change runs f with mu held and has what it changes written.
func (p *Place) change(f func()) {
	p.mu.Lock()
	before, was := p.open(), p.head
	f()
	p.store.open.Add(int64(p.open() - before))
	p.dirtyHead = p.dirtyHead || p.head != was
	p.mu.Unlock()
	p.store.changed(p)
}

// removedAt is when the subscription was removed; zero: it was not.
func (p *Place) removedAt() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.head.removed == 0 {
		return time.Time{}
	}
	return time.UnixMilli(p.head.removed)
}

// revive takes back that the subscription was removed.
func (p *Place) revive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dirtyHead = p.dirtyHead || p.head.removed != 0
	p.head.removed = 0
}
