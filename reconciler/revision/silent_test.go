package revision

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
	"github.com/headway-dev/headway/reconciler/probe"
	"github.com/headway-dev/headway/reconciler/render"
)

// readySince gives a pod the kubelet's verdict, which did not change since.
func readySince(pod corev1.Pod, status corev1.ConditionStatus, ago time.Duration) corev1.Pod {
	pod.UID = "u"
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.NewTime(start.Add(-ago))}}
	return pod
}

// TestSilent: an app that runs and does not answer is told so from the hint on
// to the end, whatever it exits with when it is stopped for that.
func TestSilent(t *testing.T) {
	stopped := func(code int32) corev1.Pod {
		return readySince(runningPod(0, crashed(code, "Error", "listening on 127.0.0.1:8080", render.StartLimit+2*time.Second)), corev1.ConditionFalse, render.StartLimit+4*time.Second)
	}
	waits := stopped(2)
	waits.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	runs := readySince(runningPod(diagnose.SlowStart, nil), corev1.ConditionFalse, 12*time.Second)
	health := func(r *v1alpha1.Revision) { r.Spec.Health = &v1alpha1.Health{Path: "/healthz"} }
	closed, other := probe.Listening{Reached: true}, probe.Listening{Reached: true, Ports: []int32{3000, 9000}}
	const nothing = `nothing listens there on the pod's address, and a server on localhost or 127.0.0.1 cannot be reached`

	for _, tc := range []struct {
		name    string
		change  func(*v1alpha1.Revision)
		pod     corev1.Pod
		listens probe.Listening
		state   v1alpha1.RevisionState
		message string
	}{
		{"the ports are unknown", nil, runs, probe.Listening{}, v1alpha1.StateStarting, "the app runs, but port 8080 did not accept a connection; does it listen on $PORT?"},
		{"it listens elsewhere", nil, runs, other, v1alpha1.StateStarting, "did not accept a connection; it listens on port 3000 and 9000: let it listen on $PORT, or write port: 3000 in headway.yaml"},
		{"it listens nowhere", nil, runs, closed, v1alpha1.StateStarting, "did not accept a connection; " + nothing},
		{"it listens, but is not healthy", health, runs, probe.Listening{Reached: true, Ports: []int32{8080}}, v1alpha1.StateStarting,
			"GET /healthz on port 8080 did not answer 2xx or 3xx; the port takes connections, so look at what the app answers there, and at health.path"},
		{"stopped, a Go program", nil, stopped(2), closed, v1alpha1.StateFailed, "port 8080 did not accept a connection within 2m0s, so it was started again; " + nothing},
		{"stopped, a program that ends well", nil, stopped(0), other, v1alpha1.StateFailed, "within 2m0s, so it was started again; it listens on port 3000"},
		{"stopped by force", nil, stopped(137), probe.Listening{}, v1alpha1.StateFailed, "within 2m0s, so it was started again; does it listen on $PORT?; its last log lines:\nlistening on 127.0.0.1:8080"},
		{"waits to be started again", nil, waits, closed, v1alpha1.StateFailed, "so it was started again; " + nothing},
		{"was ready and crashed later", nil, readySince(runningPod(0, crashed(2, "Error", "panic: boom", time.Hour)), corev1.ConditionFalse, 0), closed, v1alpha1.StateFailed,
			"the app exited with code 2; its last log lines:\npanic: boom"},
		{"crashed before the check gave up", nil, readySince(runningPod(0, crashed(2, "Error", "panic: boom", time.Minute)), corev1.ConditionFalse, 2*time.Minute), closed, v1alpha1.StateFailed,
			"the app exited with code 2"},
		{"ran out of memory late", nil, readySince(runningPod(0, crashed(137, "OOMKilled", "", 3*time.Minute)), corev1.ConditionFalse, 4*time.Minute), closed, v1alpha1.StateFailed,
			"the app used more memory than it may"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
			if tc.change != nil {
				tc.change(rev)
			}
			plan := PlanFor(Seen{Revision: rev, Deployment: &appsv1.Deployment{}, Pods: []corev1.Pod{tc.pod},
				Listening: map[types.UID]probe.Listening{"u": tc.listens}}, start)
			if got := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady); plan.Status.State != tc.state || !strings.Contains(got.Message, tc.message) {
				t.Errorf("got %s %q\nwant %s %q", plan.Status.State, got.Message, tc.state, tc.message)
			}
			if running := tc.pod.Status.ContainerStatuses[0].State.Running; strings.HasPrefix(tc.name, "stopped") && running != nil && plan.RequeueAfter != diagnose.SlowStart {
				t.Errorf("looks again in %s, when the ports can be looked at in %s", plan.RequeueAfter, diagnose.SlowStart)
			}
		})
	}
}

// fakePorts know nothing.
type fakePorts struct{}

func (*fakePorts) Known(string) probe.Listening { return probe.Listening{} }

func (*fakePorts) Find(context.Context, string, string, string, int32) probe.Listening {
	return probe.Listening{}
}

// TestLooksAtSilentPods only: looking is a handful of connections.
func TestLooksAtSilentPods(t *testing.T) {
	pod := func(uid string, running time.Duration, ip string) corev1.Pod {
		p := runningPod(running, nil)
		p.UID, p.Status.PodIP, p.Status.ContainerStatuses[0].ContainerID = types.UID(uid), ip, "c-"+uid
		return p
	}
	draining, woken := pod("draining", time.Minute, "10.0.0.1"), pod("woken", time.Minute, "10.0.0.1")
	draining.DeletionTimestamp = &metav1.Time{Time: start}
	woken.Labels = map[string]string{v1alpha1.LabelStandby: v1alpha1.StandbyWoken}
	waiting := waitingPod("CrashLoopBackOff", "")
	waiting.UID = "known"
	var looked []types.UID
	for _, pod := range toLookAt([]corev1.Pod{
		pod("silent", diagnose.SlowStart, "10.0.0.1"), pod("young", time.Second, "10.0.0.1"), pod("no-address", time.Minute, ""),
		readyPod(), draining, woken, waiting,
	}, start) {
		looked = append(looked, pod.UID)
	}
	if diff := cmp.Diff([]types.UID{"silent"}, looked); diff != "" {
		t.Errorf("looked at (-want +got):\n%s", diff)
	}
}
