package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// podServer speaks the part of the pod API that logs uses: list, get, log.
type podServer struct {
	mu   sync.Mutex
	pods []corev1.Pod
	// logs by pod/container; a followed log stays open until its pod is closed.
	logs   map[string]string
	closed map[string]chan struct{}
	asked  []string
	// onLog is called with the pod whose log is opened.
	onLog func(pod string)
}

func (s *podServer) client(t *testing.T) typedcorev1.PodInterface {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c.CoreV1().Pods("ns")
}

func (s *podServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/ns/pods"), "/")
	w.Header().Set("Content-Type", "application/json")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(parts) == 1:
		_ = json.NewEncoder(w).Encode(corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: s.pods})
	case len(parts) == 2:
		i := slices.IndexFunc(s.pods, func(p corev1.Pod) bool { return p.Name == parts[1] })
		pod := s.pods[i]
		pod.TypeMeta = metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}
		_ = json.NewEncoder(w).Encode(pod)
	default:
		s.log(w, r, parts[1])
	}
}

func (s *podServer) log(w http.ResponseWriter, r *http.Request, pod string) {
	q := r.URL.Query()
	s.asked = append(s.asked, fmt.Sprintf("%s tail=%s previous=%s", pod, q.Get("tailLines"), q.Get("previous")))
	_, _ = io.WriteString(w, s.logs[pod+"/"+q.Get("container")])
	if s.onLog != nil {
		s.onLog(pod)
	}
	if wait := s.closed[pod]; q.Get("follow") == "true" && wait != nil {
		w.(http.Flusher).Flush()
		s.mu.Unlock()
		select {
		case <-wait:
		case <-r.Context().Done():
		}
		s.mu.Lock()
	}
}

func pod(name string, containers ...corev1.ContainerStatus) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"}, Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: containers}}
	for _, c := range containers {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: c.Name})
	}
	return p
}

func container(name string, state corev1.ContainerState) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: state}
}

var (
	running   = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	waiting   = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}
	succeeded = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
	exited    = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}
)

func TestLogsOfPods(t *testing.T) {
	restarting := container("app", waiting)
	restarting.RestartCount, restarting.LastTerminationState = 3, exited
	s := &podServer{
		pods: []corev1.Pod{pod("b", container("app", running)), pod("a", container("app", running)), pod("c", container("app", waiting)), pod("d", restarting)},
		logs: map[string]string{"a/app": "one\ntwo\r\n", "b/app": "three", "d/app": "panic: no\n"},
	}
	var out, notes bytes.Buffer
	tailer := &printer{pods: s.client(t), out: &lineWriter{w: &out}, notes: &notes, tail: 100}
	if err := tailer.app(context.Background(), "x=y"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a one\na two\nb three\nd panic: no\n", out.String()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a tail=100 previous=", "b tail=100 previous=", "d tail=100 previous=true"}, s.asked); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("d is being restarted; this is the log of its last run\n", notes.String()); diff != "" {
		t.Error(diff)
	}
}

// TestFollowPicksUpNewPods has a second pod start after the first one's log is
// open, and the first one's container restart.
func TestFollowPicksUpNewPods(t *testing.T) {
	s := &podServer{
		pods:   []corev1.Pod{pod("a", container("app", running))},
		logs:   map[string]string{"a/app": "from a\n", "b/app": "from b\n"},
		closed: map[string]chan struct{}{"a": make(chan struct{}), "b": make(chan struct{})},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	opened := 0
	s.onLog = func(name string) {
		opened++
		switch opened {
		case 1:
			again := container("app", running)
			again.RestartCount = 1
			s.pods = []corev1.Pod{pod("a", again), pod("b", container("app", running))}
		case 3:
			cancel()
		}
	}
	var out, notes bytes.Buffer
	tailer := &printer{pods: s.client(t), out: &lineWriter{w: &out}, notes: &notes, follow: true, tail: 5, every: time.Millisecond}
	if err := tailer.app(ctx, "x=y"); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.asked)
	if diff := cmp.Diff([]string{"a tail= previous=", "a tail=5 previous=", "b tail=5 previous="}, s.asked); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(out.String(), "a from a\n") {
		t.Errorf("output is %q", out.String())
	}
}

// TestLogsOfParkedPods: a parked pod has nothing to say until it is woken, and
// is no pod that fails to start.
func TestLogsOfParkedPods(t *testing.T) {
	asleep := pod("asleep", container("app", running))
	asleep.Labels = map[string]string{v1alpha1.LabelStandby: v1alpha1.StandbyParked}
	awake := *asleep.DeepCopy()
	awake.Name = "awake"
	awake.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	logs := map[string]string{"asleep/app": "", "awake/app": "up\n"}
	for _, tc := range []struct {
		name       string
		pods       []corev1.Pod
		follow     bool
		asked      int
		out, notes string
	}{
		{"asleep", []corev1.Pod{asleep}, false, 0, "", "no pod is running\n"},
		{"asleep, and one that does not start", []corev1.Pod{asleep, pod("a", container("app", waiting))}, false, 0, "",
			"1 pods have not started yet; headway status APP says why\n"},
		{"awake", []corev1.Pod{asleep, awake}, false, 1, "awake up\n", ""},
		{"followed", []corev1.Pod{asleep}, true, 1, "", "no pod is running; waiting for one\n"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		s := &podServer{pods: tc.pods, logs: logs, closed: map[string]chan struct{}{"asleep": make(chan struct{})}}
		if tc.follow {
			s.onLog = func(string) { cancel() }
		}
		var out, notes bytes.Buffer
		tailer := &printer{pods: s.client(t), out: &lineWriter{w: &out}, notes: &notes, follow: tc.follow, tail: 5, every: time.Hour}
		if err := tailer.app(ctx, "x=y"); err != nil {
			t.Fatal(err)
		}
		cancel()
		if out.String() != tc.out || notes.String() != tc.notes || len(s.asked) != tc.asked {
			t.Errorf("%s: %q, notes %q, asked %v", tc.name, out.String(), notes.String(), s.asked)
		}
	}
}

func TestBuildLog(t *testing.T) {
	build := pod("run-pod", container("step-build", succeeded), container("sidecar", running), container("step-push", waiting))
	build.Status.Phase = corev1.PodRunning
	s := &podServer{pods: []corev1.Pod{build}, logs: map[string]string{"run-pod/step-build": "compiling\n", "run-pod/sidecar": "noise\n", "run-pod/step-push": "pushing\n"}}
	// The push step starts once the build step's log was read.
	s.onLog = func(string) { s.pods[0].Status.ContainerStatuses[2].State = running }
	var out, notes bytes.Buffer
	b := &printer{pods: s.client(t), out: &lineWriter{w: &out}, notes: &notes, follow: true, tail: -1, every: time.Millisecond}
	r := &v1alpha1.Revision{Status: v1alpha1.RevisionStatus{Build: &v1alpha1.BuildStatus{Run: "run"}}}
	if err := b.build(context.Background(), nil, r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("build compiling\npush pushing\n", out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestBuildLogEndsWithTheFailedStep(t *testing.T) {
	build := pod("run-pod", container("step-build", exited), container("step-push", exited))
	s := &podServer{pods: []corev1.Pod{build}, logs: map[string]string{"run-pod/step-build": "no\n", "run-pod/step-push": "skipping\n"}}
	var out, notes bytes.Buffer
	b := &printer{pods: s.client(t), out: &lineWriter{w: &out}, notes: &notes, tail: -1}
	r := &v1alpha1.Revision{Status: v1alpha1.RevisionStatus{Build: &v1alpha1.BuildStatus{Run: "run"}}}
	if err := b.build(context.Background(), nil, r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("build no\n", out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestBuildLogWithoutPod(t *testing.T) {
	status := func(kind metav1.ConditionStatus, reason, message string) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionBuilt, Status: kind, Reason: reason, Message: message}}
	}
	for _, c := range []struct {
		name       string
		status     v1alpha1.RevisionStatus
		out, notes string
		err        string
	}{
		{name: "reused", status: v1alpha1.RevisionStatus{Conditions: status("True", v1alpha1.ReasonImageReused, "same tree as shop-1a2b3c4d")},
			notes: "shop was not built: same tree as shop-1a2b3c4d\n"},
		{name: "pod gone", status: v1alpha1.RevisionStatus{Conditions: status("False", v1alpha1.ReasonBuildFailed, "no"),
			Build: &v1alpha1.BuildStatus{Run: "run", FailedStep: "build", LastLogLines: []string{"x", "y"}}},
			out: "build x\nbuild y\n", notes: "the build's pod is gone; these are the last lines of step build\n"},
		{name: "nothing yet", err: "the build of shop has not begun; -f waits for it"},
		{name: "long over", status: v1alpha1.RevisionStatus{Conditions: status("True", v1alpha1.ReasonBuildSucceeded, "ok"), Build: &v1alpha1.BuildStatus{Run: "run"}},
			err: "there is no log of the build of shop any more (BuildSucceeded: ok)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, notes bytes.Buffer
			b := &printer{pods: (&podServer{}).client(t), out: &lineWriter{w: &out}, notes: &notes}
			err := b.build(context.Background(), nil, &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Status: c.status})
			if got := fmt.Sprint(err); c.err != "" && got != c.err || c.err == "" && err != nil {
				t.Errorf("error = %v, want %q", err, c.err)
			}
			if out.String() != c.out || notes.String() != c.notes {
				t.Errorf("out %q, notes %q; want %q and %q", &out, &notes, c.out, c.notes)
			}
		})
	}
}

func TestLineWriter(t *testing.T) {
	long := strings.Repeat("x", longestLine)
	var out bytes.Buffer
	n, err := (&lineWriter{w: &out}).copy("p", strings.NewReader("a\n\n"+long+"y\nlast"))
	if err != nil || n != 5 {
		t.Fatalf("copy = %d, %v", n, err)
	}
	if want := "p a\np \np " + long + "\np y\np last\n"; out.String() != want {
		t.Errorf("got %d bytes: %.80q…", out.Len(), out.String())
	}
	l := &lineWriter{w: broken{}}
	if _, err := l.copy("p", strings.NewReader("a\nb\n")); err == nil {
		t.Error("a writer that fails is not reported")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
