// Package trial tells the app reconciler how revisions on trial do, as the
// activators report it, and wakes it when that says something new.
//
// Two kinds of revisions are on trial:
//
//	a run       a candidate or a share beside the stable revision, under gates:
//	            each report goes to a gate.Accumulator
//	settling    the live revision, until it has settled: its answers are counted
//	            from the moment when it took all of the traffic
//
// It promises that a run which has failed wakes the reconciler with the very
// report that shows it and again until somebody acts, and that all else wakes it
// seldom: a verdict that changes, a bad answer of a settling revision, news
// every 5 seconds. It decides nothing and writes nothing: what must survive this
// process is kept by the reconciler, which gives it back when it begins a run.
package trial

import (
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
)

// Measured is what the activators have counted of a revision since this process
// runs, all of them together.
type Measured struct {
	// Answers are those that its pods have given, whatever the request's host.
	Answers promotion.Answers
	// Split are the requests that the weights of a Route have sent to it. It has
	// no Revision and no Weight.
	Split gate.Measured
}

// Source reads what was measured of a revision. It does not block.
type Source func(revision types.NamespacedName) Measured

// Feed brings what is measured to the reconciler. It is safe for concurrent use.
type Feed struct {
	source Source
	clock  func() time.Time
	wake   chan event.GenericEvent // capacity wakes

	mu   sync.Mutex // held for the sums of one report and never while anything waits
	apps map[types.NamespacedName]*followed
	of   map[types.NamespacedName]types.NamespacedName // the app of a revision on trial, or compared with
}

// wakes is how many apps can wait for the reconciler. It reads them at once; one
// that finds no place is told of by the next report, a tenth of a second later.
const wakes = 1024

// followed is an app with revisions on trial.
type followed struct {
	settling *settling
	runs     []*run
	names    []types.NamespacedName // its entries in Feed.of
}

// New makes a Feed. A nil source counts nothing.
func New(source Source) *Feed {
	if source == nil {
		source = func(types.NamespacedName) Measured { return Measured{} }
	}
	return &Feed{
		source: source, clock: time.Now, wake: make(chan event.GenericEvent, wakes),
		apps: map[types.NamespacedName]*followed{}, of: map[types.NamespacedName]types.NamespacedName{},
	}
}

// Wake yields the apps to look at.
func (f *Feed) Wake() <-chan event.GenericEvent { return f.wake }

// Look has an app looked at soon, as something else about its trials is known.
// It does not block.
func (f *Feed) Look(app types.NamespacedName) bool {
	select {
	case f.wake <- event.GenericEvent{Object: &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}}:
		return true
	default:
		return false
	}
}

// Changed is told which revisions a report names. It does not block.
func (f *Feed) Changed(revision types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	app, known := f.of[revision]
	if !known {
		return
	}
	a, now := f.apps[app], f.clock()
	wake := a.settling.worse(f, revision)
	for _, r := range a.runs {
		if r.concerns(revision.Name) {
			r.take(f, app.Namespace, now)
			wake = r.due(now) || wake
		}
	}
	if wake && f.Look(app) {
		a.told(f, now)
	}
}

// told notes what the reconciler has been woken for.
func (a *followed) told(f *Feed, now time.Time) {
	if a.settling != nil {
		a.settling.bad = f.source(a.settling.revision).Answers.Bad
	}
	for _, r := range a.runs {
		r.told(now)
	}
}

// Forget ends all that is followed of an app.
func (f *Feed) Forget(app types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change(app, func(a *followed) { *a = followed{names: a.names} })
}

// change changes what is followed of an app. f.mu is held.
func (f *Feed) change(app types.NamespacedName, change func(*followed)) {
	a := f.apps[app]
	if a == nil {
		a = &followed{}
		f.apps[app] = a
	}
	change(a)
	for _, name := range a.names {
		delete(f.of, name)
	}
	a.names = nil
	if a.settling != nil {
		a.names = append(a.names, a.settling.revision)
	}
	for _, r := range a.runs {
		for _, name := range []string{r.Revision, r.Stable} {
			a.names = append(a.names, types.NamespacedName{Namespace: app.Namespace, Name: name})
		}
	}
	for _, name := range a.names {
		f.of[name] = app
	}
	if len(a.names) == 0 {
		delete(f.apps, app)
	}
}
