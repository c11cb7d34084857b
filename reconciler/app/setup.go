package app

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/address"
)

// Setup adds the reconciler to the manager. index.Register must have been
// called.
func Setup(mgr ctrl.Manager, public address.Public) error {
	r := &Reconciler{Client: mgr.GetClient(), Events: mgr.GetEventRecorder("headway-app"), Public: public}
	err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.App{}).
		Owns(&v1alpha1.Route{}).
		Watches(&v1alpha1.Revision{}, handler.EnqueueRequestsFromMapFunc(appOf)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: 4,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](50*time.Millisecond, time.Minute),
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("adding the app reconciler: %w", err)
	}
	return nil
}

func appOf(_ context.Context, o client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: o.(*v1alpha1.Revision).Spec.App}}}
}
