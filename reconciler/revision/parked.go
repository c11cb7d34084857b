package revision

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
	"github.com/headway-dev/headway/reconciler/render"
)

// split tells the pods that run the application, or are about to, from those
// that are parked. One that is ready was woken a moment ago, whatever its
// label still says.
func split(pods []corev1.Pod) (running, parked []corev1.Pod) {
	for i := range pods {
		if pods[i].Labels[v1alpha1.LabelStandby] == v1alpha1.StandbyParked && !kubelet.Ready(&pods[i]) {
			parked = append(parked, pods[i])
		} else {
			running = append(running, pods[i])
		}
	}
	return running, parked
}

// wokenPods counts those of the running pods that no Deployment asks for. One
// that was evicted runs no more, and nobody starts it again.
func wokenPods(running []corev1.Pod) (n int32) {
	for i := range running {
		pod := &running[i]
		if diagnose.Woken(pod) && pod.DeletionTimestamp == nil && !kubelet.Ended(pod) {
			n++
		}
	}
	return n
}

// parkedPods counts the pods that could be woken now.
func parkedPods(parked []corev1.Pod) (n int32) {
	for i := range parked {
		if parked[i].DeletionTimestamp == nil && waits(&parked[i]) {
			n++
		}
	}
	return n
}

// waits is true once the pod's program runs.
func waits(pod *corev1.Pod) bool {
	status := kubelet.App(pod)
	return status != nil && status.State.Running != nil
}

// planStandby decides about the parked pods: they are kept while traffic comes to
// the revision or may come back to it, once it was ready. That there are too few
// is no reason not to be ready.
func (p *Plan) planStandby(seen Seen, config *v1alpha1.ImageConfig, parked []corev1.Pod) {
	rev, n := seen.Revision, parkedPods(parked)
	p.Status.Standby = nil
	size := rev.Spec.Scale.Standby
	wanted := size > 0 && seen.role().Routed() && (rev.Status.EverReady || p.Status.State == v1alpha1.StateReady)
	if wanted {
		p.Status.Standby = &v1alpha1.Standby{Asked: size, Parked: n}
	}
	crowded := seen.crowded()
	if !wanted || crowded != "" {
		size = 0
	}
	problem := render.CannotPark(rev, seen.Park, config)
	switch {
	case problem != "":
		p.dropStandby = seen.Standby != nil
	case wanted || seen.Standby != nil:
		p.Standby = render.Standby(p.Deployment, rev, config, seen.Park, size)
		problem = parkedProblem(rev, seen.Standby, parked)
	}
	if problem == "" && crowded != "" {
		problem = "it gives way to " + crowded + ", which no node has room for"
	}
	if wanted {
		p.Status.Standby.Problem = problem
	}
}

// parkedProblem is why a parked pod cannot wait, in one line; empty while
// nothing is wrong.
func parkedProblem(rev *v1alpha1.Revision, d *appsv1.Deployment, parked []corev1.Pod) string {
	for i := range parked {
		pod := &parked[i]
		if pod.DeletionTimestamp != nil || waits(pod) {
			continue
		}
		if message, stuck := diagnose.Unschedulable(pod); stuck {
			return message
		}
		if message := diagnose.Blocked(rev, kubelet.App(pod)); message != "" {
			return message
		}
	}
	if d == nil || len(parked) >= int(podsAsked(d)) {
		return ""
	}
	message, _ := diagnose.Deployment(d, 0)
	return message
}
