package revision

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestFirstStart: times are seconds after start.
func TestFirstStart(t *testing.T) {
	const never = -1
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	type pod struct {
		started, ready, since float64
		labels                map[string]string
		gone                  bool
	}
	took := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	for _, tc := range []struct {
		name string
		pods []pod
		want *metav1.Duration
	}{
		{"our own probes", []pod{{started: 3, ready: never, since: 15.9}}, took(12 * time.Second)},
		{"the kubelet", []pod{{started: 3, ready: 16, since: never}}, took(13 * time.Second)},
		{"the kubelet, behind our own probes", []pod{{started: 3, ready: 17, since: 15.9}}, took(12 * time.Second)},
		{"the kubelet, ahead of probes that began late", []pod{{started: 3, ready: 5, since: 40}}, took(2 * time.Second)},
		{"within the second", []pod{{started: 3, ready: never, since: 3.9}}, took(0)},
		{"by a clock that is behind", []pod{{started: 3, ready: never, since: 1.5}}, took(0)},
		{"the first of two", []pod{{started: 3, ready: never, since: 20}, {started: 5, ready: never, since: 9}}, took(4 * time.Second)},
		{"ready since before the present container", []pod{{started: 30, ready: 4, since: never}}, nil},
		{"the kubelet does not tell the start", []pod{{started: never, ready: 4, since: never}}, nil},
		{"one that was woken", []pod{{started: 3, ready: 50, since: never, labels: map[string]string{v1alpha1.LabelStandby: v1alpha1.StandbyWoken}}}, nil},
		{"one that is about to go", []pod{{started: 3, ready: 5, since: never, gone: true}}, nil},
		{"no pod", nil, nil},
	} {
		seen := Seen{Since: map[types.UID]time.Time{}, Answered: map[types.UID]time.Duration{}}
		for i, p := range tc.pods {
			var status corev1.ContainerStatus
			if p.started != never {
				status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(at(p.started))}
			}
			one := newPod(status)
			one.UID, one.Labels = types.UID(fmt.Sprint(i)), p.labels
			if p.ready != never {
				one.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(at(p.ready))}}
			}
			if p.since != never {
				seen.Since[one.UID], seen.Answered[one.UID] = at(p.since), time.Second
			}
			if p.gone {
				one.DeletionTimestamp = &metav1.Time{Time: start}
			}
			seen.Pods = append(seen.Pods, one)
		}
		if diff := cmp.Diff(tc.want, seen.firstStart(at(60))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// TestFirstStartIsWrittenOnce, together with EverReady: no later pod changes it.
func TestFirstStartIsWrittenOnce(t *testing.T) {
	rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
	seen := Seen{Revision: rev, Deployment: &appsv1.Deployment{}, Pods: []corev1.Pod{waitingPod("ContainerCreating", "")}}
	for _, step := range []struct {
		name  string
		took  time.Duration // of the pod; 0: it is not ready
		ever  bool
		want  time.Duration // 0: none
		clear bool
	}{
		{name: "it starts"},
		{name: "it is ready", took: 7 * time.Second, ever: true, want: 7 * time.Second},
		{name: "another pod, slower", took: 9 * time.Second, ever: true, want: 7 * time.Second},
		{name: "it was ready before this was measured", took: 9 * time.Second, ever: true, clear: true},
	} {
		if step.took > 0 {
			pod := runningPod(step.took, nil)
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(start)}}
			seen.Pods = []corev1.Pod{pod}
		}
		if step.clear {
			rev.Status.FirstStart = nil
		}
		rev.Status = PlanFor(seen, start).Status
		var got time.Duration
		if rev.Status.FirstStart != nil {
			got = rev.Status.FirstStart.Duration
		}
		if got != step.want || rev.Status.EverReady != step.ever {
			t.Errorf("%s: first start %v, ever ready %t; want %v, %t", step.name, got, rev.Status.EverReady, step.want, step.ever)
		}
	}
}
