package autoscaler

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/report"
)

// mark takes n pods out of traffic, the emptiest, and puts those back that
// were marked and may stay.
func (r *Reconciler) mark(ctx context.Context, v *view, n int) error {
	pods, err := r.candidates(ctx, v)
	if err != nil {
		return err
	}
	gone, stay := choose(pods, n-missing(pods, v.deployed))
	for _, pod := range gone {
		if err := r.setLeaving(ctx, v.revision.Namespace, pod, true); err != nil {
			return err
		}
	}
	for _, pod := range stay {
		if err := r.setLeaving(ctx, v.revision.Namespace, pod, false); err != nil {
			return err
		}
	}
	return nil
}

// unmark puts all pods back into traffic.
func (r *Reconciler) unmark(ctx context.Context, v *view) error { return r.mark(ctx, v, 0) }

// marked returns the woken pods that are marked, and whether no marked pod has
// a request in flight.
func (r *Reconciler) marked(ctx context.Context, v *view) (woken []sight, empty bool, err error) {
	pods, err := r.candidates(ctx, v)
	if err != nil {
		return nil, false, err
	}
	empty = true
	for _, pod := range pods {
		if !pod.leaving {
			continue
		}
		if pod.woken {
			woken = append(woken, sight{name: pod.name, uid: pod.uid})
		}
		empty = empty && pod.inFlight == 0
	}
	return woken, empty, nil
}

// candidates reads the pods of a revision as they are now.
func (r *Reconciler) candidates(ctx context.Context, v *view) ([]candidate, error) {
	var list corev1.PodList
	err := r.Live.List(ctx, &list, client.InNamespace(v.revision.Namespace), client.MatchingLabels{
		v1alpha1.LabelApp: v.revision.Spec.App, v1alpha1.LabelRevision: v.revision.Name,
	}, notBuilds)
	if err != nil {
		return nil, fmt.Errorf("listing the pods of %s: %w", v.revision.Name, err)
	}
	return candidates(list.Items, v.standby.woken, r.Reports.PodLoads(report.Key(nameOf(v.revision)))), nil
}

// setLeaving marks a pod, or takes the mark off.
func (r *Reconciler) setLeaving(ctx context.Context, namespace string, pod candidate, leaving bool) error {
	if pod.leaving == leaving {
		return nil
	}
	label, cost := "null", "null"
	if leaving {
		label, cost = `"true"`, `"`+leavingCost+`"`
	}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%s},"annotations":{%q:%s}}}`, v1alpha1.LabelLeaving, label, annotationCost, cost)
	object := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pod.name}}
	err := r.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldManager))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("marking pod %s: %w", pod.name, err)
	}
	return nil
}
