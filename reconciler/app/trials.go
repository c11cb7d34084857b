package app

import (
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/check"
	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
	"github.com/headway-dev/headway/reconciler/trial"
)

// runs are the trials as they are judged, of those that a decision leaves. Each
// goes on from the evidence that the status has of it.
func (s Seen) runs(decision promotion.Decision) (runs []trial.Run) {
	weight := func(revision string) (w int32) {
		for _, t := range decision.Traffic {
			if t.Revision == revision {
				w += t.Weight
			}
		}
		return w
	}
	for i := range decision.Trials {
		t := &decision.Trials[i]
		run := trial.Run{
			Revision: t.Revision, Stable: t.Stable, Began: t.Began.Time, Step: t.Step,
			Weight: weight(t.Revision), StableWeight: weight(t.Stable),
			Settings: gate.From(s.gates(t.Ref), s.timeout(t.Revision, t.Stable)),
		}
		if before := s.App.Status.Trial(t.Revision); before != nil && before.Began.Equal(&t.Began) {
			run.Kept = gate.Recall(before)
		}
		runs = append(runs, run)
	}
	return runs
}

// subjects are the trials as their gates are asked about them.
func (s Seen) subjects(decision promotion.Decision) (subjects []check.Subject) {
	for _, t := range decision.Trials {
		if gates := s.gates(t.Ref); gates != nil {
			subjects = append(subjects, check.Subject{
				App: client.ObjectKeyFromObject(s.App), Revision: t.Revision, Began: t.Began.Time, Step: t.Step, Gates: *gates,
			})
		}
	}
	return subjects
}

// gates of the rule for a ref; nil: none.
func (s Seen) gates(ref string) *v1alpha1.Gates {
	if rule := s.App.Spec.RuleFor(ref); rule != nil {
		return rule.Gates
	}
	return nil
}

// timeout is the longest that a request to one of two revisions may take.
func (s Seen) timeout(names ...string) (longest time.Duration) {
	for _, name := range names {
		if rev := s.revision(name); rev != nil {
			longest = max(longest, rev.Spec.Timeout.Duration)
		}
	}
	return longest
}
