package source

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/render"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

const sink = "http://headway-events.headway-system/team/news"

// given is a container source whose pod has run for long, with changes.
func given(changes ...func(*seen)) seen {
	s := seen{
		source: &v1alpha1.Source{
			ObjectMeta: metav1.ObjectMeta{Name: "feed", Namespace: "team", UID: "uid-1"},
			Spec:       v1alpha1.SourceSpec{Channel: "news", Container: &v1alpha1.ContainerSource{Image: "registry/feed:1"}},
		},
		channel: &v1alpha1.Channel{Status: v1alpha1.ChannelStatus{URL: sink}},
		pods:    []corev1.Pod{pod(time.Hour, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})},
	}
	s.deployment = render.SourceDeployment(s.source, sink, "")
	s.deployment.Status = appsv1.DeploymentStatus{UpdatedReplicas: 1, AvailableReplicas: 1}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func pod(age time.Duration, state corev1.ContainerState) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(now.Add(-age))},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: v1alpha1.AppContainer, State: state}}},
	}
}

func TestDecide(t *testing.T) {
	crashed := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}}
	unavailable := func(s *seen) { s.deployment.Status.AvailableReplicas = 0 }
	foreign := func(s *seen) { s.deployment.OwnerReferences = nil }
	for _, tc := range []struct {
		name   string
		seen   seen
		remove bool
		write  bool // a Deployment that differs
		want   *condition.State
		again  time.Duration
	}{
		{name: "runs", seen: given(), want: new(condition.True("Taking", ""))},
		{name: "new", seen: given(func(s *seen) { s.deployment, s.pods = nil, nil }), write: true, want: new(condition.Unknown("Starting", "the pod is being made"))},
		{name: "has just started", seen: given(unavailable), want: new(condition.Unknown("Starting", "the container has started"))},
		{name: "crashes", seen: given(unavailable, func(s *seen) {
			s.pods = []corev1.Pod{pod(time.Hour, s.pods[0].Status.ContainerStatuses[0].State), pod(time.Minute, crashed)}
		}),
			want: new(condition.False("StartFailed", "the container exited with code 3"))},
		{name: "the one that crashed goes", seen: given(unavailable, func(s *seen) {
			gone := pod(time.Second, crashed)
			gone.DeletionTimestamp = new(metav1.NewTime(now))
			s.pods = append(s.pods, gone)
		}), want: new(condition.Unknown("Starting", "the container has started"))},
		{name: "quota", seen: given(unavailable, func(s *seen) {
			s.pods = nil
			s.deployment.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "exceeded quota"}}
		}), want: new(condition.False("StartFailed", "Kubernetes refuses to make the pod: exceeded quota; the pod is being made"))},
		{name: "changed", seen: given(func(s *seen) { s.source.Spec.Container.Image = "registry/feed:2" }), write: true, want: new(condition.Unknown("Starting", "the container has started"))},
		{name: "changed, and not yet seen by Kubernetes", seen: given(func(s *seen) { s.deployment.Generation = 2; s.deployment.Status.ObservedGeneration = 1 }),
			want: new(condition.Unknown("Starting", "the container has started"))},
		{name: "changed by hand", seen: given(func(s *seen) { s.deployment.Spec.Replicas = new(int32(3)) }), write: true, want: new(condition.Unknown("Starting", "the container has started"))},
		{name: "paused", seen: given(func(s *seen) { s.source.Spec.Paused = true }), write: true, want: new(condition.False("Paused", ""))},
		{name: "no channel", seen: given(func(s *seen) { s.channel = nil; s.source.Spec.Container.Image = "other" }), want: new(condition.False("ChannelNotFound", `channel "news" does not exist`))},
		{name: "no URL", seen: given(func(s *seen) { s.channel.Status.URL = "" }), want: new(condition.Unknown("Waiting", `channel "news" is being opened`))},
		{name: "somebody else's", seen: given(foreign), again: lookPause,
			want: new(condition.False("NameConflict", "deployment source-feed is there and is not this source's; delete it, or give the source another name"))},
		{name: "no container any more", seen: given(func(s *seen) { s.source.Spec.Container = nil }), remove: true},
		{name: "no container, somebody else's", seen: given(foreign, func(s *seen) { s.source.Spec.Container = nil })},
		{name: "no container, nothing", seen: given(func(s *seen) { s.source.Spec.Container, s.deployment = nil, nil })},
	} {
		got := decide(tc.seen, now)
		if got.remove != tc.remove || got.again != tc.again {
			t.Errorf("%s: remove %t, again %s", tc.name, got.remove, got.again)
		}
		if write := got.deployment != nil && !render.UpToDate(tc.seen.deployment, got.deployment); write != tc.write {
			t.Errorf("%s: writes the Deployment: %t", tc.name, write)
		}
		if (got.state == nil) != (tc.want == nil) || got.state != nil && *got.state != *tc.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tc.name, got.state, tc.want)
		}
	}
}

// TestStartWith: the pod is replaced when a Secret has another version, but not
// while one is gone, and not all the time.
func TestStartWith(t *testing.T) {
	secret := func(version string) func(*seen) {
		return func(s *seen) {
			s.source.Spec.Container.Env = []v1alpha1.EnvVar{{Name: "A", Secret: &v1alpha1.KeyRef{Name: "a", Key: "k"}}}
			s.references = []v1alpha1.ReferenceVersion{{Kind: "Secret", Name: "a", Version: version}}
		}
	}
	started := func(mark string, age time.Duration) func(*seen) {
		return func(s *seen) {
			s.deployment.Spec.Template.Annotations = map[string]string{v1alpha1.AnnotationStartedWith: mark}
			s.pods[0].CreationTimestamp = metav1.NewTime(now.Add(-age))
		}
	}
	one, _ := startWith(given(secret("1")), now)
	two, _ := startWith(given(secret("2")), now)
	if one == two || one == "" {
		t.Fatalf("marks %q and %q", one, two)
	}
	for _, tc := range []struct {
		name  string
		seen  seen
		want  string
		again time.Duration
	}{
		{"the same", given(secret("1"), started(one, time.Second)), one, 0},
		{"changed", given(secret("2"), started(one, time.Hour)), two, 0},
		{"changed soon after", given(secret("2"), started(one, 20*time.Second)), one, 40 * time.Second},
		{"gone", given(secret("2"), started(one, time.Hour), func(s *seen) { s.references, s.incomplete = nil, true }), one, 0},
		{"new, and not there", given(secret("2"), func(s *seen) { s.references, s.incomplete, s.deployment = nil, true, nil }), "", 0},
		{"no variables any more", given(started(one, time.Second)), "", 0},
	} {
		got, again := startWith(tc.seen, now)
		if got != tc.want || again != tc.again {
			t.Errorf("%s: %q, again %s; want %q, again %s", tc.name, got, again, tc.want, tc.again)
		}
	}
	if p := decide(given(secret("2"), started(one, 20*time.Second)), now); p.again != 40*time.Second || !strings.Contains(p.deployment.String(), one) {
		t.Errorf("the plan does not wait: again %s", p.again)
	}
}
