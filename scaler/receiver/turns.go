package receiver

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// reviewEvery is the pace of questions to the API server, and reviewBurst
	// how many may come at once after a pause: all activators of a large cluster
	// when this program starts.
	reviewEvery = 50 * time.Millisecond
	reviewBurst = 50
	// mostTurns wait at the same time. The last of them waits for 3 s.
	mostTurns = 64
)

var (
	errSameAddress = errors.New("another token of this address is being reviewed; try again")
	errManyReviews = errors.New("too many tokens wait for their review; try again")
)

// turns bound how often the API server is asked, whatever arrives. An address
// has one turn at a time, and turns are given in the order in which they were
// asked for: who sends many tokens waits for each of them, and makes an
// activator wait for one. The zero value is ready to use.
type turns struct {
	mu   sync.Mutex
	of   map[string]struct{} // the addresses that wait or have their turn
	next time.Time           // when the next turn is due, if nothing is saved up
}

// take waits for a turn. done ends it.
func (t *turns) take(ctx context.Context, address string) (done func(), err error) {
	wait, err := t.enter(address, time.Now())
	if err != nil {
		return nil, err
	}
	done = func() { t.leave(address) }
	if wait <= 0 {
		return done, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return done, nil
	case <-ctx.Done():
		done()
		return nil, context.Cause(ctx)
	}
}

// enter notes that an address waits, and returns for how long. Unused time is
// saved up for reviewBurst turns.
func (t *turns) enter(address string, now time.Time) (time.Duration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, waits := t.of[address]; waits {
		return 0, errSameAddress
	}
	if len(t.of) >= mostTurns {
		return 0, errManyReviews
	}
	if t.of == nil {
		t.of = map[string]struct{}{}
	}
	t.of[address] = struct{}{}
	if saved := now.Add(-reviewBurst * reviewEvery); t.next.Before(saved) {
		t.next = saved
	}
	t.next = t.next.Add(reviewEvery)
	return t.next.Sub(now), nil
}

func (t *turns) leave(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, address)
}
