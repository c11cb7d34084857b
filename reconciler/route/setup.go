package route

import (
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/index"
)

// Setup adds the reconciler to the manager. index.Register must have been
// called.
func Setup(mgr ctrl.Manager) error {
	r := &Reconciler{Client: mgr.GetClient()}
	err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.Route{}).
		Watches(&v1alpha1.Route{}, handler.EnqueueRequestsFromMapFunc(index.Rivals(mgr.GetClient()))).
		Complete(r)
	if err != nil {
		return fmt.Errorf("adding the route reconciler: %w", err)
	}
	return nil
}
