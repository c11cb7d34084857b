package autoscaler

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// candidates are the pods that count: those of the Deployment, and of the
// standby those that are known to be woken.
func candidates(pods []corev1.Pod, deployment string, woken []podState, loads map[string]int) []podState {
	var out []podState
	for i := range pods {
		pod, owner := stateOf(&pods[i]), metav1.GetControllerOfNoCopy(&pods[i])
		switch {
		case pods[i].DeletionTimestamp != nil || pod.ended:
		case pod.standby && !slices.ContainsFunc(woken, func(s podState) bool { return s.uid == pod.uid }):
		case !pod.standby && (owner == nil || !madeBy(owner, deployment)): // somebody else's with our labels
		default:
			pod.inFlight = loads[pod.name]
			out = append(out, pod)
		}
	}
	return out
}

// missing is how many pods of a Deployment are asked for and do not exist. They
// are the first that go.
func missing(pods []podState, deployed int) int {
	for _, pod := range pods {
		if !pod.standby {
			deployed--
		}
	}
	return max(0, deployed)
}

// choose splits the pods into n that go and those that stay. Those that are
// not ready go first, as Kubernetes has it; then those that are marked, the
// emptiest and the youngest.
func choose(pods []podState, n int) (gone, stay []podState) {
	slices.SortFunc(pods, func(a, b podState) int {
		return cmp.Or(
			compareBool(a.ready, b.ready),
			compareBool(b.draining, a.draining),
			cmp.Compare(a.inFlight, b.inFlight),
			b.created.Compare(a.created),
			cmp.Compare(a.name, b.name),
		)
	})
	n = min(max(n, 0), len(pods))
	return pods[:n], pods[n:]
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
