// Package answers tells the app reconciler how the requests of a live revision
// end, as the activators report it, and wakes it when one ends badly.
//
// It promises that counts begin when a revision takes the traffic, and that
// only apps whose live revision has not settled are woken. It keeps nothing
// across restarts: then counts begin anew, which is no evidence against anybody.
package answers

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/promotion"
)

// Source counts all answers of a revision since this process runs.
type Source func(revision types.NamespacedName) promotion.Answers

// Feed brings the counts to the reconciler. It is safe for concurrent use.
type Feed struct {
	source Source
	wake   chan event.GenericEvent // capacity wakes

	mu   sync.Mutex
	apps map[types.NamespacedName]*trial
	of   map[types.NamespacedName]types.NamespacedName // the app of a revision on trial
}

// wakes is how many apps can wait for the reconciler. It reads them at once; one
// that finds no place is told of by the next report, a tenth of a second later.
const wakes = 1024

// trial is a live revision that has not settled.
type trial struct {
	revision types.NamespacedName
	begin    promotion.Answers // its counts when it took the traffic
	bad      uint64            // that the reconciler was woken for
}

// New makes a Feed. A nil source counts nothing.
func New(source Source) *Feed {
	if source == nil {
		source = func(types.NamespacedName) promotion.Answers { return promotion.Answers{} }
	}
	return &Feed{
		source: source, wake: make(chan event.GenericEvent, wakes),
		apps: map[types.NamespacedName]*trial{}, of: map[types.NamespacedName]types.NamespacedName{},
	}
}

// Wake yields the apps to look at.
func (f *Feed) Wake() <-chan event.GenericEvent { return f.wake }

// Of counts the answers of a revision: since its trial began if it has one.
func (f *Feed) Of(revision types.NamespacedName) promotion.Answers {
	all := f.source(revision)
	f.mu.Lock()
	defer f.mu.Unlock()
	// Sums that are smaller than before began anew.
	if t := f.apps[f.of[revision]]; t != nil && t.revision == revision && all.All >= t.begin.All && all.Bad >= t.begin.Bad {
		return promotion.Answers{All: all.All - t.begin.All, Bad: all.Bad - t.begin.Bad}
	}
	return all
}

// Begin puts a revision that has just taken an app's traffic on trial.
func (f *Feed) Begin(app, revision types.NamespacedName) {
	f.follow(app, revision, f.source(revision))
}

// Resume goes on with a trial that an earlier process has begun.
func (f *Feed) Resume(app, revision types.NamespacedName) {
	f.mu.Lock()
	t := f.apps[app]
	f.mu.Unlock()
	if t == nil || t.revision != revision {
		f.follow(app, revision, promotion.Answers{})
	}
}

func (f *Feed) follow(app, revision types.NamespacedName, begin promotion.Answers) {
	f.End(app)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.apps[app] = &trial{revision: revision, begin: begin, bad: begin.Bad}
	f.of[revision] = app
}

// End ends the trial of an app's live revision, if there is one.
func (f *Feed) End(app types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.apps[app]; t != nil {
		delete(f.of, t.revision)
		delete(f.apps, app)
	}
}

// Changed is told which revisions a report names. It does not block.
func (f *Feed) Changed(revision types.NamespacedName) {
	f.mu.Lock()
	app := f.of[revision]
	t := f.apps[app]
	f.mu.Unlock()
	if t == nil {
		return
	}
	bad := f.source(revision).Bad
	f.mu.Lock()
	defer f.mu.Unlock()
	if bad <= t.bad {
		return
	}
	select {
	case f.wake <- event.GenericEvent{Object: &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}}:
		t.bad = bad
	default:
	}
}
