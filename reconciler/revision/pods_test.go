package revision

import (
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
)

func waitingPod(reason, message string) corev1.Pod {
	return newPod(corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}})
}

func runningPod(since time.Duration, last *corev1.ContainerStateTerminated) corev1.Pod {
	return newPod(corev1.ContainerStatus{
		State:                corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(start.Add(-since))}},
		LastTerminationState: corev1.ContainerState{Terminated: last},
	})
}

func crashed(code int32, reason, log string, lived time.Duration) *corev1.ContainerStateTerminated {
	return &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: log,
		StartedAt: metav1.NewTime(start.Add(-lived)), FinishedAt: metav1.NewTime(start)}
}

func TestDiagnose(t *testing.T) {
	withSecret := func(r *v1alpha1.Revision) {
		r.Spec.Env = []v1alpha1.EnvVar{
			{Name: "DB", Secret: &v1alpha1.KeyRef{Name: "shop-db", Key: "url"}},
			{Name: "FLAGS", Config: &v1alpha1.KeyRef{Name: "flags", Key: "all"}},
		}
	}
	health := func(r *v1alpha1.Revision) { r.Spec.Health = &v1alpha1.Health{Path: "/healthz"} }
	memory := func(r *v1alpha1.Revision) { r.Spec.Resources.Memory = "64Mi" }
	draining := readyPod()
	draining.DeletionTimestamp = &metav1.Time{Time: start}

	for _, tc := range []struct {
		name    string
		change  func(*v1alpha1.Revision)
		pods    []corev1.Pod
		state   v1alpha1.RevisionState
		reason  string
		message string
		again   time.Duration
	}{
		{name: "no pod yet", state: v1alpha1.StateStarting, reason: v1alpha1.ReasonStarting, message: "waiting for Kubernetes"},
		{name: "one ready", pods: []corev1.Pod{readyPod()}, state: v1alpha1.StateReady, reason: v1alpha1.ReasonRunning, message: "1 pod is ready"},
		{name: "one of two ready", change: func(r *v1alpha1.Revision) { r.Spec.Scale.Min = 2 }, pods: []corev1.Pod{readyPod(), waitingPod("ContainerCreating", "")},
			state: v1alpha1.StateStarting, reason: v1alpha1.ReasonStarting, message: "1 of 2 pods are ready; the container is being created"},
		{name: "a draining pod does not count", pods: []corev1.Pod{draining}, state: v1alpha1.StateStarting, reason: v1alpha1.ReasonStarting},
		{name: "no room", pods: []corev1.Pod{{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/1 nodes are available: 1 Insufficient memory."}}}}},
			state: v1alpha1.StateStarting, reason: v1alpha1.ReasonInsufficientResources, message: "no node can take the pod yet: 0/1 nodes are available: 1 Insufficient memory"},
		{name: "just started", pods: []corev1.Pod{runningPod(4*time.Second, nil)}, state: v1alpha1.StateStarting, reason: v1alpha1.ReasonStarting, message: "the app is starting", again: 6 * time.Second},
		{name: "runs but does not listen", pods: []corev1.Pod{runningPod(10*time.Second, nil)}, state: v1alpha1.StateStarting, reason: v1alpha1.ReasonStarting,
			message: "port 8080 did not accept a connection; does it listen on $PORT?"},
		{name: "runs but is not healthy", change: health, pods: []corev1.Pod{runningPod(10*time.Second, nil)}, state: v1alpha1.StateStarting, reason: v1alpha1.ReasonStarting,
			message: "GET /healthz on port 8080 did not answer 2xx or 3xx"},
		{name: "image cannot be pulled", pods: []corev1.Pod{waitingPod("ImagePullBackOff", "Back-off pulling image \"x\"")},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "commit aaaaaaaa: the image cannot be pulled: Back-off"},
		{name: "secret is missing", change: withSecret, pods: []corev1.Pod{waitingPod("CreateContainerConfigError", `secret "shop-db" not found`)},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonReferenceMissing,
			message: `Secret "shop-db" does not exist, which env.DB in headway.yaml asks for; create it in namespace "team", no new push is needed`},
		{name: "key is missing", change: withSecret, pods: []corev1.Pod{waitingPod("CreateContainerConfigError", `couldn't find key all in ConfigMap team/flags`)},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonReferenceMissing, message: `ConfigMap "flags" has no key "all", which env.FLAGS in headway.yaml asks for; add it`},
		{name: "cannot be configured", pods: []corev1.Pod{waitingPod("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "cannot be configured: container has runAsNonRoot"},
		{name: "no command", pods: []corev1.Pod{waitingPod("CreateContainerError", `failed to generate container "`+strings.Repeat("0a", 32)+`" spec: no command specified`)},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "the image names no command"},
		{name: "each attempt has its number", pods: []corev1.Pod{waitingPod("CreateContainerError", `failed to start container "`+strings.Repeat("0a", 32)+`": no`)},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "failed to start the container: no"},
		{name: "no such program", pods: []corev1.Pod{waitingPod("RunContainerError", "exec: \"x\": not found")}, state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "cannot be started"},
		{name: "crashed and waits to be started again", pods: []corev1.Pod{newPod(corev1.ContainerStatus{
			State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
			LastTerminationState: corev1.ContainerState{Terminated: crashed(2, "Error", "line 1\npanic: no database\n", time.Second)}})},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "commit aaaaaaaa: the app exited with code 2; its last log lines:\nline 1\npanic: no database"},
		{name: "started again after a crash", pods: []corev1.Pod{runningPod(time.Second, crashed(1, "Error", "boom", time.Second))},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "exited with code 1; its last log lines:\nboom"},
		{name: "out of memory", change: memory, pods: []corev1.Pod{runningPod(time.Second, crashed(137, "OOMKilled", "", time.Second))},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "used more memory than it may (64Mi); raise resources.memory"},
		{name: "ended well", pods: []corev1.Pod{runningPod(time.Second, crashed(0, "Completed", "", time.Second))},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "it has to keep running"},
		{name: "the failed pod matters more than the waiting one", change: func(r *v1alpha1.Revision) { r.Spec.Scale.Min = 2 },
			pods:  []corev1.Pod{waitingPod("ContainerCreating", ""), waitingPod("ErrImagePull", "denied")},
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonStartFailed, message: "denied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
			if tc.change != nil {
				tc.change(rev)
			}
			deployment := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: new(max(1, rev.Spec.Scale.Min))}}
			plan := PlanFor(Seen{Revision: rev, Deployment: deployment, Pods: tc.pods}, start)
			got := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady)
			if plan.Status.State != tc.state || got.Reason != tc.reason || !strings.Contains(got.Message, tc.message) {
				t.Errorf("got %s %s %q\nwant %s %s %q", plan.Status.State, got.Reason, got.Message, tc.state, tc.reason, tc.message)
			}
			want := map[v1alpha1.RevisionState]metav1.ConditionStatus{v1alpha1.StateStarting: "Unknown", v1alpha1.StateFailed: "False", v1alpha1.StateReady: "True"}[tc.state]
			if got.Status != want || plan.RequeueAfter != tc.again || plan.Status.EverReady != (tc.state == v1alpha1.StateReady) {
				t.Errorf("status %s, again %v, everReady %v; want %s, %v", got.Status, plan.RequeueAfter, plan.Status.EverReady, want, tc.again)
			}
		})
	}
}

// TestScaled is about what the autoscaler's number of pods makes of a revision.
func TestScaled(t *testing.T) {
	crashing := newPod(corev1.ContainerStatus{
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: crashed(1, "Error", "boom", time.Second)}})
	for _, tc := range []struct {
		name     string
		before   bool // was ready before
		min      int32
		replicas int32
		pods     []corev1.Pod
		state    v1alpha1.RevisionState
		want     condition.State
	}{
		{"idle", true, 0, 0, nil, v1alpha1.StateIdle, condition.True(v1alpha1.ReasonIdle, "no pod runs; a request starts one")},
		{"idle, without traffic its min does not hold", true, 3, 0, nil, v1alpha1.StateIdle, condition.True(v1alpha1.ReasonIdle, "no pod runs; a request starts one")},
		{"no pods, and never ready", false, 0, 0, nil, v1alpha1.StateStarting, condition.Unknown(v1alpha1.ReasonStarting, "waiting for Kubernetes to start a pod")},
		{"waking", true, 0, 1, nil, v1alpha1.StateWaking, condition.True(v1alpha1.ReasonStarting, "a pod is starting")},
		{"awake", true, 0, 1, []corev1.Pod{readyPod()}, v1alpha1.StateReady, condition.True(v1alpha1.ReasonRunning, "1 pod is ready")},
		{"wakes in vain", true, 0, 1, []corev1.Pod{crashing}, v1alpha1.StateFailed,
			condition.False(v1alpha1.ReasonStartFailed, "commit aaaaaaaa: the app exited with code 1; its last log lines:\nboom")},
		{"one pod is enough while more start", true, 0, 9, []corev1.Pod{readyPod(), waitingPod("ContainerCreating", ""), crashing}, v1alpha1.StateReady,
			condition.True(v1alpha1.ReasonRunning, "1 pod is ready")},
		{"the first time, load asks for no more than min", false, 2, 9, []corev1.Pod{readyPod(), readyPod()}, v1alpha1.StateReady, condition.True(v1alpha1.ReasonRunning, "2 pods are ready")},
		{"the first time, min waits until it is asked for", false, 2, 1, []corev1.Pod{readyPod()}, v1alpha1.StateReady, condition.True(v1alpha1.ReasonRunning, "1 pod is ready")},
		{"the first time, too few", false, 2, 2, []corev1.Pod{readyPod(), waitingPod("ContainerCreating", "")}, v1alpha1.StateStarting,
			condition.Unknown(v1alpha1.ReasonStarting, "1 of 2 pods are ready; the container is being created")},
		{"too few again", true, 2, 2, []corev1.Pod{readyPod(), waitingPod("ContainerCreating", "")}, v1alpha1.StateWaking,
			condition.True(v1alpha1.ReasonStarting, "1 of 2 pods are ready; a pod is starting")},
		{"fewer than min, and one fails", true, 2, 2, []corev1.Pod{readyPod(), crashing}, v1alpha1.StateFailed,
			condition.False(v1alpha1.ReasonStartFailed, "commit aaaaaaaa: the app exited with code 1; its last log lines:\nboom")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
			rev.Spec.Scale.Min, rev.Status.EverReady = tc.min, tc.before
			plan := PlanFor(Seen{Revision: rev, Deployment: &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &tc.replicas}}, Pods: tc.pods}, start)
			if got := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady); plan.Status.State != tc.state || got != tc.want {
				t.Errorf("got %s %+v\nwant %s %+v", plan.Status.State, got, tc.state, tc.want)
			}
			if plan.Deployment == nil || plan.Deployment.Spec.Replicas != nil {
				t.Error("the plan sets the number of pods, which is the autoscaler's")
			}
			if ever := tc.before || tc.state == v1alpha1.StateReady; plan.Status.EverReady != ever {
				t.Errorf("everReady = %v, want %v", plan.Status.EverReady, ever)
			}
		})
	}
}

// TestScalingIsNoNews: a revision that sleeps and wakes all day must not fill
// the namespace with events.
func TestScalingIsNoNews(t *testing.T) {
	ready := func(s condition.State) v1alpha1.RevisionStatus {
		var status v1alpha1.RevisionStatus
		condition.Set(&status.Conditions, v1alpha1.ConditionReady, s, 1, start)
		return status
	}
	running, idle := condition.True(v1alpha1.ReasonRunning, "1 pod is ready"), condition.True(v1alpha1.ReasonIdle, "")
	waking, starting := condition.True(v1alpha1.ReasonStarting, ""), condition.Unknown(v1alpha1.ReasonStarting, "")
	crash, missing := condition.False(v1alpha1.ReasonStartFailed, ""), condition.False(v1alpha1.ReasonReferenceMissing, "")
	for _, tc := range []struct {
		from, to condition.State
		news     bool
	}{
		{starting, running, true}, {running, crash, true}, {crash, missing, true}, {crash, idle, true}, {waking, crash, true},
		{running, idle, false}, {idle, waking, false}, {waking, running, false}, {crash, crash, false}, {running, starting, false},
	} {
		if got, news := changed(ready(tc.from), ready(tc.to), v1alpha1.ConditionReady); news != tc.news || got != tc.to {
			t.Errorf("%+v -> %+v: %+v, news = %v", tc.from, tc.to, got, news)
		}
	}
}

func TestHeadStart(t *testing.T) {
	pod := runningPod(time.Second, nil)
	pod.UID = "u"
	draining := *pod.DeepCopy()
	draining.DeletionTimestamp = &metav1.Time{Time: start}
	for _, tc := range []struct {
		name     string
		pod      corev1.Pod
		answered time.Duration
		state    v1alpha1.RevisionState
		again    time.Duration
	}{
		{"no answer", pod, 0, v1alpha1.StateStarting, 9 * time.Second},
		{"an answer counts until it expires", pod, 3 * time.Second, v1alpha1.StateReady, 3 * time.Second},
		{"a draining pod takes no requests", draining, 3 * time.Second, v1alpha1.StateStarting, 0},
		{"the kubelet's verdict needs no other", readyPod(), 0, v1alpha1.StateReady, 0},
	} {
		rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
		plan := PlanFor(Seen{Revision: rev, Deployment: &appsv1.Deployment{}, Pods: []corev1.Pod{tc.pod},
			Answered: map[types.UID]time.Duration{"u": tc.answered}}, start)
		if plan.Status.State != tc.state || plan.RequeueAfter != tc.again {
			t.Errorf("%s: %s, again in %v; want %s, %v", tc.name, plan.Status.State, plan.RequeueAfter, tc.state, tc.again)
		}
	}
}

func TestDeploymentProblem(t *testing.T) {
	quota := &appsv1.Deployment{Status: appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{
		{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: `pods "x" is forbidden: exceeded quota`}}}}
	late := &appsv1.Deployment{Status: appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{
		{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded"}}}}
	for _, tc := range []struct {
		name       string
		deployment *appsv1.Deployment
		pods       []corev1.Pod
		want       string
	}{
		{"quota", quota, nil, "refuses to make the pod: pods \"x\" is forbidden: exceeded quota"},
		{"too late", late, []corev1.Pod{runningPod(time.Minute, nil)}, "not ready within 10m0s: the app runs, but port 8080"},
		{"too late, and the pod knows better", late, []corev1.Pod{waitingPod("ErrImagePull", "denied")}, "cannot be pulled: denied"},
	} {
		rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
		plan := PlanFor(Seen{Revision: rev, Deployment: tc.deployment, Pods: tc.pods}, start)
		if got := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady); got.Status != metav1.ConditionFalse || !strings.Contains(got.Message, tc.want) {
			t.Errorf("%s: got %+v, want %q", tc.name, got, tc.want)
		}
	}
}

func TestServing(t *testing.T) {
	rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
	for weight, want := range map[int32]condition.State{
		0:    condition.False(v1alpha1.ReasonNoTraffic, ""),
		3000: condition.True(v1alpha1.ReasonReceivingTraffic, "takes 30% of the traffic of hello"),
	} {
		status := PlanFor(Seen{Revision: rev, App: appWith(rev, v1alpha1.RevisionRole{Weight: weight})}, start).Status
		if diff := cmp.Diff(want, condition.Get(status.Conditions, v1alpha1.ConditionServing)); diff != "" {
			t.Errorf("weight %d: %s", weight, diff)
		}
	}
}

func TestLastLines(t *testing.T) {
	long := strings.Repeat("é", 400)
	var many []string
	for range 30 {
		many = append(many, "x")
	}
	for _, tc := range []struct {
		log  string
		want []string
	}{
		{"", nil},
		{" \n\n", nil},
		{"a\r\nb\n\n", []string{"a", "b"}},
		{strings.Join(many, "\n"), many[:20]},
		{long, []string{strings.Repeat("é", 164) + " … " + strings.Repeat("é", 83)}},
		{strings.Repeat("x", 600) + ": the cause", []string{strings.Repeat("x", 329) + " … " + strings.Repeat("x", 155) + ": the cause"}},
		{"bad \xff byte", []string{"bad ? byte"}},
	} {
		if diff := cmp.Diff(tc.want, diagnose.LastLines(tc.log)); diff != "" {
			t.Errorf("%.20q (-want +got):\n%s", tc.log, diff)
		}
	}
}
