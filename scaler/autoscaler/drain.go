package autoscaler

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
	"github.com/headway-dev/headway/scaler/report"
)

const (
	// drainLeast is how long a marked pod stays at least: activators and
	// Kubernetes must have learned of the mark.
	drainLeast = 500 * time.Millisecond
	// drainMost is how long an emptying pod is waited for. What runs longer
	// has the pod's termination grace.
	drainMost = 10 * time.Second
	// drainLook is how often a draining revision is looked at.
	drainLook = 250 * time.Millisecond
	// drainingCost makes Kubernetes remove a marked pod before others; theirs
	// is 0.
	drainingCost = "-1000"
)

// drainTo takes pods out of traffic, the emptiest, and takes them away once they
// are empty or have had their time. Every look chooses anew: if another pod has
// become the better choice, as it crashed, the pods change places. The result
// is when to look again.
func (r *Reconciler) drainTo(ctx context.Context, v *view, m *memory, d decide.Decision, now time.Time) (time.Duration, error) {
	if rest := m.drain.rest(d.Replicas, now); rest > 0 {
		return rest, nil
	}
	pods, err := r.candidates(ctx, v)
	if err != nil {
		return 0, err
	}
	m.drain.looked = now
	gone, stay := choose(pods, v.seen.Replicas-d.Replicas-missing(pods, v.deployed))
	if m.drain.target != d.Replicas || !m.drain.running() || !marked(gone, stay) {
		if err := r.mark(ctx, v, gone, stay); err != nil {
			return 0, err
		}
		m.drain = drain{target: d.Replicas, since: now, looked: now, term: r.term.Load()}
		return drainLook, nil
	}
	empty := !slices.ContainsFunc(gone, func(pod podState) bool { return pod.inFlight > 0 })
	if waited := now.Sub(m.drain.since); waited < drainLeast || !empty && waited < drainMost {
		return drainLook, nil
	}
	woken := slices.DeleteFunc(gone, func(pod podState) bool { return !pod.standby })
	return 0, r.shrink(ctx, v, m, d, woken)
}

// endDrain puts all pods back into traffic.
func (r *Reconciler) endDrain(ctx context.Context, v *view, m *memory) error {
	pods, err := r.candidates(ctx, v)
	if err != nil {
		return err
	}
	if err := r.mark(ctx, v, nil, pods); err != nil {
		return err
	}
	m.drain = drain{}
	return nil
}

// marked reports whether those that go are marked, and no others.
func marked(gone, stay []podState) bool {
	draining := func(pod podState) bool { return pod.draining }
	return !slices.ContainsFunc(stay, draining) && !slices.ContainsFunc(gone, func(pod podState) bool { return !draining(pod) })
}

// mark takes pods out of traffic, and puts others back.
func (r *Reconciler) mark(ctx context.Context, v *view, gone, stay []podState) error {
	for _, pod := range gone {
		if err := r.setDraining(ctx, v.revision.Namespace, pod, true); err != nil {
			return err
		}
	}
	for _, pod := range stay {
		if err := r.setDraining(ctx, v.revision.Namespace, pod, false); err != nil {
			return err
		}
	}
	return nil
}

// candidates reads the pods of a revision as they are now.
func (r *Reconciler) candidates(ctx context.Context, v *view) ([]podState, error) {
	var list corev1.PodList
	err := r.Live.List(ctx, &list, client.InNamespace(v.revision.Namespace), appPods, client.MatchingLabels{
		v1alpha1.LabelApp: v.revision.Spec.App, v1alpha1.LabelRevision: v.revision.Name,
	})
	if err != nil {
		return nil, fmt.Errorf("listing the pods of %s: %w", v.revision.Name, err)
	}
	return candidates(list.Items, v.deployment.Name, v.standby.woken, r.Reports.PodLoads(report.Key(nameOf(v.revision)))), nil
}

// setDraining marks a pod, or takes the mark off.
func (r *Reconciler) setDraining(ctx context.Context, namespace string, pod podState, draining bool) error {
	if pod.draining == draining {
		return nil
	}
	label, cost := "null", "null"
	if draining {
		label, cost = `"true"`, `"`+drainingCost+`"`
	}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%s},"annotations":{%q:%s}}}`, v1alpha1.LabelDraining, label, corev1.PodDeletionCost, cost)
	object := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pod.name}}
	err := r.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch), apply.Autoscaler)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("marking pod %s: %w", pod.name, err)
	}
	return nil
}
