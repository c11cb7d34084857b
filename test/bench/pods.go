package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// revisionLabel selects the pods of a revision.
func revisionLabel(revision string) client.MatchingLabels {
	return client.MatchingLabels{v1alpha1.LabelRevision: revision}
}

// pods lists the running pods with these labels.
func (b *bench) pods(ctx context.Context, namespace string, labels client.MatchingLabels) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := b.Kube.List(ctx, &list, client.InNamespace(namespace), labels); err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	var running []corev1.Pod
	for _, pod := range list.Items {
		if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
			running = append(running, pod)
		}
	}
	if len(running) == 0 {
		return nil, fmt.Errorf("no running pod in %s with %v", namespace, labels)
	}
	return running, nil
}

// waitPods waits until the pods with these labels, also those that are terminating,
// are as wanted; what says how that is.
func (b *bench) waitPods(ctx context.Context, labels client.MatchingLabels, what string, wanted func([]corev1.Pod) bool) error {
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		err := b.Kube.List(ctx, &pods, client.InNamespace(b.namespace), labels)
		return err == nil && wanted(pods.Items), err
	})
	if err != nil {
		return fmt.Errorf("waiting until of the pods with %v %s: %w", labels, what, err)
	}
	return nil
}

// waitNoPods waits until no pod has these labels.
func (b *bench) waitNoPods(ctx context.Context, labels client.MatchingLabels) error {
	return b.waitPods(ctx, labels, "none is left", func(pods []corev1.Pod) bool { return len(pods) == 0 })
}

// httpPort is the port that the app's container names http.
func httpPort(pod corev1.Pod) string {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == "http" {
				return fmt.Sprint(p.ContainerPort)
			}
		}
	}
	return "8080"
}

// parked returns the one pod that waits to be woken: it runs, is not ready, and
// no other pod is there but those. used are UIDs of pods that do not count: one
// that was woken keeps its label for a moment.
func parked(pods []corev1.Pod, used map[string]bool) (corev1.Pod, bool) {
	if len(pods) != 1 {
		return corev1.Pod{}, false
	}
	pod := pods[0]
	if pod.Labels[v1alpha1.LabelStandby] != v1alpha1.StandbyParked || pod.DeletionTimestamp != nil || used[string(pod.UID)] {
		return corev1.Pod{}, false
	}
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running == nil || c.Ready {
			return corev1.Pod{}, false
		}
	}
	return pod, len(pod.Status.ContainerStatuses) > 0 && pod.Status.PodIP != ""
}
