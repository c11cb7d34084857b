package delivery

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
)

// Run is a redrive or a replay: a part of a channel, with an end, that is delivered
// beside what its subscription delivers. It is done once for each name.
type Run struct {
	Kind RunKind
	Name string
	// Subscription is the one whose run it is. Its Spec says how events are
	// delivered; Filter is that of the run, and Target where it delivers.
	Subscription
	// Channel that has the events.
	Channel string
	// Elsewhere: Target is not that of the subscription, which bounds deliveries to
	// each on its own then.
	Elsewhere bool
	// Again: a redrive takes those letters, too, that another one has dealt with.
	Again bool
	// From and Until bound a replay.
	From, Until string
	// Find finds an event by its id; nil, or false: the channel is searched.
	Find func(name channel.Name, id string) (seq uint64, ok bool)
}

func (r *Run) place() types.NamespacedName {
	return cursor.RunName(r.Subscription.Name, string(r.Kind), r.Name)
}

// SetRun begins a run, goes on with one, or changes one in place; one that is done
// stays so. Others of its kind and subscription are stopped where they are. It is an
// error if its channel does not exist, and *Impossible if the run is.
func (d *Dispatcher) SetRun(ctx context.Context, r Run) error {
	name := types.NamespacedName{Namespace: r.Subscription.Name.Namespace, Name: r.Channel}
	ch, ok := d.store.Channel(name)
	if !ok {
		return fmt.Errorf("there is no channel %s", name)
	}
	if d.goOn(r, ch) {
		return nil
	}
	where, err := r.bounds(ctx, ch, d.letters(r))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	place, _ := d.cursors.Place(r.place(), r.Channel)
	place.BeginRun(where.first-1, cursor.Run{Channel: r.Channel, To: where.last, Started: time.Now(), Note: where.note})
	if err := d.cursors.Flush(ctx); err != nil {
		return fmt.Errorf("noting that %s of subscription %s has begun: %w", r.Name, r.Subscription.Name, err)
	}
	d.addRun(r, ch, place)
	return nil
}

// goOn is SetRun for a run that has begun; false: it has not.
func (d *Dispatcher) goOn(r Run, ch *channel.Channel) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopRuns(r.Subscription.Name, r.Kind, r.Name)
	known, _, begun := d.cursors.Run(r.place())
	if !begun || known.Finished.IsZero() && known.Channel != r.Channel {
		return false
	}
	if !known.Finished.IsZero() {
		return true
	}
	if s := d.subs[r.place()]; s != nil && s.lane.channel == ch {
		s.update(r.Subscription)
		return true
	} else if s != nil {
		d.detach(s)
	}
	place, _ := d.cursors.Place(r.place(), r.Channel)
	d.addRun(r, ch, place)
	return true
}

// letters is what redrives of a subscription have dealt with; nil: it is a replay.
func (d *Dispatcher) letters(r Run) *cursor.Place {
	if r.Kind != Redrive {
		return nil
	}
	place, begun := d.cursors.Place(cursor.RunName(r.Subscription.Name, string(Redrive), ""), r.Channel)
	if !begun {
		place.Begin(r.Channel, 0)
	}
	return place
}

// addRun has a run deliver. It reads by itself: its lane has nothing to do. Called
// with mu held, as are the next two.
func (d *Dispatcher) addRun(r Run, ch *channel.Channel, place *cursor.Place) {
	known, _ := place.Run()
	s := newSubscription(d, newLane(ch, d.log), place, r.Subscription, r.place(),
		&run{kind: r.Kind, name: r.Name, to: known.To, earlier: d.letters(r), again: r.Again, elsewhere: r.Elsewhere})
	d.subs[s.name] = s
	s.kick()
}

// stopRuns stops the runs of a subscription of a kind, "" for all, but for one.
func (d *Dispatcher) stopRuns(of types.NamespacedName, kind RunKind, but string) {
	for _, s := range d.subs {
		if s.run != nil && s.sub.Name == of && (kind == "" || s.run.kind == kind) && s.run.name != but {
			s.remove()
		}
	}
}

// StopRuns stops the runs of a subscription of a kind where they are. SetRun has
// them go on.
func (d *Dispatcher) StopRuns(of types.NamespacedName, kind RunKind) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopRuns(of, kind, "")
}

// retire lets go of a run that is done.
func (d *Dispatcher) retire(s *subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.subs[s.name] == s {
		d.drop(s)
	}
}

// RunStatus is how far a run is.
type RunStatus struct {
	cursor.Counts
	cursor.Run
	// Left is how many events it is not done with.
	Left uint64
	// LastFailure is the newest one since the program began; zero: none.
	LastFailure Failure
}

// RunStatus returns how far a run is; ok is false if it has not begun.
func (d *Dispatcher) RunStatus(of types.NamespacedName, kind RunKind, name string) (st RunStatus, ok bool) {
	place := cursor.RunName(of, string(kind), name)
	st.Run, st.Counts, ok = d.cursors.Run(place)
	if st.To > st.Floor {
		st.Left = st.To - st.Floor - min(st.Above, st.To-st.Floor)
	}
	d.mu.Lock()
	s := d.subs[place]
	d.mu.Unlock()
	if s != nil {
		s.mu.Lock()
		st.LastFailure = s.failure
		s.mu.Unlock()
	}
	return st, ok
}
