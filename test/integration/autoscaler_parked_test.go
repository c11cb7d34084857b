//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/report"
)

// wakeCalls accepts in the name of all parked pods.
type wakeCalls struct {
	mu   sync.Mutex
	made []string
}

func (w *wakeCalls) Wake(_ context.Context, podIP, uid string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made = append(w.made, podIP+" "+uid)
	return nil
}

func (w *wakeCalls) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.made)
}

// parkedPod makes a pod as the Deployment of a standby has it, and gives it the
// status that a node would.
func parkedPod(t *testing.T, revision types.NamespacedName, name, ip string) *corev1.Pod {
	t.Helper()
	controls := true
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: revision.Namespace, Name: name,
			Labels: map[string]string{
				v1alpha1.LabelApp: "shop", v1alpha1.LabelRevision: revision.Name,
				v1alpha1.LabelStandby: v1alpha1.StandbyParked, "pod-template-hash": "abc",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: v1alpha1.StandbyName(revision.Name) + "-abc", UID: "0000", Controller: &controls, BlockOwnerDeletion: &controls,
			}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
	}
	if err := api.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: ip,
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Now()}},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "app", Image: "app", ContainerID: "containerd://1",
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}},
		}},
	}
	if err := api.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

// TestAutoscalerWakesParkedPods takes a pod from the standby to work and to its
// end through the real API server.
func TestAutoscalerWakesParkedPods(t *testing.T) {
	ns := namespace(t)
	shop, calls, address := sleeping(t, ns, "2s"), &wakeCalls{}, freePort(t)
	defer startAutoscaler(t, ns, address, calls)()
	first := parkedPod(t, shop, "first", "10.0.0.1")
	a := &activator{sample: report.Sample{Key: report.Key(shop)}}
	stream := a.report(t, ns, "activator", address)

	a.set(0, 1, 0)
	stream.Edge()
	eventually(t, "the pod is the revision's", func() error {
		pod, err := get(t, ns, "first", &corev1.Pod{})
		if err != nil {
			return err
		}
		if got := pod.Labels[v1alpha1.LabelStandby]; got != v1alpha1.StandbyWoken {
			return fmt.Errorf("labelled %q", got)
		}
		if len(pod.OwnerReferences) != 1 || pod.OwnerReferences[0].Kind != "Revision" || pod.Labels["pod-template-hash"] != "abc" {
			return fmt.Errorf("owned by %v, labels %v", pod.OwnerReferences, pod.Labels)
		}
		return nil
	})
	eventually(t, "the reason", func() error {
		rev, err := get(t, ns, shop.Name, &v1alpha1.Revision{})
		if err != nil {
			return err
		}
		if got := rev.Status.Scaling; got == nil || got.From != 0 || got.To != 1 || got.Reason != "a request woke it (parked pod)" {
			return fmt.Errorf("scaling is %+v", got)
		}
		return nil
	})

	pod, err := get(t, ns, "first", &corev1.Pod{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.Conditions[0].Status = corev1.ConditionTrue
	if err := api.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}

	// More load than one pod's: the standby was refilled, but its pod has no
	// address yet.
	parkedPod(t, shop, "second", "")
	a.set(19, 0, 3*time.Second)
	scaledTo(t, shop, 1)
	d, err := get(t, ns, shop.Name, &appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	d.Status.Replicas, d.Status.ReadyReplicas = 1, 1
	if err := api.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}

	// No load: all go but the parked one.
	a.set(0, 0, 0)
	scaledTo(t, shop, 0)
	eventually(t, "the woken pod is gone", func() error {
		_, err := get(t, ns, "first", &corev1.Pod{})
		if !apierrors.IsNotFound(err) {
			return errors.Join(errors.New("it is there"), err)
		}
		return nil
	})
	second, err := get(t, ns, "second", &corev1.Pod{})
	if err != nil || second.Labels[v1alpha1.LabelStandby] != v1alpha1.StandbyParked {
		t.Errorf("the parked pod: %v, %v", second.Labels, err)
	}
	// It may have been called again until it was ready.
	if diff := cmp.Diff([]string{"10.0.0.1 " + string(first.UID)}, slices.Compact(calls.all())); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
