package autoscaler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/park"
)

// wakeWithin bounds the wake calls of one decision, as all revisions share the
// workers. A pod takes 2 ms. Who is not reached by then is replaced by a pod of
// the Deployment; if it heard the call all the same, it counts once it is ready.
const wakeWithin = 250 * time.Millisecond

// Waker has a parked pod run its application; a *park.Waker in production.
type Waker interface {
	// Wake returns nil if the pod accepts, park.ErrRefused if nobody listens,
	// and park.ErrDenied if the pod said no. Other errors mean that it could
	// not be reached.
	Wake(ctx context.Context, podIP, uid string) error
}

// wakeSome wakes n parked pods, or as many as there are, and returns how many
// run now. A pod that denies knows another key: it is deleted, and the standby's
// Deployment makes a new one.
func (r *Reconciler) wakeSome(ctx context.Context, v *view, m *memory, n int) (int, error) {
	if r.Waker == nil {
		return 0, nil
	}
	limited, cancel := context.WithTimeout(ctx, wakeWithin)
	defer cancel()
	woke, parked := 0, v.standby.parked
	var failed error
	for woke < n && len(parked) > 0 && limited.Err() == nil {
		some := parked[:min(n-woke, len(parked))]
		parked = parked[len(some):]
		for i, result := range r.call(limited, v, m, some) {
			switch {
			case result.Runs():
				woke++
				failed = errors.Join(failed, r.label(ctx, v, m, some[i]))
			case result == park.Denied:
				failed = errors.Join(failed, r.remove(ctx, v, m, some[i], "it denies the wake call"))
			}
		}
	}
	return woke, failed
}

// maintain does what a standby needs whatever the load is.
func (r *Reconciler) maintain(ctx context.Context, v *view, m *memory) error {
	var failed error
	gone := func(pod podState) bool { return m.standby[pod.uid].gone } // by the decision just carried out
	for _, pod := range v.standby.label {
		if !gone(pod) {
			failed = errors.Join(failed, r.label(ctx, v, m, pod))
		}
	}
	for _, pod := range v.standby.remove {
		if !gone(pod) {
			failed = errors.Join(failed, r.remove(ctx, v, m, pod, "it does not run, or does not become ready"))
		}
	}
	again := slices.DeleteFunc(v.standby.call, gone)
	if r.Waker == nil || len(again) == 0 {
		return failed
	}
	limited, cancel := context.WithTimeout(ctx, wakeWithin)
	defer cancel()
	for i, result := range r.call(limited, v, m, again) {
		if result == park.Denied {
			failed = errors.Join(failed, r.remove(ctx, v, m, again[i], "it denies the wake call"))
		}
	}
	return failed
}

// call makes wake calls at the same time, and remembers how they ended.
func (r *Reconciler) call(ctx context.Context, v *view, m *memory, pods []podState) []park.Outcome {
	results := make([]park.Outcome, len(pods))
	var calls sync.WaitGroup
	for i, pod := range pods {
		calls.Go(func() {
			err := r.Waker.Wake(ctx, pod.ip, string(pod.uid))
			results[i] = park.OutcomeOf(err)
			if !results[i].Runs() {
				slog.Warn("cannot wake a parked pod", "namespace", v.revision.Namespace, "pod", pod.name, "error", err)
			}
		})
	}
	calls.Wait()
	for i, pod := range pods {
		m.standby.noteCall(pod, results[i], r.Now())
		wakesTotal.WithLabelValues(string(results[i])).Inc()
	}
	return results
}

// label takes a woken pod out of the standby, which makes a new one: in one
// write it leaves the standby's Deployment and becomes the Revision's own.
func (r *Reconciler) label(ctx context.Context, v *view, m *memory, pod podState) error {
	mine := true
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":    pod.uid,
		"labels": map[string]string{v1alpha1.LabelStandby: v1alpha1.StandbyWoken},
		"ownerReferences": []metav1.OwnerReference{{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: "Revision",
			Name: v.revision.Name, UID: v.revision.UID, Controller: &mine,
		}},
	}})
	if err != nil {
		return fmt.Errorf("encoding the owner of pod %s: %w", pod.name, err)
	}
	err = r.Client.Patch(ctx, podNamed(v, pod), client.RawPatch(types.MergePatchType, patch), apply.Autoscaler)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("taking pod %s out of the standby: %w", pod.name, err)
	}
	m.standby.note(pod, func(t *trace) { t.labelled, t.gone = true, err != nil })
	return nil
}

// remove deletes a pod.
func (r *Reconciler) remove(ctx context.Context, v *view, m *memory, pod podState, why string) error {
	err := r.Client.Delete(ctx, podNamed(v, pod), client.Preconditions{UID: &pod.uid})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting pod %s: %w", pod.name, err)
	}
	m.standby.note(pod, func(t *trace) { t.gone = true })
	slog.Info("deleted a pod of the standby", "namespace", v.revision.Namespace, "pod", pod.name, "reason", why)
	return nil
}

func podNamed(v *view, pod podState) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: v.revision.Namespace, Name: pod.name}}
}
