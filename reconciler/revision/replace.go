package revision

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
)

// How pods are replaced that were started with something else than startWith
// decided: by their Deployment, which rolls them, or, where they were woken and
// belong to none, here.

// tellRestart adds to what is said of a revision that serves why its pods were
// replaced, or are being replaced, and what holds that up.
func (p *Plan) tellRestart(seen Seen, running []corev1.Pod, mark string, readiness condition.State, now time.Time) condition.State {
	cause := p.Status.StartedWith.Cause
	if cause == "" || p.Status.State != v1alpha1.StateReady {
		return readiness
	}
	old, fresh := splitByMark(running, mark)
	if len(old) == 0 {
		readiness.Message += "; pods restarted: " + cause
		return readiness
	}
	readiness.Message += "; pods are being restarted: " + cause
	if found, _ := seen.diagnose(fresh, now); found.Failed {
		readiness.Message += "; those that run stay, as a new one fails: " + found.Message
	}
	return readiness
}

// splitByMark tells the pods that stay by what they were started with.
func splitByMark(pods []corev1.Pod, mark string) (old, fresh []corev1.Pod) {
	for _, pod := range pods {
		switch {
		case pod.DeletionTimestamp != nil:
		case pod.Annotations[v1alpha1.AnnotationStartedWith] == mark:
			fresh = append(fresh, pod)
		default:
			old = append(old, pod)
		}
	}
	return old, fresh
}

// outdated are the woken pods to delete now: no Deployment replaces them. Each
// goes when a pod that is started with the right things could take its place:
// one that is ready, or parked. Where none is kept parked, they go one by one,
// and requests wait for a new one.
func outdated(running, parked []corev1.Pod, mark string, standby *appsv1.Deployment) []corev1.Pod {
	old, fresh := splitByMark(running, mark)
	old = slices.DeleteFunc(old, func(pod corev1.Pod) bool {
		return pod.Labels[v1alpha1.LabelStandby] != v1alpha1.StandbyWoken
	})
	_, waiting := splitByMark(parked, mark)
	room := int(parkedPods(waiting))
	for i := range fresh {
		if kubelet.Ready(&fresh[i]) {
			room++
		}
	}
	if standby == nil || podsAsked(standby) == 0 {
		room = max(room, 1)
	}
	for i := range running { // those that go already
		if diagnose.Woken(&running[i]) && running[i].DeletionTimestamp != nil {
			room--
		}
	}
	return old[:min(len(old), max(room, 0))]
}
