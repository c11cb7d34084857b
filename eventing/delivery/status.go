package delivery

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/cursor"
)

// Status is how far a subscription is.
type Status struct {
	cursor.Counts
	// Lag is how many events of the channel are not done with.
	Lag uint64
	// Oldest is when the oldest of these was accepted; zero if there is none.
	Oldest time.Time
	// InFlight is how many attempts are under way, those of runs to the same target
	// included, Window how many may be.
	InFlight, Window int
	// HeldUntil is until when the target is left alone because it failed, or asked
	// for it; zero: it is not.
	HeldUntil time.Time
	// LastFailure is the newest one since the program began; zero: none.
	LastFailure Failure
}

// Failure is an attempt that failed, or what else went wrong with an event.
type Failure struct {
	Event   string // its id
	At      time.Time
	Message string
}

// Status returns how far a subscription is; ok is false if there is none. It
// reads at most one event from the channel.
func (d *Dispatcher) Status(ctx context.Context, name types.NamespacedName) (st Status, ok bool) {
	d.mu.Lock()
	s := d.subs[name]
	d.mu.Unlock()
	if s == nil {
		return Status{}, false
	}
	last := s.lane.channel.State().Last // before: what comes meanwhile is nobody's lag
	s.settle()
	s.mu.Lock()
	if s.removed {
		s.mu.Unlock()
		return Status{}, false
	}
	st.LastFailure = s.failure
	s.mu.Unlock()
	st.InFlight, st.Window, st.HeldUntil = s.gate.state()
	st.Counts = s.place.Counts()
	if last > st.Floor {
		st.Lag = last - st.Floor - min(st.Above, last-st.Floor)
	}
	if st.Lag > 0 {
		if records, err := s.lane.channel.Read(ctx, st.Floor+1, 1, 1); err == nil && len(records) > 0 {
			st.Oldest = records[0].At
		}
	}
	return st, true
}

// failed notes a failure. Called with mu held.
func (s *subscription) failed(event, message string, at time.Time) {
	s.failure = Failure{Event: event, At: at, Message: oneLine(message)}
}
