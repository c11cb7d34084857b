package table

import (
	"math/rand/v2"
	"sync"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// bag draws the numbers below 10,000 in random order, each once, and begins
// anew: of as many requests every target gets exactly its weight, where
// independent draws would miss 10% by 0.3 points. Whoever knows all requests
// but the order of the draws still cannot tell who gets which, which is what a
// comparison of two targets stands on.
type bag struct {
	mu    sync.Mutex
	drawn int
	order [v1alpha1.Whole]uint16
}

func newBag() *bag {
	b := &bag{}
	for i := range b.order {
		b.order[i] = uint16(i)
	}
	return b
}

// draw is a step of the shuffle of Fisher and Yates.
func (b *bag) draw() uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.drawn
	j := i + rand.IntN(len(b.order)-i)
	b.order[i], b.order[j] = b.order[j], b.order[i]
	b.drawn = (i + 1) % len(b.order)
	return uint32(b.order[i])
}
