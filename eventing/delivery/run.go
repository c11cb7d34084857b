package delivery

import (
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/event"
)

// RunKind is what a run is.
type RunKind string

// The kinds.
const (
	// Redrive delivers dead letters of a subscription again.
	Redrive RunKind = "redrive"
	// Replay delivers events of its channel again.
	Replay RunKind = "replay"
)

// run is what makes a subscription a redrive or a replay: it has an end.
//
// A redrive passes over the letters of other subscriptions, and, unless it is to
// take them again, those that a redrive has dealt with before: delivered, or made a
// dead letter once more. Which ones these are is in a place of its own for all
// redrives of a subscription. What only a filter kept from an earlier one is not
// among them.
type run struct {
	kind RunKind
	name string
	to   uint64 // the last event
	// earlier is what redrives have dealt with; nil: it is a replay.
	earlier *cursor.Place
	again   bool
	// elsewhere: it delivers to another target than its subscription does.
	elsewhere bool
}

// String is what dead letters say of it.
func (r *run) String() string { return string(r.kind) + "/" + r.name }

// runName is the name of a run's place; "" of a subscription.
func (s *subscription) runName() string {
	if s.run == nil {
		return ""
	}
	return s.name.Name
}

// skips reports whether an event is none of a redrive of a subscription, which takes
// the letters of the one that it continues, too.
func (r *run) skips(of Subscription, it item) bool {
	if r == nil || r.earlier == nil {
		return false
	}
	by, _ := it.event.Get(attrDeadSubscription)
	before := types.NamespacedName{Namespace: of.Name.Namespace, Name: of.Spec.Continues}
	if by != of.Name.String() && by != before.String() {
		r.passOver(it.seq, it.seq)
		return true
	}
	return !r.again && r.earlier.NextOpen(it.seq) != it.seq
}

// passOver notes events that no redrive will ever take, which keeps what is
// remembered small.
func (r *run) passOver(from, to uint64) {
	if r != nil && r.earlier != nil {
		r.earlier.Pass(from, to, cursor.Filtered, 0)
	}
}

// ended notes a dead letter that is dealt with. Where there is no room for it, a
// later redrive takes it again.
func (r *run) ended(seq uint64) {
	if r != nil && r.earlier != nil && r.earlier.Room(0) {
		r.earlier.End(seq, cursor.Delivered)
	}
}

// restored is the event that a dead letter was made of.
func (r *run) restored(letter *event.Event) *event.Event {
	if r == nil || r.kind != Redrive {
		return letter
	}
	e := *letter
	e.Extensions = nil
	for _, a := range letter.Extensions {
		switch {
		case strings.HasPrefix(a.Name, deadPrefix):
			continue
		case a.Name == attrHops:
			// That of becoming a dead letter: else a letter that is redriven often
			// would be taken for one that goes round in a loop.
			hops, _ := strconv.Atoi(a.Value)
			if hops <= 1 {
				continue
			}
			a.Value = strconv.Itoa(hops - 1)
		}
		e.Extensions = append(e.Extensions, a)
	}
	return &e
}

// through reports whether a run has looked at all of its events. Called with mu
// held, as is finish.
func (s *subscription) through() bool { return s.run != nil && s.next > s.run.to }

// finish ends a run all of whose events are done with.
func (s *subscription) finish(now time.Time) bool {
	if s.run == nil || s.detached || s.place.NextOpen(1) <= s.run.to {
		return false
	}
	if r, _ := s.place.Run(); r.Finished.IsZero() {
		s.place.Finish(now)
	}
	s.dropAhead()
	s.timer.Stop()
	return true
}
