package autoscaler

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/park"
)

// names of pods, for comparisons.
func names(pods []podState) []string {
	var out []string
	for _, pod := range pods {
		out = append(out, pod.name)
	}
	return out
}

func TestStandbyPlan(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	old, soon := now.Add(-time.Hour), now.Add(callAgain)
	parked := podState{name: "p", uid: "p", ip: "10.0.0.1", created: old, running: "c1"}
	with := func(change func(*podState)) podState {
		pod := parked
		change(&pod)
		return pod
	}
	woken := with(func(s *podState) { s.woken = true })
	type want struct {
		Woken, Parked, Label, Call, Remove []string
		Ready                              int
		Next                               time.Time
	}
	p := []string{"p"}
	for _, tc := range []struct {
		name     string
		pod      podState
		remember trace
		want     want
	}{
		{"parked", parked, trace{}, want{Parked: p}},
		{"no address yet", with(func(s *podState) { s.ip = "" }), trace{}, want{}},
		{"does not run yet", with(func(s *podState) { s.running = "" }), trace{}, want{}},
		{"was not reached just now", parked, trace{called: now.Add(-time.Second), running: "c1"}, want{}},
		{"was not reached, its container is another one", parked, trace{called: now, running: "c0"}, want{Parked: p}},
		{"was not reached a while ago", parked, trace{called: now.Add(-callAgain), running: "c1"}, want{Parked: p}},
		{"evicted", with(func(s *podState) { s.ended, s.running = true, "" }), trace{}, want{}},
		{"deleted a moment ago", parked, trace{gone: true}, want{}},

		{"woken a moment ago", parked, trace{woken: true, labelled: true, called: now, running: "c1"}, want{Woken: p, Next: soon}},
		{"woken, the label could not be written", parked, trace{woken: true, called: now, running: "c1"}, want{Woken: p, Label: p, Next: soon}},
		{"woken by an activator", with(func(s *podState) { s.ready = true }), trace{}, want{Woken: p, Ready: 1, Label: p}},
		{"woken by an earlier leader", woken, trace{}, want{Woken: p, Call: p, Next: soon}},
		{"ready", with(func(s *podState) { s.woken, s.ready = true, true }), trace{since: old}, want{Woken: p, Ready: 1}},
		{"was ready", with(func(s *podState) { s.woken, s.served = true, true }), trace{since: old}, want{Woken: p}},
		{"started again", with(func(s *podState) { s.woken, s.running = true, "c2" }), trace{called: now, running: "c1", since: now}, want{Woken: p, Call: p, Next: soon}},
		{"is being started again", with(func(s *podState) { s.woken, s.running = true, "" }), trace{called: now, running: "c1"}, want{Woken: p, Next: soon}},
		{"called a moment ago", woken, trace{called: now, running: "c1"}, want{Woken: p, Next: soon}},
		{"does not become ready", woken, trace{since: now.Add(-startLimit)}, want{Woken: p, Remove: p}},
		{"woken and evicted", with(func(s *podState) { s.woken, s.ended, s.running = true, true, "" }), trace{}, want{Remove: p}},
		{"woken and deleted", woken, trace{gone: true}, want{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := standby{"p": tc.remember, "deleted": {woken: true}}
			r, after := before.plan([]podState{tc.pod}, now)
			got := want{names(r.woken), names(r.parked), names(r.label), names(r.call), names(r.remove), r.ready, r.next}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(after) != 1 || before["p"] != tc.remember {
				t.Errorf("remembers %v after %v", after, before)
			}
		})
	}
}

// TestAPodThatIsNotReachedIsCalledMoreAndMoreRarely plays ten minutes.
func TestAPodThatIsNotReachedIsCalledMoreAndMoreRarely(t *testing.T) {
	begin := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	pod, s := podState{name: "p", uid: "p", ip: "10.0.0.1", running: "c1"}, standby{}
	pauses := func(d time.Duration, result park.Outcome) (got []string) {
		last := begin
		for end := begin.Add(d); begin.Before(end); begin = begin.Add(time.Second) {
			var r standbyPlan
			if r, s = s.plan([]podState{pod}, begin); len(r.parked) > 0 {
				s.noteCall(pod, result, begin)
				got, last = append(got, begin.Sub(last).String()), begin
			}
		}
		return got
	}
	expect(t, "not reached", pauses(4*time.Minute, park.Unreachable), "0s", "2s", "4s", "8s", "16s", "32s", "1m0s", "1m0s")
	pod.running = "c2"
	expect(t, "a new container", pauses(10*time.Second, park.Unreachable), "0s", "2s", "4s")
	pauses(10*time.Second, park.Denied) // it can be reached
	s.noteCall(pod, park.Unreachable, begin)
	expect(t, "not reached again", pauses(7*time.Second, park.Unreachable), "2s", "4s")
}

func TestParkedPodsHaveAnOrder(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	pod := func(name string, age time.Duration) podState {
		return podState{name: name, uid: types.UID(name), ip: "10.0.0.1", running: "c", created: now.Add(-age)}
	}
	r, _ := standby{}.plan([]podState{pod("young", 1), pod("b", 5), pod("a", 5), pod("old", 9)}, now)
	expect(t, "order", names(r.parked), "old", "a", "b", "young")
}

// TestTheLimitCountsFromTheLastTimeReady plays the minutes of a pod that crashes
// after it has run for long.
func TestTheLimitCountsFromTheLastTimeReady(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	pod := podState{name: "p", uid: "p", ip: "10.0.0.1", running: "c1", woken: true}
	var r standbyPlan
	s := standby{}
	for _, step := range []struct {
		after  time.Duration
		ready  bool
		remove bool
	}{
		{0, false, false}, {startLimit - time.Second, false, false}, {0, true, false}, // at last
		{time.Hour, false, false}, {startLimit - time.Second, false, false}, {time.Second, false, true},
	} {
		now = now.Add(step.after)
		pod.ready = step.ready
		r, s = s.plan([]podState{pod}, now)
		if removes := len(r.remove) > 0; removes != step.remove {
			t.Errorf("%s: removed: %v", now.Format(time.TimeOnly), removes)
		}
	}
}

func TestOurs(t *testing.T) {
	rev := &v1alpha1.Revision{}
	rev.Name, rev.UID = "shop-1a2b3c4d", "r"
	owner := func(change func(*metav1.OwnerReference)) []metav1.OwnerReference {
		owners := madeByReplicaSet("shop-1a2b3c4d-standby-5b7c9d")
		change(&owners[0])
		return owners
	}
	for _, tc := range []struct {
		name   string
		label  string
		owners []metav1.OwnerReference
		want   bool
	}{
		{"parked", v1alpha1.StandbyParked, owner(func(*metav1.OwnerReference) {}), true},
		{"woken", v1alpha1.StandbyWoken, owner(func(o *metav1.OwnerReference) { o.UID = "r" }), true},
		{"woken, and labelled as parked by hand", v1alpha1.StandbyParked, owner(func(o *metav1.OwnerReference) { o.UID = "r" }), true},
		{"labelled as woken by hand", v1alpha1.StandbyWoken, owner(func(*metav1.OwnerReference) {}), false},
		{"of an earlier Revision of this name", v1alpha1.StandbyWoken, owner(func(o *metav1.OwnerReference) { o.Kind, o.UID = "Revision", "old" }), false},
		{"nobody's", v1alpha1.StandbyParked, nil, false},
		{"not controlled by its owner", v1alpha1.StandbyParked, owner(func(o *metav1.OwnerReference) { o.Controller = nil }), false},
		{"of a StatefulSet", v1alpha1.StandbyParked, owner(func(o *metav1.OwnerReference) { o.Kind = "StatefulSet" }), false},
		{"of another group's ReplicaSet", v1alpha1.StandbyParked, owner(func(o *metav1.OwnerReference) { o.APIVersion = "example.com/v1" }), false},
		{"of the revision's own Deployment", v1alpha1.StandbyParked, madeByReplicaSet("shop-1a2b3c4d-6f5d8c"), false},
	} {
		pod := &corev1.Pod{}
		pod.Labels, pod.OwnerReferences = map[string]string{v1alpha1.LabelStandby: tc.label}, tc.owners
		slim, err := slimPod(pod)
		if err != nil {
			t.Fatal(err)
		}
		for _, seen := range []*corev1.Pod{pod, slim.(*corev1.Pod)} {
			if got := ours(seen, rev); got != tc.want {
				t.Errorf("%s: %v", tc.name, got)
			}
		}
	}
}

func TestStateOf(t *testing.T) {
	start := metav1.NewTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	later := metav1.NewTime(start.Add(time.Second))
	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: "p", Namespace: "default", UID: "u", CreationTimestamp: start,
			Labels:      map[string]string{v1alpha1.LabelStandby: v1alpha1.StandbyParked, v1alpha1.LabelRevision: "r", "other": "x"},
			Annotations: map[string]string{"large": "x"},
		}}
		p.Status.Phase, p.Status.PodIP = corev1.PodRunning, "10.0.0.1"
		p.Status.Conditions = []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
			{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: start},
		}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{
			{Name: "mesh", ContainerID: "c0", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: start}}},
			{Name: v1alpha1.AppContainer, ContainerID: "c1", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: start}}},
		}
		change(p)
		return p
	}
	parked := podState{name: "p", uid: "u", ip: "10.0.0.1", created: start.Time, standby: true, running: "c1"}
	for _, tc := range []struct {
		name   string
		change func(*corev1.Pod)
		want   func(*podState)
	}{
		{"parked", func(*corev1.Pod) {}, func(*podState) {}},
		{"woken", func(p *corev1.Pod) { p.Labels[v1alpha1.LabelStandby] = v1alpha1.StandbyWoken }, func(s *podState) { s.woken = true }},
		{"evicted", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }, func(s *podState) { s.ended = true }},
		{"between two containers", func(p *corev1.Pod) {
			p.Status.ContainerStatuses[1].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}
			p.Status.Conditions[1].LastTransitionTime = later
		}, func(s *podState) { s.running = "" }},
		{"ready", func(p *corev1.Pod) {
			p.Status.Conditions[1].Status, p.Status.Conditions[1].LastTransitionTime = corev1.ConditionTrue, later
		}, func(s *podState) { s.ready, s.served = true, true }},
		{"was ready", func(p *corev1.Pod) { p.Status.Conditions[1].LastTransitionTime = later }, func(s *podState) { s.served = true }},
	} {
		p := pod(tc.change)
		want := parked
		tc.want(&want)
		slim, err := slimPod(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, seen := range []*corev1.Pod{p, slim.(*corev1.Pod)} {
			if got := stateOf(seen); got != want {
				t.Errorf("%s: %+v, want %+v", tc.name, got, want)
			}
		}
		if slim := slim.(*corev1.Pod); slim.Annotations != nil || len(slim.Labels) != 2 || slim.Labels[v1alpha1.LabelRevision] != "r" {
			t.Errorf("%s: kept %v and %v", tc.name, slim.Labels, slim.Annotations)
		}
	}
}

func TestSlimRevisionKeepsWhatDecisionsRead(t *testing.T) {
	var full, want v1alpha1.Revision
	for _, rev := range []*v1alpha1.Revision{&full, &want} {
		rev.Name, rev.UID, rev.Annotations = "shop-1a2b3c4d", "u", map[string]string{"a": "b"}
		rev.Spec.App, rev.Spec.Scale.Max, rev.Status.EverReady = "shop", 5, true
	}
	full.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m"}}
	full.Spec.Env = []v1alpha1.EnvVar{{Name: "LARGE", Value: "x"}}
	full.Spec.Build = &v1alpha1.Build{}
	full.Status.Conditions = []metav1.Condition{{Type: "Ready"}}
	full.Status.ImageConfig = &v1alpha1.ImageConfig{}
	slim, err := slimRevision(&full)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, slim); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
