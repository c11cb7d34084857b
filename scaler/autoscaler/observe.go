package autoscaler

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
	"github.com/headway-dev/headway/scaler/report"
)

// routedRevisions indexes Routes by the revisions that they give traffic to.
const routedRevisions = "routedRevisions"

// view is what one reconciliation looks at. Its objects are the cache's own
// and must not be changed.
type view struct {
	revision   *v1alpha1.Revision
	deployment *appsv1.Deployment
	spec       decide.Spec
	seen       decide.Seen
}

// observe returns nil if there is nothing to scale.
func (r *Reconciler) observe(ctx context.Context, name types.NamespacedName) (*view, error) {
	v := &view{revision: &v1alpha1.Revision{}, deployment: &appsv1.Deployment{}}
	for _, object := range []client.Object{v.revision, v.deployment} {
		switch err := r.Client.Get(ctx, name, object); {
		case apierrors.IsNotFound(err):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("reading %T %s: %w", object, name, err)
		case object.GetDeletionTimestamp() != nil:
			return nil, nil
		}
	}
	var routes v1alpha1.RouteList
	err := r.Client.List(ctx, &routes, client.InNamespace(name.Namespace), client.MatchingFields{routedRevisions: name.Name})
	if err != nil {
		return nil, fmt.Errorf("listing the routes to %s: %w", name, err)
	}
	v.spec = specFor(v.revision, len(routes.Items) > 0)
	v.seen = decide.Seen{
		Replicas:  replicas(v.deployment),
		Ready:     int(v.deployment.Status.ReadyReplicas),
		EverReady: v.revision.Status.EverReady || v.deployment.Status.ReadyReplicas > 0,
		Reports:   r.Reports.Reports(report.Key(name)),
	}
	return v, nil
}

// replicas is the number of pods that a Deployment asks for.
func replicas(d *appsv1.Deployment) int {
	if d.Spec.Replicas == nil {
		return 1 // the API's default
	}
	return int(*d.Spec.Replicas)
}

// routed lists the revisions that a Route gives traffic to.
func routed(route *v1alpha1.Route) []string {
	var names []string
	for _, target := range route.Spec.Traffic {
		if target.Weight > 0 {
			names = append(names, target.Revision)
		}
	}
	return names
}
