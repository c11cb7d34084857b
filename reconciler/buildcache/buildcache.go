// Package buildcache looks after the volume of build caches: it has what is too
// much evicted after builds, and takes away the Tekton runs that removed the
// caches of deleted Repositories, and of previews of forks. reconciler/revision
// starts the latter; no object that could own them is left when they end.
//
// What is evicted is decided where the volume is, by cmd/buildstep/evict.
package buildcache

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/index"
)

const (
	// evictAfter is the pause between the end of a build and the eviction that
	// deals with what it left, and with what other builds left meanwhile.
	evictAfter = 10 * time.Minute
	// goneAfter is the pause until a run that is being deleted should be gone.
	goneAfter = time.Second
)

// Reconciler looks after one build namespace.
type Reconciler struct {
	Client client.Client
	Events events.EventRecorder
}

// Setup adds the reconciler to the manager.
func Setup(mgr ctrl.Manager, leader *election.Leader) error {
	r := &Reconciler{Client: mgr.GetClient(), Events: mgr.GetEventRecorder("headway-buildcache")}
	done := predicate.NewPredicateFuncs(func(o client.Object) bool { return o.(*pipelines.TaskRun).IsDone() })
	return ctrl.NewControllerManagedBy(mgr).
		Named("buildcache").
		For(&pipelines.TaskRun{}, builder.WithPredicates(done)).
		Complete(leader.Reconciler(r))
}

// Reconcile deals with a run that is done.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var run pipelines.TaskRun
	if err := r.Client.Get(ctx, req.NamespacedName, &run); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !run.IsDone() || run.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	switch {
	case run.Labels[v1alpha1.LabelForgetCache] != "":
		return ctrl.Result{}, r.forgotten(ctx, &run)
	case run.Labels[v1alpha1.LabelEvictCaches] != "":
		r.evicted(&run)
		return ctrl.Result{}, nil
	case run.Labels[v1alpha1.LabelBuildKey] != "" && run.Status.CompletionTime != nil:
		return r.built(ctx, &run, time.Now())
	}
	return ctrl.Result{}, nil
}

// forgotten deletes a run. One that failed is told as an event on it before it
// goes: the cache that it left is harmless.
func (r *Reconciler) forgotten(ctx context.Context, run *pipelines.TaskRun) error {
	if !run.IsSuccessful() {
		r.Events.Eventf(run, nil, corev1.EventTypeWarning, "CacheLeft", "Delete",
			"the build cache %s could not be removed; remove that folder on the volume by hand", pipelines.Forgets(run))
	}
	return apply.Delete(ctx, r.Client, run)
}

// evicted tells a failure. The run stays until the next one, so that it can be
// looked into.
func (r *Reconciler) evicted(run *pipelines.TaskRun) {
	if !run.IsSuccessful() {
		r.Events.Eventf(run, nil, corev1.EventTypeWarning, "CachesNotEvicted", "Evict",
			"the build caches could not be kept within bounds; the log of the pod %s says why", run.Status.PodName)
	}
}

// built has caches evicted some time after a build. Which builds an eviction has
// dealt with is told by when its run was made.
func (r *Reconciler) built(ctx context.Context, build *pipelines.TaskRun, now time.Time) (ctrl.Result, error) {
	last, err := index.Lookup(ctx, r.Client, build.Namespace, pipelines.EvictRun, &pipelines.TaskRun{})
	if err != nil {
		return ctrl.Result{}, err
	}
	due := build.Status.CompletionTime.Add(evictAfter)
	switch {
	case last != nil && last.CreationTimestamp.After(build.Status.CompletionTime.Time):
		return ctrl.Result{}, nil
	case now.Before(due):
		return ctrl.Result{RequeueAfter: due.Sub(now)}, nil
	case last != nil && !last.IsDone():
		return ctrl.Result{RequeueAfter: evictAfter}, nil
	case last != nil:
		return ctrl.Result{RequeueAfter: goneAfter}, apply.Delete(ctx, r.Client, last)
	}
	err = r.Client.Create(ctx, pipelines.EvictRunFor(build.Namespace), apply.Reconcilers)
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return ctrl.Result{}, fmt.Errorf("creating the run that keeps build caches within bounds: %w", err)
	}
	return ctrl.Result{}, nil
}
