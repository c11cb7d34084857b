package app

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/check"
	"github.com/headway-dev/headway/reconciler/index"
	"github.com/headway-dev/headway/reconciler/preview"
	"github.com/headway-dev/headway/reconciler/trial"
)

// Setup adds the reconciler to the manager. index.Register must have been
// called.
func Setup(mgr ctrl.Manager, leader *election.Leader, public address.Public, feed *trial.Feed, activator string) error {
	checks := check.New(check.Jobs{Client: mgr.GetClient(), Activator: activator}, func(app types.NamespacedName) { feed.Look(app) })
	if err := mgr.Add(leader.Runnable(checks)); err != nil {
		return fmt.Errorf("adding what asks gates: %w", err)
	}
	recorder := mgr.GetEventRecorder("headway-app")
	r := &Reconciler{
		Client: mgr.GetClient(), Events: recorder, Public: public, Trials: feed, Checks: checks,
		Hooks: &preview.Hooks{Client: mgr.GetClient(), Events: recorder},
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.App{}).
		Owns(&v1alpha1.Route{}).
		Owns(&corev1.Pod{}). // of setups and teardowns
		Watches(&v1alpha1.Revision{}, handler.EnqueueRequestsFromMapFunc(appOf)).
		Watches(&v1alpha1.Route{}, handler.EnqueueRequestsFromMapFunc(index.Rivals(mgr.GetClient()))).
		WatchesMetadata(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.askingForHosts),
			builder.WithPredicates(predicate.AnnotationChangedPredicate{})).
		WatchesRawSource(source.Channel(feed.Wake(), urgently)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: 4,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](50*time.Millisecond, time.Minute),
		}).
		Complete(leader.Reconciler(r))
}

// urgent is before all other work of the queue, which has priority 0.
var urgent = 100

// urgently passes an App whose trials have news by everything else that waits,
// its own backoff included.
var urgently = handler.Funcs{GenericFunc: func(_ context.Context, e event.GenericEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	request := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(e.Object)}
	if q, has := q.(priorityqueue.PriorityQueue[reconcile.Request]); has {
		q.AddWithOpts(priorityqueue.AddOpts{Priority: &urgent}, request)
		return
	}
	q.Add(request)
}}

// askingForHosts maps a namespace to its Apps with hosts of their own.
func (r *Reconciler) askingForHosts(ctx context.Context, namespace client.Object) []reconcile.Request {
	var apps v1alpha1.AppList
	if err := r.Client.List(ctx, &apps, client.InNamespace(namespace.GetName())); err != nil {
		ctrllog.FromContext(ctx).Error(err, "cannot list apps for an event")
		return nil
	}
	var result []reconcile.Request
	for i := range apps.Items {
		if len(apps.Items[i].Spec.Hosts) > 0 {
			result = append(result, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&apps.Items[i])})
		}
	}
	return result
}

func appOf(_ context.Context, o client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: o.(*v1alpha1.Revision).Spec.App}}}
}
