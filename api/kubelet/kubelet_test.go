package kubelet

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestReady(t *testing.T) {
	pod := &corev1.Pod{}
	if Ready(pod) {
		t.Error("a pod that says nothing is ready")
	}
	for status, want := range map[corev1.ConditionStatus]bool{corev1.ConditionFalse: false, corev1.ConditionTrue: true} {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: "True"}, {Type: corev1.PodReady, Status: status}}
		if Ready(pod) != want {
			t.Errorf("ready with the condition %s: %t", status, !want)
		}
	}
	pod.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	if Ready(pod) {
		t.Error("a pod that is being deleted is ready")
	}
}

func TestSlim(t *testing.T) {
	turned := metav1.NewTime(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))
	isController := true
	owner := metav1.OwnerReference{Kind: "ReplicaSet", Name: "hello-1", Controller: &isController}
	running := &corev1.ContainerStateRunning{StartedAt: turned}
	full := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "hello", Namespace: "team", UID: "u", ResourceVersion: "7", CreationTimestamp: turned, Annotations: map[string]string{"a": "b"},
			Labels: map[string]string{v1alpha1.LabelRevision: "hello-1", v1alpha1.LabelStandby: "", "app": "x"}, OwnerReferences: []metav1.OwnerReference{owner},
		},
		Spec: corev1.PodSpec{NodeName: "node"},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1", HostIP: "10.0.0.2",
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: "True", LastTransitionTime: turned, Message: "m"}, {Type: corev1.PodScheduled}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "mesh"}, {Name: "app", Image: "i", ContainerID: "c", State: corev1.ContainerState{Running: running}}},
		},
	}
	want := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "hello", Namespace: "team", UID: "u", ResourceVersion: "7", CreationTimestamp: turned,
			Labels: map[string]string{v1alpha1.LabelRevision: "hello-1", v1alpha1.LabelStandby: ""}, OwnerReferences: []metav1.OwnerReference{owner},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1",
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: "True", LastTransitionTime: turned}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", ContainerID: "c", State: corev1.ContainerState{Running: running}}},
		},
	}
	if diff := cmp.Diff(want, Slim(full)); diff != "" {
		t.Errorf("one that was made to wait parked (-want +got):\n%s", diff)
	}
	delete(full.Labels, v1alpha1.LabelStandby)
	delete(want.Labels, v1alpha1.LabelStandby)
	want.OwnerReferences, want.Status.ContainerStatuses = nil, nil
	if diff := cmp.Diff(want, Slim(full)); diff != "" {
		t.Errorf("any other (-want +got):\n%s", diff)
	}
}
