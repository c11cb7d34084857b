// Package kubelet reads what the kubelet has said of a pod, by the rules that all
// parts share. It asks nobody.
package kubelet

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Condition of a pod; the zero one where it is not there.
func Condition(status *corev1.PodStatus, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}

// Ready is the verdict on a pod. One that is being deleted is not ready.
func Ready(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && Condition(&pod.Status, corev1.PodReady).Status == corev1.ConditionTrue
}

// Ended reports whether a pod has come to its end, such as by an eviction. It
// does not run again.
func Ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// App is the state of the application's container; nil before there is one.
func App(pod *corev1.Pod) *corev1.ContainerStatus {
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].Name == v1alpha1.AppContainer {
			return &pod.Status.ContainerStatuses[i]
		}
	}
	return nil
}

// Slim is what activators and autoscaler keep of a pod in their caches; with
// many thousand of them the rest would be most of their memory. Of one that was
// made to wait parked that is its owner and its container, too.
func Slim(pod *corev1.Pod) *corev1.Pod {
	out := &corev1.Pod{ObjectMeta: SlimMeta(pod.ObjectMeta)}
	out.Labels = map[string]string{}
	for _, label := range []string{v1alpha1.LabelRevision, v1alpha1.LabelStandby, v1alpha1.LabelDraining} {
		if value, there := pod.Labels[label]; there {
			out.Labels[label] = value
		}
	}
	out.Status.Phase, out.Status.PodIP = pod.Status.Phase, pod.Status.PodIP
	if c := Condition(&pod.Status, corev1.PodReady); c.Type != "" {
		out.Status.Conditions = []corev1.PodCondition{{Type: c.Type, Status: c.Status, LastTransitionTime: c.LastTransitionTime}}
	}
	if _, standby := pod.Labels[v1alpha1.LabelStandby]; !standby {
		return out
	}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		out.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	if app := App(pod); app != nil {
		out.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: app.Name, ContainerID: app.ContainerID, State: corev1.ContainerState{Running: app.State.Running},
		}}
	}
	return out
}

// SlimMeta keeps what names an object and says how old it is.
func SlimMeta(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp,
	}
}
