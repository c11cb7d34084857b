package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
)

// grow wakes parked pods, and asks the Deployment for what they are too few
// for.
func (r *Reconciler) grow(ctx context.Context, v *view, m *memory, d decide.Decision) error {
	missing := d.Replicas - v.seen.Replicas
	woke, wakeErr := r.wakeSome(ctx, v, m, missing)
	if err := r.scale(ctx, v, m, v.deployed+missing-woke); err != nil {
		return errors.Join(wakeErr, err)
	}
	switch {
	case woke == 1:
		d.Reason += " (parked pod)"
	case woke > 1:
		d.Reason += fmt.Sprintf(" (%d parked pods)", woke)
	}
	return errors.Join(wakeErr, r.record(ctx, v, d))
}

// shrink takes pods away: of the woken ones those given, or as many of them as
// are too many; the Deployment has the rest.
func (r *Reconciler) shrink(ctx context.Context, v *view, m *memory, d decide.Decision, woken []podState) error {
	woken = woken[:min(len(woken), v.seen.Replicas-d.Replicas)]
	for _, pod := range woken {
		if err := r.remove(ctx, v, m, pod, d.Reason); err != nil {
			return err
		}
	}
	stay := len(v.standby.woken) - len(woken)
	if err := r.scale(ctx, v, m, max(0, d.Replicas-stay)); err != nil {
		return err
	}
	m.drain = drain{}
	return r.record(ctx, v, d)
}

// scale writes the number of pods of the Deployment, if it is another one.
func (r *Reconciler) scale(ctx context.Context, v *view, m *memory, n int) error {
	if n == v.deployed {
		return nil
	}
	name, body := nameOf(v.deployment), &autoscalingv1.Scale{}
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n)
	err := r.Client.SubResource("scale").Patch(ctx, emptyDeployment(name), client.RawPatch(types.MergePatchType, patch),
		apply.Autoscaler, client.WithSubResourceBody(body))
	if apierrors.IsNotFound(err) {
		return nil // deleted; the cache will tell
	}
	if err != nil {
		return fmt.Errorf("scaling deployment %s to %d: %w", name, n, err)
	}
	m.asked = asked{replicas: n, version: body.ResourceVersion}
	return nil
}

// record shows a change that was made.
func (r *Reconciler) record(ctx context.Context, v *view, d decide.Decision) error {
	scaled(v.seen, d, r.Now())
	slog.Info("scaled", "namespace", v.revision.Namespace, "revision", v.revision.Name,
		"from", v.seen.Replicas, "to", d.Replicas, "reason", d.Reason)
	return r.explain(ctx, v, d)
}

// explain leaves the change on the Revision, for people.
func (r *Reconciler) explain(ctx context.Context, v *view, d decide.Decision) error {
	rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: v.revision.Namespace, Name: v.revision.Name}}
	patch := client.MergeFrom(rev.DeepCopy())
	rev.Status.Scaling = &v1alpha1.Scaling{
		From: int32(v.seen.Replicas), To: int32(d.Replicas), Reason: d.Reason, At: metav1.NewMicroTime(r.Now()),
	}
	if err := r.Client.Status().Patch(ctx, rev, patch, apply.Autoscaler); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("explaining the scale of revision %s: %w", rev.Name, err)
	}
	return nil
}
