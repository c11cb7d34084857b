package autoscaler

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
	"github.com/headway-dev/headway/scaler/report"
)

// scale writes the number of pods, and then why.
func (r *Reconciler) scale(ctx context.Context, v *view, m *memory, d decide.Decision) error {
	name, have := nameOf(v.deployment), v.seen.Replicas
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, d.Replicas)
	err := r.Client.SubResource("scale").Patch(ctx, emptyDeployment(name), client.RawPatch(types.MergePatchType, patch),
		client.FieldOwner(FieldManager), client.WithSubResourceBody(&autoscalingv1.Scale{}))
	if apierrors.IsNotFound(err) {
		return nil // deleted; the cache will tell
	}
	if err != nil {
		return fmt.Errorf("scaling deployment %s to %d: %w", name, d.Replicas, err)
	}
	m.asked = asked{replicas: d.Replicas, generation: v.deployment.Generation}
	m.drain = drain{}
	scaled(v.seen, d, r.Now())
	slog.Info("scaled", "namespace", name.Namespace, "revision", name.Name, "from", have, "to", d.Replicas, "reason", d.Reason)
	return r.explain(ctx, v, d)
}

// explain leaves the reason on the Revision, for people.
func (r *Reconciler) explain(ctx context.Context, v *view, d decide.Decision) error {
	line := fmt.Sprintf("%s: %d -> %d: %s", r.Now().UTC().Format(time.RFC3339), v.seen.Replicas, d.Replicas, d.Reason)
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationScaling, line)
	rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: v.revision.Namespace, Name: v.revision.Name}}
	err := r.Client.Patch(ctx, rev, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldManager))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("explaining the scale of revision %s: %w", rev.Name, err)
	}
	return nil
}

// mark takes n pods out of traffic, the emptiest, and puts those back that
// were marked and may stay.
func (r *Reconciler) mark(ctx context.Context, v *view, n int) error {
	pods, err := r.pods(ctx, v)
	if err != nil {
		return err
	}
	gone, stay := choose(pods, n)
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

// empty reports whether no marked pod has a request in flight.
func (r *Reconciler) empty(ctx context.Context, v *view) (bool, error) {
	pods, err := r.pods(ctx, v)
	if err != nil {
		return false, err
	}
	for _, pod := range pods {
		if pod.leaving && pod.inFlight > 0 {
			return false, nil
		}
	}
	return true, nil
}

// pods reads the pods of a revision as they are now.
func (r *Reconciler) pods(ctx context.Context, v *view) ([]candidate, error) {
	var list corev1.PodList
	err := r.Live.List(ctx, &list, client.InNamespace(v.revision.Namespace), client.MatchingLabels{
		v1alpha1.LabelApp: v.revision.Spec.App, v1alpha1.LabelRevision: v.revision.Name,
	}, notBuilds)
	if err != nil {
		return nil, fmt.Errorf("listing the pods of %s: %w", v.revision.Name, err)
	}
	return candidates(list.Items, r.Reports.PodLoads(report.Key(nameOf(v.revision)))), nil
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
