// Package buildcache takes away the Tekton runs that removed the build caches
// of deleted Repositories, and of previews of forks. reconciler/revision starts
// them; no object that could own them is left when they end.
package buildcache

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

// Reconciler deletes such runs once they are done.
type Reconciler struct {
	Client client.Client
	Events events.EventRecorder
}

// Setup adds the reconciler to the manager.
func Setup(mgr ctrl.Manager) error {
	r := &Reconciler{Client: mgr.GetClient(), Events: mgr.GetEventRecorder("headway-buildcache")}
	ours := predicate.NewPredicateFuncs(forgets)
	return ctrl.NewControllerManagedBy(mgr).
		Named("buildcache").
		For(&pipelines.TaskRun{}, builder.WithPredicates(ours)).
		Complete(r)
}

func forgets(run client.Object) bool { return run.GetLabels()[v1alpha1.LabelForgetCache] != "" }

// Reconcile deletes a run that is done. One that failed is told as an event on
// the build namespace's run before it goes: the cache it left is harmless.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var run pipelines.TaskRun
	if err := r.Client.Get(ctx, req.NamespacedName, &run); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !forgets(&run) || !run.IsDone() || run.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	if !run.IsSuccessful() {
		r.Events.Eventf(&run, nil, corev1.EventTypeWarning, "CacheLeft", "Delete",
			"the build cache %s could not be removed; remove that folder on the volume by hand", pipelines.Forgets(&run))
	}
	return ctrl.Result{}, apply.Delete(ctx, r.Client, &run)
}
