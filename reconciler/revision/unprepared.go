package revision

import (
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// unprepared is the readiness of a revision whose pods must not start yet: it is
// only built, or its preview's setup has not succeeded. The bool is false where
// they may. What has run before stays.
func (s Seen) unprepared() (condition.State, bool) {
	switch {
	case s.Revision.Status.EverReady || s.Deployment != nil:
		return condition.State{}, false
	case s.onlyBuilt():
		return condition.Unknown(v1alpha1.ReasonWaiting, "built for a merge queue; its pods start when the commit is merged"), true
	case s.Revision.Spec.Preview == nil:
		return condition.State{}, false
	}
	if s.App == nil {
		return condition.Unknown(v1alpha1.ReasonStarting, "waiting for the App of the preview"), true
	}
	if s.App.Prepared() {
		return condition.State{}, false
	}
	prepared := condition.Get(s.App.Status.Conditions, v1alpha1.ConditionPrepared)
	if prepared.Status == "" || prepared.Status == metav1.ConditionTrue {
		prepared = condition.Unknown(v1alpha1.ReasonSettingUp, "waiting for the setup of the preview")
	}
	return prepared, true
}

// stop ends the pods of a revision whose App is going, so that its teardown finds
// nobody at work.
func (r *Reconciler) stop(ctx context.Context, seen Seen) error {
	var failures []error
	if seen.Deployment != nil {
		failures = append(failures, apply.Delete(ctx, r.Client, seen.Deployment))
	}
	if seen.Standby != nil {
		failures = append(failures, apply.Delete(ctx, r.Client, seen.Standby))
	}
	return errors.Join(failures...)
}
