package revision

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// split tells the pods that run the application, or are about to, from those
// that are parked. One that is ready was woken a moment ago, whatever its
// label still says.
func split(pods []corev1.Pod) (running, parked []corev1.Pod) {
	for i := range pods {
		if pods[i].Labels[v1alpha1.LabelStandby] == v1alpha1.StandbyParked && !ready(&pods[i]) {
			parked = append(parked, pods[i])
		} else {
			running = append(running, pods[i])
		}
	}
	return running, parked
}

// isWoken is true for a pod that came from the standby.
func isWoken(pod *corev1.Pod) bool { return pod.Labels[v1alpha1.LabelStandby] != "" }

// wokenPods counts those of the running pods that no Deployment asks for. One
// that was evicted runs no more, and nobody starts it again.
func wokenPods(running []corev1.Pod) (n int32) {
	for i := range running {
		pod := &running[i]
		if isWoken(pod) && pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded {
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
	status := appStatus(pod)
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
	problem := cannotPark(rev, seen.Park, config)
	switch {
	case problem != "":
		p.dropStandby = seen.Standby != nil
	case wanted || seen.Standby != nil:
		standby, err := standbyFor(p.Deployment, rev, config, seen.Park, size)
		if err != nil {
			problem = oneLine(err.Error())
			break
		}
		p.Standby = standby
		problem = parkedProblem(rev, seen.Standby, parked)
	}
	if problem == "" && crowded != "" {
		problem = "it gives way to " + crowded + ", which no node has room for"
	}
	if wanted {
		p.Status.Standby.Problem = problem
	}
}

// cannotPark says why a revision can have no standby; empty if it can.
func cannotPark(rev *v1alpha1.Revision, park Park, config *v1alpha1.ImageConfig) string {
	switch {
	case park.Image == "":
		return "the controller runs without --park-image"
	case rev.Spec.Port == v1alpha1.ParkPort:
		return fmt.Sprintf("parked pods wait for their call on port %d, which is the app's; choose another", v1alpha1.ParkPort)
	case len(commandOf(rev, config)) > 0:
		return ""
	case config == nil:
		return "the command of the image is not known; command in headway.yaml can name it"
	}
	return noCommand
}

// parkedProblem is why a parked pod cannot wait, in one line; empty while
// nothing is wrong.
func parkedProblem(rev *v1alpha1.Revision, d *appsv1.Deployment, parked []corev1.Pod) string {
	for i := range parked {
		pod := &parked[i]
		if pod.DeletionTimestamp != nil || waits(pod) {
			continue
		}
		if message, stuck := unschedulable(pod); stuck {
			return message
		}
		if message := blocked(rev, appStatus(pod)); message != "" {
			return message
		}
	}
	if d == nil || len(parked) >= int(podsAsked(d)) {
		return ""
	}
	message, _ := deploymentProblem(d, 0)
	return message
}

// blocked is why the container of a parked pod does not run.
func blocked(rev *v1alpha1.Revision, status *corev1.ContainerStatus) string {
	if status == nil {
		return ""
	}
	if end := ended(status); end != nil {
		message := fmt.Sprintf("the parked pod ended with code %d", end.ExitCode)
		if lines := lastLines(end.Message); len(lines) > 0 {
			message += ": " + oneLine(lines[len(lines)-1])
		}
		return message
	}
	if status.State.Waiting != nil {
		if found, ok := waiting(rev, status.State.Waiting); ok {
			return found.message
		}
	}
	return ""
}
