package trial

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/reconciler/promotion"
)

// settling is a live revision that has not settled.
type settling struct {
	revision types.NamespacedName
	begin    promotion.Answers // its counts when it took the traffic
	bad      uint64            // that the reconciler was woken for
}

// worse reports whether a settling revision has had more bad answers than the
// reconciler was woken for. f.mu is held.
func (s *settling) worse(f *Feed, revision types.NamespacedName) bool {
	return s != nil && s.revision == revision && f.source(revision).Answers.Bad > s.bad
}

// Answers of a revision: since it took the traffic if it settles, else since
// this process runs.
func (f *Feed) Answers(revision types.NamespacedName) promotion.Answers {
	all := f.source(revision).Answers
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.apps[f.of[revision]]
	if a == nil || a.settling == nil || a.settling.revision != revision {
		return all
	}
	begin := a.settling.begin
	if all.All < begin.All || all.Bad < begin.Bad { // the sums began anew
		return all
	}
	return promotion.Answers{All: all.All - begin.All, Bad: all.Bad - begin.Bad}
}

// Settle counts the answers of a revision that has just taken an app's traffic.
func (f *Feed) Settle(app, revision types.NamespacedName) {
	f.settle(app, &settling{revision: revision, begin: f.source(revision).Answers})
}

// Resume goes on counting for a revision that settles, also if an earlier process
// has begun: then all that this one has heard of counts.
func (f *Feed) Resume(app, revision types.NamespacedName) {
	f.mu.Lock()
	a := f.apps[app]
	counts := a != nil && a.settling != nil && a.settling.revision == revision
	f.mu.Unlock()
	if !counts {
		f.settle(app, &settling{revision: revision})
	}
}

// Settled ends that count.
func (f *Feed) Settled(app types.NamespacedName) { f.settle(app, nil) }

func (f *Feed) settle(app types.NamespacedName, s *settling) {
	if s != nil {
		s.bad = s.begin.Bad
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change(app, func(a *followed) { a.settling = s })
}
