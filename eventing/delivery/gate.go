package delivery

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/retry"
)

// gate is a retry.Gate for a subscription and its runs: what bounds the deliveries
// to a target bounds all of them together. All its methods may be called at the
// same time.
type gate struct {
	key types.NamespacedName // in Dispatcher.gates

	// mu is held for moments only, and no other lock is taken under it.
	mu    sync.Mutex
	gate  *retry.Gate
	users []*subscription
}

// gateOf is the gate of a subscription, or of a run of it. Called with mu held.
func (d *Dispatcher) gateOf(sub Subscription, name types.NamespacedName, r *run) *gate {
	key := sub.Name
	if r != nil && r.elsewhere {
		key = name
	}
	g := d.gates[key]
	if g == nil {
		g = &gate{key: key, gate: retry.NewGate(int(sub.Spec.InFlight), int(sub.Spec.Rate))}
		d.gates[key] = g
	}
	return g
}

func (g *gate) limit(sub Subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gate.Limit(int(sub.Spec.InFlight), int(sub.Spec.Rate))
}

// ask is retry.Gate.Ask.
func (g *gate) ask(now time.Time) (bool, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gate.Ask(now)
}

// begin counts an attempt, if one may begin.
func (g *gate) begin(now time.Time) (retry.Pass, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ok, _ := g.gate.Ask(now); !ok {
		return retry.Pass{}, false
	}
	return g.gate.Begin(now), true
}

func (g *gate) end(p retry.Pass, o retry.Outcome, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gate.End(p, o, now)
}

func (g *gate) cancel(p retry.Pass) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gate.Cancel(p)
}

// kick has all users look for something to do, each time another one first.
func (g *gate) kick() {
	g.mu.Lock()
	users := g.users
	if len(users) > 1 {
		g.users = append(slices.Clone(users[1:]), users[0])
	}
	g.mu.Unlock()
	for _, s := range users {
		s.kick()
	}
}

// join adds a user, leave takes it out and returns how many are left.
func (g *gate) join(s *subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users = append(slices.Clone(g.users), s)
}

func (g *gate) leave(s *subscription) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users = slices.DeleteFunc(slices.Clone(g.users), func(u *subscription) bool { return u == s })
	return len(g.users)
}

// state is how many attempts are under way, how many may be, and until when the
// target is left alone.
func (g *gate) state() (inFlight, window int, held time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gate.InFlight(), g.gate.Window(), g.gate.HeldUntil()
}
