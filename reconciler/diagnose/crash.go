package diagnose

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// LastCrash is the newest end of a container in a pod that is to stay: nobody
// asked for it, whatever its exit code. One that is known already keeps the
// time at which it was seen, and the last one stays known when its pod is gone.
func LastCrash(rev *v1alpha1.Revision, pods []corev1.Pod, now time.Time) *v1alpha1.Crash {
	var newest *corev1.ContainerStateTerminated
	for i := range pods {
		status := AppStatus(&pods[i])
		if pods[i].DeletionTimestamp != nil || status == nil {
			continue
		}
		if end := ended(status); end != nil && (newest == nil || later(end, newest)) {
			newest = end
		}
	}
	known := rev.Status.LastCrash
	if newest == nil || known != nil && known.Container == newest.ContainerID {
		return known
	}
	return &v1alpha1.Crash{Container: newest.ContainerID, SeenAt: metav1.MicroTime{Time: now}, Message: crash(rev, newest)}
}

// later orders the ends of containers. Times are in whole seconds, so that the
// ID has to decide between equal ones: always the same way.
func later(a, b *corev1.ContainerStateTerminated) bool {
	if order := a.FinishedAt.Compare(b.FinishedAt.Time); order != 0 {
		return order > 0
	}
	return strings.Compare(a.ContainerID, b.ContainerID) > 0
}
