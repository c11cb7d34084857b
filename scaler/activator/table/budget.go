package table

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Crew is an activator's place among those that serve: the sum of their parts
// of a budget is the budget.
type Crew struct{ rank, size int }

// Alone is the only activator.
func Alone() *Crew { return &Crew{size: 1} }

// CrewOf is the place of self among the names of those that serve. One that is
// not among them has no part.
func CrewOf(self string, serving []string) *Crew {
	serving = slices.Clone(serving)
	slices.Sort(serving)
	if rank, ok := slices.BinarySearch(serving, self); ok {
		return &Crew{rank: rank, size: len(serving)}
	}
	return &Crew{}
}

// part of a budget: the whole divided by the number of activators, and one more
// for the first ones while there is a rest. A nil Crew, which does not know the
// others yet, has none.
func (c *Crew) part(of int) int {
	if c == nil || c.size == 0 {
		return 0
	}
	part := of / c.size
	if c.rank < of%c.size {
		part++
	}
	return part
}

// budget bounds the bad answers of one target: those that there were, and the
// requests in flight, each of which may bring one, are never more than this
// activator's part. The lock is held for constant time.
type budget struct {
	of   int // in all activators
	crew *atomic.Pointer[Crew]

	mu       sync.Mutex
	part     int
	bad      int
	inFlight int
}

// take lets one request through; false if it could be one bad answer too many.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	// A part does not grow when another activator leaves, which may have spent
	// its own.
	if part := b.crew.Load().part(b.of); b.part == 0 || part < b.part {
		b.part = part
	}
	if b.bad+b.inFlight >= b.part {
		return false
	}
	b.inFlight++
	return true
}

// give ends a request.
func (b *budget) give(bad bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	if bad {
		b.bad++
	}
}
