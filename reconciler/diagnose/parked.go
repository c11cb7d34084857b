package diagnose

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Woken reports whether a pod came from the standby.
func Woken(pod *corev1.Pod) bool { return pod.Labels[v1alpha1.LabelStandby] != "" }

// Blocked is why the container of a parked pod does not run; empty while
// nothing is wrong.
func Blocked(rev *v1alpha1.Revision, status *corev1.ContainerStatus) string {
	if status == nil {
		return ""
	}
	if end := ended(status); end != nil {
		message := fmt.Sprintf("the parked pod ended with code %d", end.ExitCode)
		if lines := LastLines(end.Message); len(lines) > 0 {
			message += ": " + OneLine(lines[len(lines)-1])
		}
		return message
	}
	if status.State.Waiting != nil {
		if found, ok := waiting(rev, status.State.Waiting); ok {
			return found.Message
		}
	}
	return ""
}
