package watch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
)

func TestStandbyIsReadFromAStrippedPod(t *testing.T) {
	created := time.Unix(1000, 0)
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	for _, tc := range []struct {
		name   string
		label  string
		status []corev1.ContainerStatus
		want   *backend.Standby
	}{
		{name: "ordinary", status: []corev1.ContainerStatus{{Name: "app", ContainerID: "x", State: running}}},
		{name: "parked", label: v1alpha1.StandbyParked, status: []corev1.ContainerStatus{{Name: "app", ContainerID: "x", State: running}},
			want: &backend.Standby{Parked: true, Runs: true, Container: "x", Created: created}},
		{name: "woken", label: v1alpha1.StandbyWoken, status: []corev1.ContainerStatus{{Name: "app", ContainerID: "x", State: running}},
			want: &backend.Standby{Runs: true, Container: "x", Created: created}},
		{name: "crashed", label: v1alpha1.StandbyWoken, status: []corev1.ContainerStatus{{Name: "app", ContainerID: "x", State: waiting}},
			want: &backend.Standby{Container: "x", Created: created}},
		{name: "beside the proxy of a mesh", label: v1alpha1.StandbyParked,
			status: []corev1.ContainerStatus{{Name: "app", ContainerID: "x", State: running}, {Name: "proxy", ContainerID: "y", State: waiting}},
			want:   &backend.Standby{Parked: true, Runs: true, Container: "x", Created: created}},
		{name: "nothing known of the container", label: v1alpha1.StandbyParked,
			want: &backend.Standby{Parked: true, Runs: true, Created: created}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pod := newPod("a", "shop-1", "10.0.0.1", "False")
			pod.CreationTimestamp = metav1.Time{Time: created}
			if tc.label != "" {
				pod.Labels[v1alpha1.LabelStandby] = tc.label
			}
			pod.Status.ContainerStatuses = tc.status
			stripped, err := strip(pod)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := endpoint(stripped.(*corev1.Pod), 8080)
			if diff := cmp.Diff(tc.want, got.Standby); diff != "" {
				t.Errorf("standby (-want +got):\n%s", diff)
			}
		})
	}
}
