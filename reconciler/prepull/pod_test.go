package prepull

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files")

func TestPod(t *testing.T) {
	node := newNode("1")
	node.UID = "5e6f7081-1"
	pod := podFor(Pull{Revision: newRevision("hello-1a2b3c4d", digestA), Node: node}, "registry/headway/park@"+digestB)
	got, err := yaml.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/pod.yaml"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("pod (-want +got):\n%s", diff)
	}
	if _, app := pod.Labels[v1alpha1.LabelRevision]; app {
		t.Error("the pod would take requests")
	}
}

func TestProgress(t *testing.T) {
	container := func(state corev1.ContainerState) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{State: state}}
	}
	waitingFor := func(reason, message string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	}
	for _, tc := range []struct {
		name   string
		status corev1.PodStatus
		ended  bool
		reason string
	}{
		{"new", corev1.PodStatus{Phase: corev1.PodPending}, false, ""},
		{"no room", corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "too many pods"}}},
			false, "Unschedulable: too many pods"},
		{"the image comes", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: container(waitingFor("ContainerCreating", ""))}, false, ""},
		{"it cannot be pulled", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: container(waitingFor("ErrImagePull", "no such host"))},
			false, "ErrImagePull: no such host"},
		{"runs", corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: container(corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})}, true, ""},
		{"ended", corev1.PodStatus{Phase: corev1.PodSucceeded}, true, ""},
		{"the program failed, after the image came", corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: container(
			corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2, ContainerID: "containerd://1"}})}, true, ""},
		{"it never started", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", ContainerStatuses: container(
			corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137}})}, true, "DeadlineExceeded"},
		{"its node was shut down", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Terminated", Message: "imminent shutdown"}, true, "Terminated: imminent shutdown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if ended, reason := progress(&tc.status); ended != tc.ended || reason != tc.reason {
				t.Errorf("got %t %q, want %t %q", ended, reason, tc.ended, tc.reason)
			}
		})
	}
}
