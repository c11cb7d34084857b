package main

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// standby is a pod that waits to be woken, after the changes.
func standby(changes ...func(*corev1.Pod)) corev1.Pod {
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: types.UID("new"), Labels: map[string]string{
			v1alpha1.LabelRevision: "shop-1", v1alpha1.LabelStandby: v1alpha1.StandbyParked,
		}},
		Status: corev1.PodStatus{PodIP: "198.18.0.9", ContainerStatuses: []corev1.ContainerStatus{
			{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
		}},
	}
	for _, change := range changes {
		change(&pod)
	}
	return pod
}

func TestParked(t *testing.T) {
	for name, tt := range map[string]struct {
		pods []corev1.Pod
		want bool
	}{
		"waits":          {[]corev1.Pod{standby()}, true},
		"none":           {nil, false},
		"another leaves": {[]corev1.Pod{standby(), standby()}, false},
		"woken before":   {[]corev1.Pod{standby(func(p *corev1.Pod) { p.UID = "old" })}, false},
		"marked woken":   {[]corev1.Pod{standby(func(p *corev1.Pod) { p.Labels[v1alpha1.LabelStandby] = v1alpha1.StandbyWoken })}, false},
		"runs the app":   {[]corev1.Pod{standby(func(p *corev1.Pod) { p.Status.ContainerStatuses[0].Ready = true })}, false},
		"starts":         {[]corev1.Pod{standby(func(p *corev1.Pod) { p.Status.ContainerStatuses[0].State.Running = nil })}, false},
		"unknown":        {[]corev1.Pod{standby(func(p *corev1.Pod) { p.Status.ContainerStatuses = nil })}, false},
		"leaves":         {[]corev1.Pod{standby(func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} })}, false},
		"no standby":     {[]corev1.Pod{standby(func(p *corev1.Pod) { delete(p.Labels, v1alpha1.LabelStandby) })}, false},
	} {
		if _, got := parked(tt.pods, map[string]bool{"old": true}); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

// TestStarts: a start is cut where the watch saw its events, each the first
// time; standby pods are not those of the Deployment.
func TestStarts(t *testing.T) {
	begin := time.UnixMilli(1_700_000_000_000)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	s := newMoments()
	scaled := func(replicas int32) *appsv1.Deployment {
		return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "shop-1"}, Spec: appsv1.DeploymentSpec{Replicas: &replicas}}
	}
	pod := func(node, ip string) *corev1.Pod {
		p := standby(func(p *corev1.Pod) { delete(p.Labels, v1alpha1.LabelStandby) })
		p.Spec.NodeName, p.Status.PodIP = node, ip
		return &p
	}
	parked := standby()
	s.note(scaled(1), at(-5000)) // an earlier start
	s.forget("shop-1")
	s.note(scaled(0), at(1))
	s.note(&parked, at(2))
	s.note(scaled(1), at(10))
	s.note(pod("", ""), at(15))
	s.note(pod("node", ""), at(18))
	s.note(scaled(1), at(20))
	s.note(pod("node", "198.18.0.7"), at(400))
	s.note(pod("node", "198.18.0.7"), at(700))

	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	want := []part{{"scaled", ms(10)}, {"created", ms(5)}, {"scheduled", ms(3)}, {"address", ms(382)}, {"answer", ms(10)}}
	if diff := cmp.Diff(want, s.startParts("shop-1", begin, at(410)), cmp.AllowUnexported(part{})); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if got, err := s.address(t.Context(), "shop-1"); err != nil || got != "198.18.0.7:8080" {
		t.Errorf("address %q, %v", got, err)
	}
}

func TestReadStatus(t *testing.T) {
	const text = "Name:\tpark\nVmRSS:\t    5120 kB\nRssAnon:\t    1536 kB\nRssFile:\t    3584 kB\n"
	got, err := readStatus([]byte(text))
	if want := (processMemory{5, 1.5}); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := readStatus([]byte("Name:\tpark\nVmRSS:\t 1 kB\n")); err == nil {
		t.Error("read a status without all it needs")
	}
}

// TestMemoryOf finds this very process, and no other.
func TestMemoryOf(t *testing.T) {
	got, err := memoryOf("cmdline", "\x00"+os.Args[0]+"\x00")
	if err != nil || got.resident < 1 || got.own <= 0 || got.own > got.resident {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := memoryOf("cmdline", "\x00"+os.Args[0]+"-of-another\x00"); err == nil {
		t.Errorf("a process that does not exist has %v", got)
	}
}

func TestBeyondNoise(t *testing.T) {
	for mib, want := range map[float64]float64{0: 0, 0.99: 0, -0.99: 0, 1: 1, 12.5: 12.5, -2: -2} {
		if got := beyondNoise(mib); got != want {
			t.Errorf("%v MiB: %v, want %v", mib, got, want)
		}
	}
}
