package revision

import (
	"cmp"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
)

// image has a revision built, and made ready at some time if ever.
func image(name string, ever bool, state condition.State) func(*v1alpha1.Revision) {
	return func(rev *v1alpha1.Revision) {
		rev.Status.Image, rev.Status.EverReady = name, ever
		condition.Set(&rev.Status.Conditions, v1alpha1.ConditionReady, state, 1, start)
	}
}

func TestHoldFor(t *testing.T) {
	good := condition.True(v1alpha1.ReasonRunning, "")
	bad := condition.False(v1alpha1.ReasonStartFailed, "")
	settings := func(hash string) func(*v1alpha1.Revision) {
		return func(rev *v1alpha1.Revision) { rev.Spec.Source.SpecHash = hash }
	}
	hold := func(d time.Duration) func(*v1alpha1.Revision) {
		return func(rev *v1alpha1.Revision) { rev.Spec.Health = &v1alpha1.Health{Hold: &metav1.Duration{Duration: d}} }
	}
	newest := func(change ...func(*v1alpha1.Revision)) *v1alpha1.Revision {
		return newRevision(commitB, append([]func(*v1alpha1.Revision){image("i2", false, condition.State{})}, change...)...)
	}
	live := func(change ...func(*v1alpha1.Revision)) []v1alpha1.Revision {
		return []v1alpha1.Revision{*newRevision(commitA, append([]func(*v1alpha1.Revision){image("i1", true, good)}, change...)...)}
	}
	quarantined := func(a *v1alpha1.App) {
		a.Status.Revisions = []v1alpha1.RevisionRole{{Name: "another", Role: v1alpha1.RoleLive}, {Name: "hello-aaaaaaaa", Role: v1alpha1.RoleQuarantined}}
	}
	for _, tc := range []struct {
		name     string
		rev      *v1alpha1.Revision
		siblings []v1alpha1.Revision
		app      func(*v1alpha1.App)
		want     time.Duration
	}{
		{name: "the first revision", rev: newest()},
		{name: "beside a healthy one", rev: newest(), siblings: live(), want: v1alpha1.DefaultHold},
		{name: "as long as headway.yaml says", rev: newest(hold(time.Minute)), siblings: live(), want: time.Minute},
		{name: "a preview", rev: newest(func(rev *v1alpha1.Revision) { rev.Spec.Preview = &v1alpha1.BuiltFor{App: "hello"} }), siblings: live()},
		{name: "not at all", rev: newest(hold(0)), siblings: live()},
		{name: "the live one is broken", rev: newest(), siblings: live(image("i1", true, bad))},
		{name: "nothing is live", rev: newest(), siblings: live(), app: func(a *v1alpha1.App) { a.Status.Revisions = nil }},
		{name: "it was ready before", rev: newest(image("i2", true, good)), siblings: live()},
		{name: "a rollback: the image has served", rev: newest(image("i1", false, condition.State{})), siblings: live()},
		{name: "the image has served with other settings", rev: newest(image("i1", false, condition.State{}), settings("t")), siblings: live(), want: v1alpha1.DefaultHold},
		{name: "the image has failed while it served", rev: newest(image("i1", false, condition.State{})), app: quarantined,
			siblings: append(live(), *newRevision("cccccccc3333", func(rev *v1alpha1.Revision) { rev.Name = "another" }, image("i3", true, good))), want: v1alpha1.DefaultHold},
	} {
		app := newApp()
		app.Status.Revisions = []v1alpha1.RevisionRole{{Name: "hello-aaaaaaaa", Role: v1alpha1.RoleLive}}
		if tc.app != nil {
			tc.app(app)
		}
		if got := holdFor(tc.rev, app, tc.siblings); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestHold is about pods that answer, and have to go on doing so.
func TestHold(t *testing.T) {
	const hold = 2 * time.Second
	pod := func(readyFor, startedFor time.Duration, last *corev1.ContainerStateTerminated) corev1.Pod {
		p := runningPod(startedFor, last)
		p.UID = "u"
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(start.Add(-readyFor))}}
		return p
	}
	crash := crashed(1, "Error", "panic: no", time.Second)
	for _, tc := range []struct {
		name     string
		pod      corev1.Pod
		answered time.Duration
		state    v1alpha1.RevisionState
		message  string
		again    time.Duration
	}{
		{"the kubelet says ready, for a second", pod(time.Second, time.Minute, nil), 0, v1alpha1.StateStarting, "it takes traffic when it has gone on for 2s (health.hold)", 3 * time.Second},
		{"for long enough, and what the kubelet may be behind", pod(4*time.Second, time.Minute, nil), 0, v1alpha1.StateReady, "1 pod is ready", 0},
		{"its container is younger than that", pod(time.Minute, 3*time.Second, nil), 0, v1alpha1.StateStarting, "health.hold", time.Second},
		{"our own probes have held it", pod(time.Second, time.Second, nil), time.Second, v1alpha1.StateReady, "1 pod is ready", 0},
		{"it has crashed before", pod(time.Second, time.Second, crash), 0, v1alpha1.StateFailed, "the app exited with code 1; its last log lines:\npanic: no", 0},
		{"it has crashed before, and was held since", pod(time.Second, time.Second, crash), time.Second, v1alpha1.StateReady, "1 pod is ready", 0},
	} {
		rev := newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
		plan := PlanFor(Seen{Revision: rev, Deployment: &appsv1.Deployment{}, Pods: []corev1.Pod{tc.pod}, Hold: hold,
			Answered: map[types.UID]time.Duration{"u": tc.answered}}, start)
		got := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady)
		if plan.Status.State != tc.state || !strings.Contains(got.Message, tc.message) || plan.RequeueAfter != tc.again {
			t.Errorf("%s: %s %q, again in %v\nwant %s %q, %v", tc.name, plan.Status.State, got.Message, plan.RequeueAfter, tc.state, tc.message, tc.again)
		}
	}
}

func TestLastCrash(t *testing.T) {
	end := func(id string, at time.Duration) *corev1.ContainerStateTerminated {
		return &corev1.ContainerStateTerminated{ContainerID: id, ExitCode: 3, FinishedAt: metav1.NewTime(start.Add(at))}
	}
	draining := runningPod(0, end("c9", time.Hour))
	draining.DeletionTimestamp = &metav1.Time{Time: start}
	known := &v1alpha1.Crash{Container: "c1", Message: "as it was seen"}
	for _, tc := range []struct {
		name  string
		known *v1alpha1.Crash
		pods  []corev1.Pod
		want  string
	}{
		{"none", nil, []corev1.Pod{readyPod()}, ""},
		{"one", nil, []corev1.Pod{runningPod(0, end("c1", 0))}, "c1"},
		{"the newest", nil, []corev1.Pod{runningPod(0, end("c1", 0)), runningPod(0, end("c2", time.Second)), runningPod(0, end("c3", 0))}, "c2"},
		{"a pod that was told to end", nil, []corev1.Pod{draining}, ""},
		{"known already", known, []corev1.Pod{runningPod(0, end("c1", 0))}, "c1"},
		{"its pod is gone", known, nil, "c1"},
		{"the next one", known, []corev1.Pod{runningPod(0, end("c2", 0))}, "c2"},
	} {
		rev := newRevision(commitA)
		rev.Status.LastCrash = tc.known
		got := diagnose.LastCrash(rev, tc.pods, start)
		switch {
		case got == nil && tc.want == "":
		case got == nil || got.Container != tc.want:
			t.Errorf("%s: %+v, want %q", tc.name, got, tc.want)
		case got.Container == "c1" && tc.known != nil && got != tc.known:
			t.Errorf("%s: what was seen before is written again: %+v", tc.name, got)
		case tc.known == nil && (!got.SeenAt.Time.Equal(start) || !strings.Contains(got.Message, "code 3")):
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
}

// TestSameAsLive: a revision that runs what the live one runs starts no pods; nor
// does the newest one that runs what is kept.
func TestSameAsLive(t *testing.T) {
	good := condition.True(v1alpha1.ReasonRunning, "")
	settings := func(rev *v1alpha1.Revision) { rev.Spec.Source.SpecHash = "another" }
	live := newRevision(commitA, image("x@"+digest, true, good))
	for _, tc := range []struct {
		name string
		rev  func(*v1alpha1.Revision)
		live string
		own  *appsv1.Deployment
		want v1alpha1.RevisionState
		role v1alpha1.Role // of the other one; empty: live
		cold bool          // its pods are not kept
		head bool
	}{
		{name: "the same", live: live.Name, want: v1alpha1.StateSame},
		{name: "other settings", rev: settings, live: live.Name, want: v1alpha1.StateStarting},
		{name: "another image", rev: image("y@"+digest, false, condition.State{}), live: live.Name, want: v1alpha1.StateStarting},
		{name: "it is not live", want: v1alpha1.StateStarting},
		{name: "it has pods of its own already", live: live.Name, own: &appsv1.Deployment{}, want: v1alpha1.StateStarting},
		{name: "a revert to what is kept", live: live.Name, role: v1alpha1.RoleKept, head: true, want: v1alpha1.StateSame},
		{name: "a revert to what is kept without pods", live: live.Name, role: v1alpha1.RoleKept, cold: true, head: true, want: v1alpha1.StateStarting},
		{name: "a branch that is what is kept", live: live.Name, role: v1alpha1.RoleKept, want: v1alpha1.StateStarting},
		{name: "a revert to what was replaced", live: live.Name, role: v1alpha1.RoleReplaced, head: true, want: v1alpha1.StateStarting},
	} {
		app := newApp()
		app.Status.Revisions = []v1alpha1.RevisionRole{{Name: tc.live, Role: cmp.Or(tc.role, v1alpha1.RoleLive), Warm: !tc.cold}}
		rev := newRevision(commitB, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "x@"+digest))
		if tc.rev != nil {
			tc.rev(rev)
		}
		if app.Spec.Heads = nil; tc.head {
			app.Spec.Heads = []v1alpha1.Head{{Ref: app.Spec.ProductionRef, Revision: rev.Name}}
		}
		plan := PlanFor(Seen{Revision: rev, App: app, Siblings: []v1alpha1.Revision{*live}, Deployment: tc.own}, start)
		if state := plan.Status.State; (state == v1alpha1.StateSame) != (tc.want == v1alpha1.StateSame) || (plan.Deployment == nil) != (tc.want == v1alpha1.StateSame) || (plan.Status.SameAs != "") != (tc.want == v1alpha1.StateSame) {
			t.Errorf("%s: %s, deployment %v, same as %q", tc.name, state, plan.Deployment != nil, plan.Status.SameAs)
		}
	}
}
