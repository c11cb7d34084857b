package revision

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/index"
)

// needsRoom reports whether no node has room for a revision: for its build, or
// for its pods. The parked pods of the same app give way then, or the commit
// that asks for fewer of them could never take their place.
func needsRoom(rev *v1alpha1.Revision) bool {
	for _, kind := range []string{v1alpha1.ConditionBuilt, v1alpha1.ConditionReady} {
		c := condition.Get(rev.Status.Conditions, kind)
		if c.Reason == v1alpha1.ReasonInsufficientResources && c.Status != metav1.ConditionFalse {
			return true
		}
	}
	return false
}

// crowded names another revision of the app that no node has room for; empty if
// there is none.
func (s Seen) crowded() string {
	for i := range s.Siblings {
		if needsRoom(&s.Siblings[i]) {
			return s.Siblings[i].Name
		}
	}
	return ""
}

// standbysBeside maps a revision to those of its app whose parked pods, where
// there are any, could give way.
func (r *Reconciler) standbysBeside(ctx context.Context, o client.Object) []reconcile.Request {
	rev := o.(*v1alpha1.Revision)
	beside := func(other *v1alpha1.Revision) bool {
		return other.Name != rev.Name && other.Spec.Scale.Standby > 0
	}
	return r.requests(ctx, beside, client.InNamespace(rev.Namespace), client.MatchingFields{index.RevisionApp: rev.Spec.App})
}

// roomChanged lets through that a revision finds no room, and that it needs
// none any more.
func roomChanged() predicate.Predicate {
	lacks := func(o client.Object) bool {
		return o.GetDeletionTimestamp() == nil && needsRoom(o.(*v1alpha1.Revision))
	}
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return lacks(e.Object) },
		DeleteFunc: func(e event.DeleteEvent) bool { return lacks(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool { return lacks(e.ObjectOld) != lacks(e.ObjectNew) },
	}
}
