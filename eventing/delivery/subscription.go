package delivery

import (
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/retry"
)

// subscription is one at work. Its events are in one of these states:
//
//	unseen      at next or later
//	waiting     another event with its key is under way (order)
//	due         to be sent at a time (due)
//	under way   an attempt runs
//	done        place has it
//
// All but the last go back to unseen with a restart; how often an event was
// tried, and when it is tried again, is in place.
type subscription struct {
	d     *Dispatcher
	lane  *lane
	place *cursor.Place
	name  types.NamespacedName // of the place
	of    types.NamespacedName // the subscription: name, but of a run
	log   *slog.Logger
	run   *run // nil: it is no redrive and no replay

	// mu is held for moments only, and never while the disk or the network is
	// waited for.
	mu     sync.Mutex
	sub    Subscription
	policy retry.Policy
	gate   *gate
	grave  *retry.Gate // of the channel for dead letters
	next   uint64      // the first event that was not looked at
	due    due
	ahead  []item // read from next on
	held   held   // read, and waiting for their turn
	order  *retry.Order
	keys   map[uint64]uint64 // of the events in order
	fresh  bool              // the turn of an unseen event, when others are due, too
	bytes  int64             // under way
	flying int               // events under way

	following bool   // the lane tells it of events
	kind      string // that it wants there
	working   bool   // it has a goroutine
	again     bool   // which has to look again
	timer     *time.Timer
	rebuild   bool // start over from place when nothing is under way
	removed   bool
	detached  bool // place belongs to somebody else

	failure Failure
}

// keySeed makes keys of this process: they are never kept.
var keySeed = maphash.MakeSeed()

func newSubscription(d *Dispatcher, l *lane, place *cursor.Place, sub Subscription, name types.NamespacedName, r *run) *subscription {
	s := &subscription{
		d: d, lane: l, place: place, name: name, of: sub.Name, run: r,
		log:  d.log.With("subscription", name),
		gate: d.gateOf(sub, name, r), grave: retry.NewGate(0, 0),
	}
	s.gate.join(s)
	s.timer = time.AfterFunc(time.Hour, s.kick)
	s.timer.Stop()
	s.take(sub)
	s.restart()
	return s
}

// take sets what is to be delivered. Called with mu held, as is restart.
func (s *subscription) take(sub Subscription) {
	s.sub = sub
	s.policy = retry.PolicyOf(sub.Spec.Retry)
	s.gate.limit(sub)
}

// restart makes all events unseen that are not done with. Where no order is
// kept, those to be tried again are due without being looked at.
func (s *subscription) restart() {
	s.rebuild = false
	s.next = s.place.Counts().Floor + 1
	s.dropAhead()
	s.due, s.order, s.keys = nil, nil, nil
	if s.sub.Spec.Ordered != "" {
		s.order, s.keys = retry.NewOrder(), map[uint64]uint64{}
		return
	}
	for seq, e := range s.place.Entries() {
		s.due.add(seq, e.Due)
	}
}

// update changes the subscription in place.
func (s *subscription) update(sub Subscription) {
	s.mu.Lock()
	s.rebuild = s.rebuild || sub.Spec.Ordered != s.sub.Spec.Ordered
	s.leave()
	s.take(sub)
	s.removed = false
	s.mu.Unlock()
	s.kick()
}

// remove lets nothing new begin.
func (s *subscription) remove() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave()
	s.removed = true
	s.dropAhead()
	s.timer.Stop()
}

// detach ends it; what is under way is not recorded any more.
func (s *subscription) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave()
	s.removed, s.detached = true, true
	s.dropAhead()
	s.timer.Stop()
}

func (s *subscription) removedAndIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removed && !s.working && s.flying == 0
}

// arrived tells a follower that an event came which it may want, and that it
// wanted none of those up to through.
func (s *subscription) arrived(through, passed uint64) {
	s.mu.Lock()
	s.following = false
	s.pass(through, passed)
	s.mu.Unlock()
	s.kick()
}

// settle writes down up to where a follower wanted nothing.
func (s *subscription) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.following {
		return
	}
	if through, passed, ok := s.lane.settle(s, s.kind, false); ok {
		s.pass(through, passed)
	}
}

// leave makes it no follower. It is still one if the lane is about to call
// arrived. Called with mu held, as is pass.
func (s *subscription) leave() {
	if !s.following {
		return
	}
	if through, passed, ok := s.lane.settle(s, s.kind, true); ok {
		s.following = false
		s.pass(through, passed)
	}
}

func (s *subscription) pass(through, passed uint64) {
	if s.detached || through < s.next {
		return
	}
	s.place.Pass(s.next, through, cursor.Filtered, passed)
	s.next = through + 1
}

// kick has it look for something to do.
func (s *subscription) kick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working {
		s.again = true
		return
	}
	s.working = s.d.spawn(s.work)
}
