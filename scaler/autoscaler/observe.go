package autoscaler

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
	"github.com/headway-dev/headway/scaler/report"
)

// view is what one reconciliation looks at. Its objects are the cache's own
// and must not be changed.
type view struct {
	app        *v1alpha1.App
	revision   *v1alpha1.Revision
	deployment *appsv1.Deployment
	pods       []podState // of the standby
	spec       decide.Spec
	seen       decide.Seen

	// What follows is known with the help of the memory; see count.

	deployed int // pods that the Deployment was asked for last
	standby  standbyPlan
}

// observe returns nil if there is nothing to scale.
func (r *Reconciler) observe(ctx context.Context, name types.NamespacedName) (*view, error) {
	v := &view{app: &v1alpha1.App{}, revision: &v1alpha1.Revision{}, deployment: &appsv1.Deployment{}}
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
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: name.Namespace, Name: v.revision.Spec.App}, v.app)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading app %s: %w", v.revision.Spec.App, err)
	}
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, client.InNamespace(name.Namespace), client.MatchingFields{standbyOf: name.Name}); err != nil {
		return nil, fmt.Errorf("listing the standby of %s: %w", name, err)
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; pod.DeletionTimestamp == nil && ours(pod, v.revision) {
			v.pods = append(v.pods, stateOf(pod))
		}
	}
	v.spec = specFor(v.revision, v.app.Status.Revision(name.Name))
	v.seen.Reports = r.Reports.Reports(report.Key(name))
	return v, nil
}

// count sums up the pods of a revision: those of its Deployment and those that
// were woken, as the cache has them and as they were changed since.
func (v *view) count(m *memory, now time.Time) {
	v.deployed = m.current(v.deployment)
	v.standby, m.standby = m.standby.plan(v.pods, now)
	v.seen.Replicas = v.deployed + len(v.standby.woken)
	v.seen.Ready = int(v.deployment.Status.ReadyReplicas) + v.standby.ready
	v.seen.EverReady = v.revision.Status.EverReady
	if v.spec.Keep {
		v.spec.Min = max(v.spec.Min, min(v.seen.Replicas, v.spec.Max))
	}
}
