package job

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
)

func TestRead(t *testing.T) {
	ended := func(code int32, log string) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{Name: container, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: log}}}}
	}
	waits := func(reason string) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{Name: container, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "why"}}}}
	}
	for _, tc := range []struct {
		name    string
		status  corev1.PodStatus
		state   State
		message string
	}{
		{"nothing is known", corev1.PodStatus{}, Pending, "pod x starts"},
		{"no node has room", corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available"}}}, Pending, "pod x waits: Unschedulable 0/1 nodes are available"},
		{"it is created", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: waits("ContainerCreating")}, Pending, "pod x starts"},
		{"a Secret is missing", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: waits("CreateContainerConfigError")}, Pending, "pod x waits: CreateContainerConfigError why"},
		{"it runs", corev1.PodStatus{Phase: corev1.PodRunning}, Running, "pod x runs"},
		{"it succeeded", corev1.PodStatus{Phase: corev1.PodSucceeded}, Succeeded, "it succeeded"},
		{"it failed", corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: ended(2, "a\nb\n")}, Failed, "it exited with code 2; its last log lines:\na\nb"},
		{"it failed in silence", corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: ended(2, " \n")}, Failed, "it exited with code 2"},
		{"it took too long", corev1.PodStatus{Phase: corev1.PodFailed, Reason: deadline, ContainerStatuses: ended(137, "")}, Failed, "it took longer than 1m0s"},
		{"it was evicted", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}, Lost, "its pod was lost"},
	} {
		pod := &corev1.Pod{Status: tc.status}
		pod.Name = "x"
		if state, message := Read(pod, time.Minute); state != tc.state || message != tc.message {
			t.Errorf("%s: %s %q, want %s %q", tc.name, state, message, tc.state, tc.message)
		}
	}
}

// TestLastLines keeps whole lines where there are some, and never half a letter.
func TestLastLines(t *testing.T) {
	if got := lastLines("first\n" + strings.Repeat("line\n", 400) + "last"); len(got) > longestLog || !strings.HasPrefix(got, "line\n") || !strings.HasSuffix(got, "\nlast") {
		t.Errorf("%q", got)
	}
	if got := lastLines(strings.Repeat("ä", 2000) + "x"); len(got) < longestLog/2 || !utf8.ValidString(got) {
		t.Errorf("%d bytes, valid: %v", len(got), utf8.ValidString(got))
	}
}
