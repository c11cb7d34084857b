package revision

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/probe"
	"github.com/headway-dev/headway/reconciler/render"
)

// standing gives a pod the label of the standby.
func standing(value string, pod corev1.Pod) corev1.Pod {
	pod.Labels = map[string]string{v1alpha1.LabelStandby: value}
	return pod
}

func parkedPod() corev1.Pod {
	return standing(v1alpha1.StandbyParked, runningPod(time.Hour, nil))
}

func drainingPod(pod corev1.Pod) corev1.Pod {
	pod.DeletionTimestamp = &metav1.Time{Time: start}
	return pod
}

// standbyCase is a revision that was ready before, with a standby of 2.
type standbyCase struct {
	name    string
	weight  int32
	config  *v1alpha1.ImageConfig // nil: not known
	noPark  bool
	port    int32 // 0: the default
	asked   int32 // pods asked of the main Deployment
	live    *int32
	refused bool // Kubernetes makes no parked pods
	pods    []corev1.Pod

	state            v1alpha1.RevisionState
	message, problem string
	replicas, parked int32
	wanted           *int32 // parked pods asked for; nil: nothing is applied
	drop             bool
}

func TestStandby(t *testing.T) {
	none, two := new(int32(0)), new(int32(2))
	woken := standing(v1alpha1.StandbyWoken, runningPod(time.Hour, nil))
	awake := standing(v1alpha1.StandbyWoken, readyPod())
	evicted := standing(v1alpha1.StandbyWoken, corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed}})
	unpulled := standing(v1alpha1.StandbyParked, waitingPod("ErrImagePull", "denied"))
	broken := standing(v1alpha1.StandbyParked, newPod(corev1.ContainerStatus{
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: crashed(127, "Error", "park: no such program: /app\n", time.Second)}}))
	unplaced := standing(v1alpha1.StandbyParked, corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "no memory."}}}})
	restarted := standing(v1alpha1.StandbyParked, runningPod(time.Hour, crashed(255, "Unknown", "", time.Hour)))

	for _, tc := range []standbyCase{
		{name: "made once there is traffic", weight: 1, config: command, state: v1alpha1.StateIdle, message: "no pod runs; a request starts one", wanted: two},
		{name: "not before", config: command, state: v1alpha1.StateIdle, message: "no pod runs; a request starts one"},
		{name: "kept, with nobody in it, without traffic", config: command, live: two, pods: []corev1.Pod{drainingPod(parkedPod())},
			state: v1alpha1.StateIdle, message: "no pod runs; a request starts one", wanted: none},
		{name: "one parked", weight: 100, config: command, live: two, pods: []corev1.Pod{parkedPod()},
			state: v1alpha1.StateIdle, message: "no pod runs; a request starts one", parked: 1, wanted: two},
		{name: "two parked beside one that runs", weight: 100, config: command, asked: 1, live: two, pods: []corev1.Pod{parkedPod(), parkedPod(), readyPod()},
			state: v1alpha1.StateReady, message: "1 pod is ready", replicas: 1, parked: 2, wanted: two},
		{name: "a parked pod is no pod that starts", weight: 100, config: command, asked: 1, live: two, pods: []corev1.Pod{parkedPod()},
			state: v1alpha1.StateWaking, message: "a pod is starting", parked: 1, wanted: two},
		{name: "woken, and starting", weight: 100, config: command, live: two, pods: []corev1.Pod{woken},
			state: v1alpha1.StateWaking, message: "a pod is starting", wanted: two},
		{name: "woken, and ready", weight: 100, config: command, live: two, pods: []corev1.Pod{awake, parkedPod()},
			state: v1alpha1.StateReady, message: "1 pod is ready", replicas: 1, parked: 1, wanted: two},
		{name: "woken by an activator, not labelled yet", weight: 100, config: command, live: two, pods: []corev1.Pod{standing(v1alpha1.StandbyParked, readyPod())},
			state: v1alpha1.StateReady, message: "1 pod is ready", replicas: 1, wanted: two},
		{name: "the woken pod drains", weight: 100, config: command, live: two, pods: []corev1.Pod{drainingPod(awake), parkedPod()},
			state: v1alpha1.StateIdle, message: "no pod runs; a request starts one", parked: 1, wanted: two},
		{name: "the woken pod was evicted", weight: 100, config: command, live: two, pods: []corev1.Pod{evicted, parkedPod()},
			state: v1alpha1.StateIdle, message: "no pod runs; a request starts one", parked: 1, wanted: two},
		{name: "the image of a parked pod cannot be pulled", weight: 100, config: command, live: two, pods: []corev1.Pod{unpulled},
			state: v1alpha1.StateIdle, message: "no pod runs; a request starts one", problem: "the image cannot be pulled: denied", wanted: two},
		{name: "no room for the second", weight: 100, config: command, live: two, pods: []corev1.Pod{parkedPod(), unplaced}, parked: 1, wanted: two,
			state: v1alpha1.StateIdle, message: "no pod runs; a request starts one", problem: "no node can take the pod yet: no memory"},
		{name: "the program ends at once", weight: 100, config: command, live: two, pods: []corev1.Pod{broken},
			state: v1alpha1.StateIdle, message: "no pod runs; a request starts one", problem: "the parked pod ended with code 127: park: no such program: /app", wanted: two},
		{name: "a node was started again", weight: 100, config: command, live: two, pods: []corev1.Pod{restarted},
			state: v1alpha1.StateIdle, message: "no pod runs; a request starts one", parked: 1, wanted: two},
		{name: "quota", weight: 100, config: command, asked: 1, live: two, refused: true, pods: []corev1.Pod{readyPod()},
			state: v1alpha1.StateReady, message: "1 pod is ready", problem: "Kubernetes refuses to make the pod: exceeded quota", replicas: 1, wanted: two},
		{name: "what the image runs is not known", weight: 100, state: v1alpha1.StateIdle,
			message: "no pod runs; a request starts one", problem: "the command of the image is not known; command in headway.yaml can name it"},
		{name: "that is of no interest without traffic", state: v1alpha1.StateIdle, message: "no pod runs; a request starts one"},
		{name: "the image runs nothing", weight: 100, config: &v1alpha1.ImageConfig{}, state: v1alpha1.StateIdle,
			message: "no pod runs; a request starts one", problem: render.NoCommand},
		{name: "the app's port is taken", weight: 100, config: command, port: v1alpha1.ParkPort, state: v1alpha1.StateIdle,
			message: "no pod runs; a request starts one", problem: "parked pods wait for their call on port 8013, which is the app's; choose another"},
		{name: "no program to park with", weight: 100, config: command, noPark: true, state: v1alpha1.StateIdle,
			message: "no pod runs; a request starts one", problem: "the controller runs without --park-image"},
		{name: "no program any more", weight: 100, config: command, noPark: true, live: two, pods: []corev1.Pod{parkedPod()}, state: v1alpha1.StateIdle,
			message: "no pod runs; a request starts one", problem: "the controller runs without --park-image", parked: 1, drop: true},
	} {
		t.Run(tc.name, tc.run)
	}
}

func (tc standbyCase) run(t *testing.T) {
	rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
	rev.Spec.Scale.Standby, rev.Status.EverReady, rev.Status.ImageConfig = 2, true, tc.config
	if tc.port != 0 {
		rev.Spec.Port = tc.port
	}
	seen := Seen{Revision: rev, App: appWith(rev, v1alpha1.RevisionRole{Weight: tc.weight}), Park: park, Pods: tc.pods,
		Deployment: &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &tc.asked}}}
	if tc.noPark {
		seen.Park = render.Park{}
	}
	if tc.live != nil {
		seen.Standby = &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: tc.live}}
		if tc.refused {
			seen.Standby.Status.Conditions = []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "exceeded quota"}}
		}
	}
	plan := PlanFor(seen, start)
	ready := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady)
	if plan.Status.State != tc.state || ready.Status != metav1.ConditionTrue || ready.Message != tc.message {
		t.Errorf("got %s %+v\nwant %s %q", plan.Status.State, ready, tc.state, tc.message)
	}
	var want *v1alpha1.Standby
	if tc.weight > 0 {
		want = &v1alpha1.Standby{Asked: 2, Parked: tc.parked, Problem: tc.problem}
	}
	if diff := cmp.Diff(want, plan.Status.Standby); diff != "" || plan.Status.Replicas != tc.replicas {
		t.Errorf("%d replicas, want %d; standby (-want +got):\n%s", plan.Status.Replicas, tc.replicas, diff)
	}
	if (plan.Standby == nil) != (tc.wanted == nil) || plan.Standby != nil && *plan.Standby.Spec.Replicas != *tc.wanted {
		t.Errorf("standby %+v, want %v replicas", plan.Standby, tc.wanted)
	}
	if plan.dropStandby != tc.drop {
		t.Errorf("dropped = %v", plan.dropStandby)
	}
}

func TestNoStandbyBeforeReady(t *testing.T) {
	rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
	rev.Spec.Scale.Standby, rev.Status.ImageConfig = 1, command
	seen := Seen{Revision: rev, App: appWith(rev, live), Park: park, Deployment: &appsv1.Deployment{}}
	if plan := PlanFor(seen, start); plan.Standby != nil {
		t.Error("a revision that was never ready has a standby")
	}
	seen.Pods = []corev1.Pod{readyPod()}
	if plan := PlanFor(seen, start); plan.Standby == nil {
		t.Error("a revision that is ready now has no standby")
	}
	rev.Spec.Scale.Standby = 0
	if plan := PlanFor(seen, start); plan.Standby != nil {
		t.Error("a revision that asks for no standby has one")
	}
}

// TestProbed: nothing listens on the app's port in a parked pod, and a revision
// that was ready once waits for nobody's answer.
func TestProbed(t *testing.T) {
	expectProbed(t, false, "started", "woken")
	expectProbed(t, true)
}

func expectProbed(t *testing.T, everReady bool, want ...string) {
	t.Helper()
	b, rev := sleeping(t)
	before := rev.DeepCopy()
	rev.Status.EverReady = everReady
	if err := b.Client.Status().Patch(t.Context(), rev, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	asked := &countingProber{}
	b.Prober = asked
	pods := []corev1.Pod{parkedPod(), standing(v1alpha1.StandbyWoken, runningPod(time.Hour, nil)), runningPod(time.Second, nil)}
	for i, name := range []string{"parked", "woken", "started"} {
		pods[i].Name, pods[i].Status.PodIP = name, "10.0.0.1"
		if pods[i].Labels == nil {
			pods[i].Labels = map[string]string{}
		}
		pods[i].Labels[v1alpha1.LabelRevision] = rev.Name
		pods[i].Status.ContainerStatuses[0].ContainerID = name
		if err := b.Client.Create(t.Context(), &pods[i]); err != nil {
			t.Fatal(err)
		}
	}
	b.built(rev)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(asked.containers))); diff != "" {
		t.Errorf("ready before: %v; probed (-want +got):\n%s", everReady, diff)
	}
}

type countingProber struct{ containers map[string]bool }

func (p *countingProber) Answered(string) time.Duration { return 0 }

func (p *countingProber) Since(string) time.Time { return time.Time{} }

func (p *countingProber) Ask(target probe.Target, _ client.ObjectKey) {
	if p.containers == nil {
		p.containers = map[string]bool{}
	}
	p.containers[target.ID] = true
}
