package revision

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/reconciler/diagnose"
)

// firstStart is how long the app took to start in the pod that was the first to
// answer: from the start of its container, so that neither the queue for a node nor
// the pull of the image counts, to its first answer, so that the hold does not
// count either. Previews, which are not held and whose images no node has yet, can
// be compared with production by that.
//
// The kubelet tells the start in whole seconds, the one that has begun, and the
// answer is cut in the same way. An app that answers before the kubelet has told of
// its container, which it does about a second late, seems slower than it is.
// It is nil where no pod tells both times. A pod that was parked does not count: its
// container started long before the app.
func (s Seen) firstStart(now time.Time) *metav1.Duration {
	var first time.Time
	var took *metav1.Duration
	running, _ := split(s.Pods)
	for i := range running {
		pod := &running[i]
		if takes, _ := s.takes(pod, now); !takes || diagnose.Woken(pod) {
			continue
		}
		answered, started := s.answeredAt(pod), startedAt(pod)
		if answered.IsZero() || started.IsZero() || took != nil && !answered.Before(first) {
			continue
		}
		first = answered
		// The clocks of two machines may differ.
		took = &metav1.Duration{Duration: max(answered.Truncate(time.Second).Sub(started), 0)}
	}
	return took
}

// answeredAt is when the present container of a pod began to answer, by our own
// probes or the kubelet's, whichever noticed it first: ours may have begun late, after
// a restart of this program. It is zero when neither tells.
func (s Seen) answeredAt(pod *corev1.Pod) time.Time {
	at := s.Since[pod.UID]
	if !kubelet.Ready(pod) {
		return at
	}
	ready := kubelet.Condition(&pod.Status, corev1.PodReady).LastTransitionTime.Time
	if ready.Before(startedAt(pod)) || !at.IsZero() && at.Before(ready) { // an earlier container, or zero
		return at
	}
	return ready
}

// startedAt is when the present container of a pod was started; zero if the
// kubelet does not tell.
func startedAt(pod *corev1.Pod) time.Time {
	status := kubelet.App(pod)
	if status == nil || status.State.Running == nil {
		return time.Time{}
	}
	return status.State.Running.StartedAt.Time
}
