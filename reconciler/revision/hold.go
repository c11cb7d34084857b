package revision

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
	"github.com/headway-dev/headway/reconciler/probe"
)

// kubeletLag is added to a hold that only the kubelet watches: it looks at
// containers once a second, and writes times in whole seconds.
const kubeletLag = 2 * time.Second

// holdFor is how long the pods of a revision must go on answering until they
// count, so that a program that listens for a moment and dies takes nothing
// over. There is nothing to wait for
//
//   - once the revision has been ready;
//   - where no other revision serves well: nothing can get worse;
//   - in a preview: who pushed waits to see it, and nobody else is there;
//   - where the same image has served with the same settings, as in a rollback.
func holdFor(rev *v1alpha1.Revision, app *v1alpha1.App, siblings []v1alpha1.Revision) time.Duration {
	if rev.Status.EverReady || app == nil || rev.Spec.Preview != nil {
		return 0
	}
	serves := false
	for i := range siblings {
		other := &siblings[i]
		if proves(other, rev, app) {
			return 0
		}
		ready := condition.Get(other.Status.Conditions, v1alpha1.ConditionReady)
		serves = serves || app.Status.Role(other.Name) == v1alpha1.RoleLive && ready.Status == metav1.ConditionTrue
	}
	if !serves {
		return 0
	}
	return rev.Spec.Hold()
}

// proves reports whether other has shown that what rev runs is healthy.
func proves(other, rev *v1alpha1.Revision, app *v1alpha1.App) bool {
	return other.Status.EverReady && app.Status.Role(other.Name) != v1alpha1.RoleQuarantined &&
		other.Status.Image != "" && other.Status.Image == rev.Status.Image && other.Spec.Source.SpecHash == rev.Spec.Source.SpecHash
}

// sameAs names the live revision if it runs the same image with the same
// settings, as after a commit that only changed what is not in the image. Of the
// newest revision of the production ref it may be the one that is kept warm, as
// after a revert: that takes the traffic back. Then there is nothing to start. A revision
// that has pods of its own keeps them.
func (s Seen) sameAs(image string) string {
	if s.App == nil || s.Deployment != nil {
		return ""
	}
	rev := *s.Revision
	rev.Status.Image = image
	for i := range s.Siblings {
		other := &s.Siblings[i]
		ready := condition.Get(other.Status.Conditions, v1alpha1.ConditionReady)
		role := s.App.Status.Revision(other.Name)
		serves := role != nil && (role.Role == v1alpha1.RoleLive || role.Role == v1alpha1.RoleKept && role.Warm && s.newest())
		if serves && ready.Status == metav1.ConditionTrue && proves(other, &rev, s.App) {
			return other.Name
		}
	}
	return ""
}

// newest reports whether the revision is that of the production ref's head.
func (s Seen) newest() bool {
	return slices.ContainsFunc(s.App.Spec.Heads, func(h v1alpha1.Head) bool {
		return h.Ref == s.App.Spec.ProductionRef && h.Revision == s.Revision.Name
	})
}

// count is the number of pods that take requests. The duration says when time
// alone may change it; 0 is never.
func (s Seen) count(pods []corev1.Pod, now time.Time) (n int32, again time.Duration) {
	for i := range pods {
		takes, wait := s.takes(&pods[i], now)
		if takes {
			n++
		}
		again = apply.Sooner(again, wait)
	}
	return n, again
}

// takes reports whether a pod takes requests: the kubelet says so or our own
// probes do, which are faster, and it has gone on for as long as it must. The
// duration says when time alone may change that; 0 is never.
func (s Seen) takes(pod *corev1.Pod, now time.Time) (bool, time.Duration) {
	switch {
	case pod.DeletionTimestamp != nil:
		return false, 0
	case s.Answered[pod.UID] > 0 && kubelet.Ready(pod):
		return true, 0
	case s.Answered[pod.UID] > 0:
		return true, s.Answered[pod.UID]
	case !kubelet.Ready(pod):
		return false, 0
	case s.Hold == 0:
		return true, 0
	}
	left := s.Hold + kubeletLag - now.Sub(heldSince(pod))
	return left <= 0, max(left, 0)
}

// heldSince is from when on the kubelet has found the present container ready.
func heldSince(pod *corev1.Pod) time.Time {
	since := kubelet.Condition(&pod.Status, corev1.PodReady).LastTransitionTime.Time
	if status := kubelet.App(pod); status != nil && status.State.Running != nil && status.State.Running.StartedAt.After(since) {
		since = status.State.Running.StartedAt.Time
	}
	return since
}

// holding is a pod that answers, and has to go on doing so.
func holding(hold time.Duration) diagnose.Finding {
	return diagnose.Finding{Reason: v1alpha1.ReasonHolding,
		Message: fmt.Sprintf("the app answers; it takes traffic when it has gone on for %s (health.hold)", hold)}
}

// diagnose explains why the pods of a revision do not all take requests: the
// worst finding wins. The duration says when to look again, for hints that come
// with time; 0 is never.
func (s Seen) diagnose(pods []corev1.Pod, now time.Time) (diagnose.Finding, time.Duration) {
	worst := diagnose.Finding{Reason: v1alpha1.ReasonStarting}
	var again time.Duration
	for i := range pods {
		pod := &pods[i]
		takes, left := s.takes(pod, now)
		if takes || pod.DeletionTimestamp != nil {
			continue
		}
		found, wait := diagnose.Pod(s.Revision, pod, s.Listening[pod.UID], now)
		if kubelet.Ready(pod) && !found.Failed {
			found, wait = holding(s.Hold), left
		}
		if found.Failed && !worst.Failed || worst.Message == "" {
			worst = found
		}
		again = apply.Sooner(again, wait)
	}
	if worst.Message == "" {
		worst.Passing, worst.Message = true, "waiting for Kubernetes to start a pod"
	}
	return worst, again
}

// toAsk are the containers to ask whether they take requests already; the
// kubelet, which looks once a second, may be behind. That matters for a new
// revision, which traffic waits for.
func (s Seen) toAsk(pods []corev1.Pod) (targets []probe.Target) {
	rev := s.Revision
	for i := range pods {
		pod, status := &pods[i], kubelet.App(&pods[i])
		if rev.Status.EverReady || kubelet.Ready(pod) && s.Hold == 0 || !reachable(pod, status) {
			continue
		}
		targets = append(targets, probe.Target{
			ID:      status.ContainerID,
			Address: net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(int(rev.Spec.Port))),
			Path:    rev.Spec.HealthPath(),
			Hold:    s.Hold,
		})
	}
	return targets
}

// toLookAt are the pods that have run for a while without an answer: what they
// listen on is worth a hint.
func toLookAt(pods []corev1.Pod, now time.Time) (silent []corev1.Pod) {
	for i := range pods {
		pod, status := &pods[i], kubelet.App(&pods[i])
		if reachable(pod, status) && !kubelet.Ready(pod) && !diagnose.Woken(pod) && now.Sub(status.State.Running.StartedAt.Time) >= diagnose.SlowStart {
			silent = append(silent, *pod)
		}
	}
	return silent
}

func reachable(pod *corev1.Pod, status *corev1.ContainerStatus) bool {
	return pod.DeletionTimestamp == nil && status != nil && status.State.Running != nil && pod.Status.PodIP != ""
}
