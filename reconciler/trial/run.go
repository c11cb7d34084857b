package trial

import (
	"math"
	"reflect"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
)

// Run is a revision under gates.
type Run struct {
	// Revision that is judged, and Stable that it is compared with.
	Revision, Stable string
	// Began tells one trial of a revision from another one.
	Began time.Time
	// Step it is at. Requests are counted anew in each.
	Step int32
	// Weight and StableWeight are their parts of the traffic in basis points.
	Weight, StableWeight int32
	// Settings of its gates.
	Settings gate.Settings
	// Kept is the evidence of an earlier process; it is read when the run begins.
	Kept gate.Evidence
}

const (
	// progress is how often the reconciler hears of a run with requests, so that
	// people see it move.
	progress = 5 * time.Second
	// insist is how often it hears of one that has failed, until it ends.
	insist = 200 * time.Millisecond
)

// run is a Run that is under way.
type run struct {
	Run
	gates *gate.Accumulator
	// What the reconciler was woken with last, and when.
	state   gate.State
	counted gate.Counts
	at      time.Time
}

func (r *run) concerns(revision string) bool { return revision == r.Revision || revision == r.Stable }

// take judges what was measured since it was called last. f.mu is held.
func (r *run) take(f *Feed, namespace string, now time.Time) {
	read := func(name string, weight int32) gate.Measured {
		m := f.source(types.NamespacedName{Namespace: namespace, Name: name}).Split
		m.Revision, m.Weight = name, weight
		return m
	}
	r.gates.Add(now, read(r.Revision, r.Weight), read(r.Stable, r.StableWeight))
}

// due reports whether the reconciler should look.
func (r *run) due(now time.Time) bool {
	evidence, since := r.gates.Evidence(), now.Sub(r.at)
	state := evidence.Verdict(r.Settings).State
	switch {
	case state != r.state:
		return true
	case state == gate.Failed:
		return since >= insist
	}
	return evidence.Step != r.counted && since >= progress
}

func (r *run) told(now time.Time) {
	evidence := r.gates.Evidence()
	r.state, r.counted, r.at = evidence.Verdict(r.Settings).State, evidence.Step, now
}

// Reading says how a revision does by the evidence so far; false if it is not
// judged.
func (f *Feed) Reading(revision types.NamespacedName) (promotion.Reading, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.judged(revision)
	if r == nil {
		return promotion.Reading{}, false
	}
	evidence := r.gates.Evidence()
	return promotion.Reading{
		Gates: evidence.Status(r.Settings), Requests: int64(min(evidence.Step.Requests, math.MaxInt64)), Step: r.Step,
	}, true
}

// judged is the run of a revision; nil if it has none. f.mu is held.
func (f *Feed) judged(revision types.NamespacedName) *run {
	if a := f.apps[f.of[revision]]; a != nil {
		for _, r := range a.runs {
			if r.Revision == revision.Name {
				return r
			}
		}
	}
	return nil
}

// Begin judges revisions from now on, beside those of the app that are judged
// already. It comes before a revision gets its weight: what is counted from now
// on is what it is judged by.
func (f *Feed) Begin(app types.NamespacedName, runs []Run) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change(app, func(a *followed) {
		for _, r := range runs {
			if !slices.ContainsFunc(a.runs, func(old *run) bool { return old.same(r) }) {
				a.runs = slices.DeleteFunc(a.runs, func(old *run) bool { return old.Revision == r.Revision })
				a.runs = append(a.runs, f.begin(app, r))
			}
		}
	})
}

// Follow says that these are the runs of an app, at these steps and weights: it
// begins those that are new and ends the others. It comes after the Route is
// written.
func (f *Feed) Follow(app types.NamespacedName, runs []Run) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change(app, func(a *followed) {
		before := a.runs
		a.runs = nil
		for _, r := range runs {
			i := slices.IndexFunc(before, func(old *run) bool { return old.same(r) })
			if i < 0 {
				a.runs = append(a.runs, f.begin(app, r))
				continue
			}
			f.goOn(app, before[i], r)
			a.runs = append(a.runs, before[i])
		}
	})
}

// same reports whether two are one trial.
func (r *run) same(other Run) bool {
	return r.Revision == other.Revision && r.Began.Equal(other.Began)
}

// goOn takes over the step, the weights and the settings. What other settings
// test anew is judged from now on.
func (f *Feed) goOn(app types.NamespacedName, r *run, now Run) {
	if now.Step != r.Step {
		r.gates.NextStep()
	}
	anew := !reflect.DeepEqual(now.Settings, r.Settings)
	r.Run = now
	if anew {
		r.gates = gate.New(r.Settings, r.gates.Evidence())
		r.take(f, app.Namespace, f.clock())
	}
}

// begin reads the sums from which a run counts.
func (f *Feed) begin(app types.NamespacedName, r Run) *run {
	begun := &run{Run: r, gates: gate.New(r.Settings, r.Kept), at: f.clock()}
	begun.take(f, app.Namespace, begun.at)
	return begun
}
