package watcher

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// How the looks that may be under way are shared out. A look waits most of its
// time, for a server that may be slow on purpose: so neither one host, nor one
// namespace, nor all whose last look failed together, get more than a part.
const (
	mostLooks      = 64
	mostOfOneHost  = 16
	mostOfOneSpace = 16
	mostFailing    = 16
)

const (
	// turnAgain is the wait of a Repository that gets no slot, and tellWaiting for
	// how long it waits before that is told.
	turnAgain   = time.Second
	tellWaiting = 30 * time.Second
	// staleAfter is for how long a Repository is not looked at before that is told,
	// more than what a failure makes it wait; or so many of its intervals.
	staleAfter     = 10 * time.Minute
	staleIntervals = 3
)

// claim is what a look is counted by.
type claim struct {
	uid             types.UID
	host, namespace string
	// failing: the last look failed.
	failing bool
}

func claimOf(repo *v1alpha1.Repository, failures int) claim {
	return claim{repo.UID, hostOf(repo.Spec.URL), repo.Namespace, failures > 0}
}

// hostOf is the server of a URL, also in the form git@host:path.
func hostOf(raw string) string {
	if at, err := url.Parse(raw); err == nil && at.Host != "" {
		return strings.ToLower(at.Hostname())
	}
	_, host, _ := strings.Cut(raw, "@")
	host, _, _ = strings.Cut(host, ":")
	return strings.ToLower(host)
}

// turns are the looks that are under way, and when each Repository had its last
// one. Safe for concurrent use.
type turns struct {
	now func() time.Time

	mu sync.Mutex
	// since is when this process began to look.
	since   time.Time
	taken   int
	failing int
	hosts   map[string]int
	spaces  map[string]int
	of      map[types.UID]*turn
}

// turn is that of one Repository.
type turn struct {
	// last is when its last look of this process ended, began when the one began that is under way,
	// and waits since when it gets no slot, which why says; zero where there is none.
	last, began, waits time.Time
	why                string
}

func newTurns(now func() time.Time) *turns {
	return &turns{now: now, since: now(), hosts: map[string]int{}, spaces: map[string]int{}, of: map[types.UID]*turn{}}
}

// begin counts from now on: the process looks at nothing before it leads.
func (t *turns) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since = t.now()
}

// take gives a slot for a look, which has to be given back; nil where there is
// none.
func (t *turns) take(c claim) (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	turn := t.turn(c.uid)
	if turn.why = t.full(c); turn.why != "" {
		if turn.waits.IsZero() {
			turn.waits = t.now()
		}
		return nil
	}
	turn.waits, turn.began = time.Time{}, t.now()
	t.count(c, 1)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		turn.last, turn.began = t.now(), time.Time{}
		t.count(c, -1)
	}
}

func (t *turns) turn(uid types.UID) *turn {
	if t.of[uid] == nil {
		t.of[uid] = &turn{}
	}
	return t.of[uid]
}

// full says why there is no slot; "" where there is one.
func (t *turns) full(c claim) string {
	switch {
	case c.failing && t.failing >= mostFailing:
		return fmt.Sprintf("%d looks are under way at repositories whose last look failed, as this one's did", t.failing)
	case t.hosts[c.host] >= mostOfOneHost:
		return fmt.Sprintf("%d looks at %s are under way, the most that one host gets", t.hosts[c.host], c.host)
	case t.spaces[c.namespace] >= mostOfOneSpace:
		return fmt.Sprintf("%d looks at repositories of namespace %s are under way, the most that one gets", t.spaces[c.namespace], c.namespace)
	case t.taken >= mostLooks:
		return fmt.Sprintf("%d looks are under way, the most at once", t.taken)
	}
	return ""
}

func (t *turns) count(c claim, n int) {
	t.taken += n
	if c.failing {
		t.failing += n
	}
	for key, of := range map[string]map[string]int{c.host: t.hosts, c.namespace: t.spaces} {
		if of[key] += n; of[key] == 0 {
			delete(of, key)
		}
	}
}

// waiting says for what a Repository waits that gets no slot for a while; "" before.
func (t *turns) waiting(uid types.UID) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	turn := t.turn(uid)
	if turn.waits.IsZero() || t.now().Sub(turn.waits) < tellWaiting {
		return ""
	}
	return "waiting for a fetch slot: " + turn.why
}

// stale says when a Repository was last looked at, where that is long ago, and
// why; "" where it is not.
func (t *turns) stale(uid types.UID, interval time.Duration) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	turn, now := t.turn(uid), t.now()
	last := turn.last
	if last.IsZero() {
		last = t.since
	}
	ago := now.Sub(last)
	if ago < max(staleAfter, staleIntervals*interval) {
		return ""
	}
	message := "last looked " + duration.HumanDuration(ago) + " ago"
	if turn.last.IsZero() {
		message += ", or longer"
	}
	switch {
	case !turn.began.IsZero():
		message += "; a look has been under way for " + duration.HumanDuration(now.Sub(turn.began))
	case !turn.waits.IsZero():
		message += "; waiting for a fetch slot: " + turn.why
	}
	return message
}

// forget is for a Repository that is gone, or is not to be looked at.
func (t *turns) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, uid)
}
