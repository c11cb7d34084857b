package autoscaler

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// candidate is a pod that could go.
type candidate struct {
	name     string
	uid      types.UID
	woken    bool // is none of the Deployment's
	ready    bool
	draining bool // is marked already
	inFlight int
	created  time.Time
}

// candidates are the pods that count: those of the Deployment, and of the
// standby those that are known to be woken.
func candidates(pods []corev1.Pod, deployment string, woken []sight, loads map[string]int) []candidate {
	var out []candidate
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		_, standby := pod.Labels[v1alpha1.LabelStandby]
		if standby && !slices.ContainsFunc(woken, func(s sight) bool { return s.uid == pod.UID }) {
			continue
		}
		if owner := metav1.GetControllerOfNoCopy(&pod); !standby && (owner == nil || !madeBy(owner, deployment)) {
			continue // somebody else's with our labels
		}
		out = append(out, candidate{
			name:     pod.Name,
			uid:      pod.UID,
			woken:    standby,
			ready:    slices.ContainsFunc(pod.Status.Conditions, isReady),
			draining: pod.Labels[v1alpha1.LabelDraining] != "",
			inFlight: loads[pod.Name],
			created:  pod.CreationTimestamp.Time,
		})
	}
	return out
}

// missing is how many pods of a Deployment are asked for and do not exist. They
// are the first that go.
func missing(pods []candidate, deployed int) int {
	for _, pod := range pods {
		if !pod.woken {
			deployed--
		}
	}
	return max(0, deployed)
}

func isReady(c corev1.PodCondition) bool {
	return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
}

// choose splits the pods into n that go and those that stay. Those that are
// not ready go first, as Kubernetes has it; then those that are marked, the
// emptiest and the youngest.
func choose(pods []candidate, n int) (gone, stay []candidate) {
	slices.SortFunc(pods, func(a, b candidate) int {
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
