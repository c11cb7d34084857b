package diagnose

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestSource(t *testing.T) {
	source := &v1alpha1.Source{
		ObjectMeta: metav1.ObjectMeta{Name: "feed", Namespace: "team"},
		Spec: v1alpha1.SourceSpec{Container: &v1alpha1.ContainerSource{
			Command: []string{"/feed"}, Env: []v1alpha1.EnvVar{{Name: "TOKEN", Secret: &v1alpha1.KeyRef{Name: "feed", Key: "token"}}},
		}},
	}
	waiting := func(reason, message string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	}
	ended := func(code int32, reason, log string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: log}}
	}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	for _, tc := range []struct {
		name      string
		now, last corev1.ContainerState
		want      Finding
	}{
		{"created", waiting("ContainerCreating", ""), corev1.ContainerState{}, passing("the container is being created")},
		{"started", running, corev1.ContainerState{}, passing("the container has started")},
		{"no image", waiting("ErrImagePull", "not found"), corev1.ContainerState{}, failed(v1alpha1.ReasonStartFailed, "the image cannot be pulled: not found")},
		{"no secret", waiting("CreateContainerConfigError", `secret "feed" not found`), corev1.ContainerState{},
			failed(v1alpha1.ReasonReferenceMissing, `Secret "feed" does not exist, which env.TOKEN in headway.yaml asks for; create it in namespace "team", no new push is needed`)},
		{"no command", waiting("RunContainerError", `exec: "/feed": no such file`), corev1.ContainerState{},
			failed(v1alpha1.ReasonStartFailed, `the container cannot be started: exec: "/feed": no such file; it runs what command in headway.yaml says`)},
		{"crashed", ended(3, "Error", "no token\n"), corev1.ContainerState{}, failed(v1alpha1.ReasonStartFailed, "the container exited with code 3; its last log lines:\nno token")},
		{"crashed before", running, ended(3, "Error", ""), failed(v1alpha1.ReasonStartFailed, "the container exited with code 3")},
		{"done", ended(0, "Completed", ""), corev1.ContainerState{}, failed(v1alpha1.ReasonStartFailed, "the container exited with code 0; it has to keep running")},
		{"large", ended(137, "OOMKilled", ""), corev1.ContainerState{}, failed(v1alpha1.ReasonStartFailed, "the container used more memory than the 512Mi that it may")},
		{"not started", ended(128, "StartError", "exec format error"), corev1.ContainerState{},
			failed(v1alpha1.ReasonStartFailed, "the container cannot be started: exec format error; it runs what command in headway.yaml says")},
	} {
		pod := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
			{Name: v1alpha1.AppContainer, State: tc.now, LastTerminationState: tc.last},
		}}}
		if got := Source(source, pod); got != tc.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tc.name, got, tc.want)
		}
	}
	full := &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/1 nodes are available: 1 Insufficient memory."},
	}}}
	if got := Source(source, full); got.Failed || got.Reason != v1alpha1.ReasonInsufficientResources || !strings.Contains(got.Message, "Insufficient memory") {
		t.Errorf("no room: %+v", got)
	}
	if got := Source(source, &corev1.Pod{}); got != passing("the pod is being set up") {
		t.Errorf("nothing known: %+v", got)
	}
}
