package autoscaler

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/receiver"
	"github.com/headway-dev/headway/scaler/report"
)

// workers is the number of revisions that are scaled at the same time. They
// wait for the API server most of the time.
const workers = 8

// Options of the autoscaler.
type Options struct {
	// Listen is the address for the activators' reports.
	Listen string
	// Activators is the service account that may report, namespace/name.
	Activators types.NamespacedName
	// Waker wakes parked pods. Nil: none is ever woken by this program.
	Waker Waker
	// Lease elects the replica that scales. Nil: this one does.
	Lease *election.Lease
}

// Setup adds the autoscaler to a manager.
func Setup(ctx context.Context, mgr ctrl.Manager, o Options) error {
	err := mgr.GetFieldIndexer().IndexField(ctx, &corev1.Pod{}, standbyOf, func(object client.Object) []string {
		return []string{object.GetLabels()[v1alpha1.LabelRevision]}
	})
	if err != nil {
		return fmt.Errorf("indexing pods: %w", err)
	}
	var work atomic.Pointer[queue]
	enqueue := func(request reconcile.Request) {
		if q := work.Load(); q != nil {
			(*q).Add(request)
		}
	}
	endpoint := receiver.New(receiver.Options{
		Listen: o.Listen, Activators: o.Activators, Client: mgr.GetClient(), Streams: streams,
		Changed: func(key report.Key) { enqueue(reconcile.Request{NamespacedName: types.NamespacedName(key)}) },
	})
	r := &Reconciler{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Reports: endpoint.Reports, Waker: o.Waker, Now: time.Now}
	if err := r.watch(mgr, &work); err != nil {
		return err
	}
	if err := mgr.Add(endpoint); err != nil {
		return fmt.Errorf("adding the endpoint for reports: %w", err)
	}
	elector, err := election.New(mgr, o.Lease, leader{Reconciler: r, enqueue: enqueue}.lead)
	if err != nil {
		return err
	}
	if err := mgr.Add(elector); err != nil {
		return fmt.Errorf("adding the election: %w", err)
	}
	return nil
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// watch has a revision decided when anything about it changes. It runs on
// every replica, so that those that stand by have the same state.
func (r *Reconciler) watch(mgr ctrl.Manager, work *atomic.Pointer[queue]) error {
	everywhere := false
	err := ctrl.NewControllerManagedBy(mgr).
		Named("autoscaler").
		For(&v1alpha1.Revision{}).
		Watches(&appsv1.Deployment{}, &handler.EnqueueRequestForObject{}).
		Watches(&v1alpha1.App{}, appHandler()).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(revisionOf)).
		WatchesRawSource(source.Func(func(_ context.Context, q queue) error {
			work.Store(&q)
			return nil
		})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers, NeedLeaderElection: &everywhere}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("adding the autoscaler: %w", err)
	}
	return nil
}

// revisionOf names the revision of a pod.
func revisionOf(_ context.Context, pod client.Object) []reconcile.Request {
	name := types.NamespacedName{Namespace: pod.GetNamespace(), Name: pod.GetLabels()[v1alpha1.LabelRevision]}
	return []reconcile.Request{{NamespacedName: name}}
}

// appHandler wakes the revisions whose roles an App changes.
func appHandler() handler.EventHandler {
	wake := func(is, was *v1alpha1.App, q queue) {
		for _, name := range is.Status.Moved(&was.Status) {
			q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: is.Namespace, Name: name}})
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			wake(e.Object.(*v1alpha1.App), &v1alpha1.App{}, q)
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			wake(e.ObjectNew.(*v1alpha1.App), e.ObjectOld.(*v1alpha1.App), q)
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			wake(e.Object.(*v1alpha1.App), &v1alpha1.App{}, q)
		},
	}
}
