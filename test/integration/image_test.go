//go:build integration

package integration

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// slowly is the status of a pod whose app took so long to start.
func slowly(took time.Duration) corev1.PodStatus {
	started := metav1.NewTime(time.Now().Truncate(time.Second).Add(-time.Minute))
	return corev1.PodStatus{
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: v1alpha1.AppContainer, Image: "i", ImageID: "i", ContainerID: "c", Ready: true,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
		}},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(started.Add(took))}},
	}
}

// waitImage waits until a revision has so many pods, and what is told of its image
// and its first start is as wanted; 0 is none.
func (s shop) waitImage(revision string, replicas int32, start time.Duration) {
	s.Helper()
	eventually(s.T, revision+" tells of its image", func() error {
		rev, err := get(s.T, reconciled, revision, &v1alpha1.Revision{})
		if err != nil {
			return err
		}
		var took time.Duration
		if rev.Status.FirstStart != nil {
			took = rev.Status.FirstStart.Duration
		}
		config := rev.Status.ImageConfig
		if rev.Status.Replicas != replicas || took != start || config == nil || config.SizeBytes != 12_400_000 {
			return fmt.Errorf("%d pods, first start %v, image %+v: %v", rev.Status.Replicas, took, config, rev.Status.Conditions)
		}
		return nil
	})
}

// TestImageIsMeasured: the size of an image comes with it, also where it is reused;
// the first start of a revision is that of its first pod, whatever others take, also
// after a restart of the controller.
func TestImageIsMeasured(t *testing.T) {
	s := newShop(t, "measured")
	s.revision("measured-1", "tree1")
	s.push("measured-1")
	s.build("measured-1", sha)
	s.waitImage("measured-1", 0, 0)
	s.startPod("measured-1", "measured-1-a", slowly(7*time.Second))
	s.waitImage("measured-1", 1, 7*time.Second)
	s.startPod("measured-1", "measured-1-b", slowly(3*time.Second))
	s.waitImage("measured-1", 2, 7*time.Second)
	s.waitLive("measured-1")

	restartReconcilers(t)
	s.startPod("measured-1", "measured-1-c", slowly(3*time.Second))
	s.waitImage("measured-1", 3, 7*time.Second)

	s.revision("measured-2", "tree1") // it serves by the pods of the first
	s.push("measured-2", "measured-1")
	s.waitImage("measured-2", 0, 0)
}
