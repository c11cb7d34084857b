package app

import (
	"cmp"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/promotion"
)

// promoting says how far the head of production is on its way to all of the
// traffic. The first row that fits wins; false: there is nothing to say.
//
//	it is on trial, and
//	  hold is set, or it has doubts that a person decides   True   Held
//	  a freeze window holds                                 True   Frozen
//	  no tag approves it yet                                True   Approval
//	  time alone is missing, or nothing                     True   Stepping
//	  anything else is missing                              True   Waiting
//	it is quarantined                                       False  RolledBack
//	there was a trial once                                  False  Idle
func (s Seen) promoting(status *v1alpha1.AppStatus, now time.Time) (condition.State, bool) {
	head := s.production(now)
	for i := range status.Trials {
		if t := &status.Trials[i]; t.Ref == s.App.Spec.ProductionRef {
			return condition.True(s.waitsFor(t, head, now), progress(t)), true
		}
	}
	if role := status.Revision(s.newest()); role != nil && role.Role == v1alpha1.RoleQuarantined {
		return condition.False(v1alpha1.ReasonRolledBack, fmt.Sprintf("revision %s has no traffic any more: %s", role.Name, role.Message)), true
	}
	known := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionPromoting) != nil
	return condition.False(v1alpha1.ReasonIdle, "nothing is on its way"), known
}

func (s Seen) waitsFor(t *v1alpha1.Trial, head promotion.Head, now time.Time) string {
	switch {
	case s.App.Spec.Hold || t.Held != "":
		return v1alpha1.ReasonHeld
	case head.Frozen.Until.After(now):
		return v1alpha1.ReasonFrozen
	case head.Rule.Approve && t.Step == 0 && !head.Approved && !head.Promoted:
		return v1alpha1.ReasonApproval
	case t.Next != nil || t.Waiting == "":
		return v1alpha1.ReasonStepping
	}
	return v1alpha1.ReasonWaiting
}

// progress of a trial in one sentence.
func progress(t *v1alpha1.Trial) string {
	s := fmt.Sprintf("revision %s has %s of the traffic", t.Revision, v1alpha1.Percent(t.Weight))
	if t.Steps > 0 {
		s += fmt.Sprintf(", step %d of %d", t.Step, t.Steps)
	}
	if t.Held != "" {
		s += "; it is held: " + t.Held
	}
	return s + "; it waits " + cmp.Or(t.Waiting, "for nothing")
}
