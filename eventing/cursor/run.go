package cursor

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Run is what is kept of a redrive or a replay: a place that ends.
type Run struct {
	// Channel that has its events.
	Channel string
	// To is the last of them; it is done when all up to that one are.
	To uint64
	// Started and Finished are when; zero: it has not.
	Started, Finished time.Time
	// Gone is how many events the channel did not keep until they were delivered.
	// They are among Counts.Dead.
	Gone uint64
	// Note is what there is to say about its beginning, for people.
	Note string
}

// run is a Run in a head; begun is false for the place of a subscription.
type run struct {
	begun             bool
	to, gone          uint64
	started, finished int64 // in milliseconds since 1970; 0: it has not
	note              string
}

// separator is between the name of a subscription and what is its own, too. It is
// in no name.
const separator = "~"

// RunName is the name of the place of a redrive or a replay. It is kept for as
// long as the place of its subscription.
func RunName(of types.NamespacedName, kind, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: of.Namespace, Name: strings.Join([]string{of.Name, kind, name}, separator)}
}

// owner is the subscription that a place belongs to; false: it is one's own.
func owner(name types.NamespacedName) (types.NamespacedName, bool) {
	of, _, owned := strings.Cut(name.Name, separator)
	return types.NamespacedName{Namespace: name.Namespace, Name: of}, owned
}

// BeginRun has the place of a run begin after floor. Its Channel is where, its
// Finished and Gone are left out.
func (p *Place) BeginRun(floor uint64, r Run) {
	p.change(func() {
		p.head = head{floor: floor, channel: r.Channel, run: run{begun: true, to: r.To, started: r.Started.UnixMilli(), note: r.Note}}
		p.cut(0)
	})
}

// Finish notes that the run is done.
func (p *Place) Finish(at time.Time) {
	p.change(func() { p.head.run.finished = at.UnixMilli() })
}

// Run is what is known of the run whose place this is; false: it has not begun.
func (p *Place) Run() (Run, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.head.run
	out := Run{Channel: p.head.channel, To: r.to, Gone: r.gone, Note: r.note, Started: time.UnixMilli(r.started)}
	if r.finished != 0 {
		out.Finished = time.UnixMilli(r.finished)
	}
	return out, r.begun
}

// Run returns what is known of a run by the name of its place; false: it has not
// begun.
func (s *Store) Run(name types.NamespacedName) (Run, Counts, bool) {
	s.mu.Lock()
	p := s.places[name]
	s.mu.Unlock()
	if p == nil {
		return Run{}, Counts{}, false
	}
	r, ok := p.Run()
	return r, p.Counts(), ok
}
