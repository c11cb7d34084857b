package route

import (
	"context"
	"fmt"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/index"
)

// Setup adds the reconciler to the manager. index.Register must have been
// called.
func Setup(mgr ctrl.Manager) error {
	r := &Reconciler{Client: mgr.GetClient()}
	err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.Route{}).
		Watches(&v1alpha1.Route{}, r.rivalsHandler()).
		Complete(r)
	if err != nil {
		return fmt.Errorf("adding the route reconciler: %w", err)
	}
	return nil
}

// rivalsHandler wakes the Routes that share a host with one that came, changed
// or went: hosts that it gave up count too.
func (r *Reconciler) rivalsHandler() handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	wake := func(ctx context.Context, o client.Object, q queue) {
		for _, host := range index.Hosts(o.(*v1alpha1.Route)) {
			rivals, err := index.Claimants(ctx, r.Client, host)
			if err != nil {
				continue // only when the cache is stopping
			}
			for i := range rivals {
				if rivals[i].UID != o.GetUID() {
					q.Add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&rivals[i])})
				}
			}
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { wake(ctx, e.Object, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { wake(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			wake(ctx, e.ObjectOld, q)
			wake(ctx, e.ObjectNew, q)
		},
	}
}
