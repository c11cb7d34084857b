package intake

import (
	"sync"
	"time"

	"github.com/headway-dev/headway/eventing/source"
)

// Part is what of a run can go wrong by itself.
type Part int

// The parts, the one that is told first before the others.
const (
	Reading       Part = iota // from the queue
	Keeping                   // in the channel
	Acknowledging             // at the queue
	fitting                   // into the channel
	parts
)

// tellTooLarge is for how long a message that never fits is told, in the place of
// that it goes well.
const tellTooLarge = 10 * time.Minute

// Health tells a Report the first of the parts that goes wrong, and that all goes
// well when the first of them does. Its methods may be called at any time.
type Health struct {
	report source.Report

	mu    sync.Mutex
	wrong [parts]error
	large time.Time // when wrong[fitting] was set
	told  *string   // the last; nil: nothing in this run
}

// NewHealth makes the Health of a run, in which nothing goes wrong yet.
func NewHealth(report source.Report) *Health { return &Health{report: report} }

// Set says how a part goes; nil: well.
func (h *Health) Set(p Part, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrong[p] = err
	if h.wrong[fitting] != nil && time.Since(h.large) > tellTooLarge {
		h.wrong[fitting] = nil
	}
	h.tell()
}

func (h *Health) tooLarge(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrong[fitting], h.large = err, time.Now()
	h.tell()
}

// tell is called with the lock, so that what is told last is what holds.
func (h *Health) tell() {
	var first error
	for _, err := range h.wrong {
		if err != nil {
			first = err
			break
		}
	}
	text := ""
	if first != nil {
		text = first.Error()
	}
	if h.told == nil || text != *h.told {
		h.told = &text
		h.report.Problem(first)
	}
}
