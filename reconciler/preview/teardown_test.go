package preview

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/index"
)

func TestTeardownFor(t *testing.T) {
	teardownPod := func(phase corev1.PodPhase, change ...func(*corev1.Pod)) *corev1.Pod {
		p := pod("", phase, change...)
		p.Name, p.Labels = "shop-pr-12-teardown", map[string]string{labelTeardown: "true"}
		return p
	}
	running := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "app"}}
	route := &v1alpha1.Route{ObjectMeta: metav1.ObjectMeta{Name: "route"}}
	setUp := func(app *v1alpha1.App) {
		condition.Set(&app.Status.Conditions, v1alpha1.ConditionPrepared, condition.True(v1alpha1.ReasonSetUp, ""), 1, start)
	}
	for _, tc := range []struct {
		name    string
		change  func(*v1alpha1.App)
		seen    ending
		passed  time.Duration
		starts  string
		deletes string
		done    bool
		problem string
		again   time.Duration
	}{
		{name: "all but the newest image goes at once", seen: ending{route: route, revisions: built("ab"), pods: []corev1.Pod{running}}, deletes: name("a") + " route", again: time.Second},
		{name: "a setup that runs is stopped", seen: ending{revisions: built("b"), pods: []corev1.Pod{*pod(name("a"), corev1.PodRunning)}}, deletes: "shop-pr-12-setup", again: time.Second},
		{name: "its pods have ended", seen: ending{revisions: built("ab")}, passed: 3 * time.Second, starts: "b", deletes: name("a"), again: 117 * time.Second},
		{name: "they do not end", seen: ending{revisions: built("b"), pods: []corev1.Pod{running}}, passed: 20 * time.Second, starts: "b", again: 100 * time.Second},
		{name: "it runs", seen: ending{revisions: built("b"), pod: teardownPod(corev1.PodRunning)}, passed: time.Minute, again: time.Minute},
		{name: "it was lost", seen: ending{revisions: built("b"), pod: teardownPod(corev1.PodFailed)}, passed: time.Minute, deletes: "shop-pr-12-teardown", again: time.Second},
		{name: "it succeeded", seen: ending{revisions: built("b"), pod: teardownPod(corev1.PodSucceeded)}, done: true},
		{name: "it failed", seen: ending{revisions: built("b"), pod: teardownPod(corev1.PodFailed, exited(1, "no such database"))}, done: true, problem: "code 1; its last log lines:\nno such database"},
		{name: "it takes too long", seen: ending{revisions: built("b"), pod: teardownPod(corev1.PodRunning)}, passed: 2 * time.Minute, done: true, problem: "has not ended within 2m0s: pod shop-pr-12-teardown runs"},
		{name: "nothing was built", done: true},
		{name: "nothing is left to run it in", change: setUp, done: true, problem: "no revision has an image"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.seen.app = newApp("ba")
			if tc.change != nil {
				tc.change(tc.seen.app)
			}
			tc.seen.app.DeletionTimestamp = &metav1.Time{Time: start}
			got := teardownFor(tc.seen, start.Add(tc.passed))
			var names []string
			for _, o := range got.delete {
				names = append(names, o.GetName())
			}
			starts := ""
			if got.start != nil {
				_, starts, _ = strings.Cut(got.start.Spec.Containers[0].Image, "sha256:")
			}
			if starts != tc.starts || strings.Join(names, " ") != tc.deletes || got.done != tc.done || !strings.Contains(got.problem, tc.problem) || (got.problem == "") != (tc.problem == "") {
				t.Errorf("starts %q, deletes %v, done %v, problem %q", starts, names, got.done, got.problem)
			}
			if !tc.done && got.again != tc.again {
				t.Errorf("again in %v, want %v", got.again, tc.again)
			}
		})
	}
}

// stage is a cluster with one preview.
type stage struct {
	*Hooks
	t      *testing.T
	refuse error // the making of pods
	events *events.FakeRecorder
}

func newStage(t *testing.T, objects ...client.Object) *stage {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	s := &stage{t: t, events: events.NewFakeRecorder(10)}
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&corev1.Pod{}).
		WithIndex(&v1alpha1.Revision{}, index.RevisionApp, func(o client.Object) []string { return []string{o.(*v1alpha1.Revision).Spec.App} }).
		WithInterceptorFuncs(interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			if s.refuse != nil {
				return s.refuse
			}
			return c.Create(ctx, o, options...)
		}}).Build()
	s.Hooks = &Hooks{Client: api, Events: s.events}
	return s
}

func (s *stage) app() *v1alpha1.App {
	app := &v1alpha1.App{}
	err := s.Client.Get(s.t.Context(), client.ObjectKey{Namespace: "team", Name: "shop-pr-12"}, app)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return app
}

// end takes the App a step further and names the pods.
func (s *stage) end() (names []string) {
	s.t.Helper()
	if _, err := s.End(s.t.Context(), s.app()); err != nil {
		s.t.Fatal(err)
	}
	var list corev1.PodList
	if err := s.Client.List(s.t.Context(), &list); err != nil {
		s.t.Fatal(err)
	}
	for _, p := range list.Items {
		names = append(names, p.Name)
	}
	return names
}

func (s *stage) set(name string, status corev1.PodStatus) {
	s.t.Helper()
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name}}
	if err := s.Client.Get(s.t.Context(), client.ObjectKeyFromObject(p), p); err != nil {
		s.t.Fatal(err)
	}
	p.Status = status
	if err := s.Client.Status().Update(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
}

// TestEnd goes the whole way. Each step begins with what the cluster has, as if
// the controller had started anew.
func TestEnd(t *testing.T) {
	app, rev := newApp("a"), built("a")[0]
	app.Finalizers = nil
	running := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "app", Labels: map[string]string{v1alpha1.LabelApp: app.Name}}}
	route := &v1alpha1.Route{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: app.Name}}
	s := newStage(t, app, &rev, running, route)
	for _, wrote := range []bool{true, false} {
		if got, err := s.Hold(t.Context(), s.app()); got != wrote || err != nil {
			t.Fatalf("wrote %v, %v", got, err)
		}
	}
	if err := s.Client.Delete(t.Context(), s.app()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app"}, s.end()); diff != "" {
		t.Errorf("while a pod runs (-want +got):\n%s", diff)
	}
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(route), route); !apierrors.IsNotFound(err) {
		t.Errorf("the Route is there still: %v", err)
	}
	if err := s.Client.Delete(t.Context(), running); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if diff := cmp.Diff([]string{"shop-pr-12-teardown"}, s.end()); diff != "" {
			t.Errorf("pods (-want +got):\n%s", diff)
		}
	}
	s.set("shop-pr-12-teardown", corev1.PodStatus{Phase: corev1.PodSucceeded})
	s.end()
	if s.app() != nil || len(s.events.Events) != 0 {
		t.Errorf("the App is there still, or %d events", len(s.events.Events))
	}
}

// TestEndIsToldAndGoesOn where the teardown fails or may not run.
func TestEndIsToldAndGoesOn(t *testing.T) {
	for name, tc := range map[string]struct {
		refuse error
		status corev1.PodStatus
		want   string
	}{
		"it fails":        {status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded"}, want: "longer than 2m0s"},
		"a quota is used": {refuse: apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "x", nil), want: "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			rev := built("a")[0]
			s := newStage(t, newApp("a"), &rev)
			if err := s.Client.Delete(t.Context(), s.app()); err != nil {
				t.Fatal(err)
			}
			s.refuse = tc.refuse
			pods := s.end()
			if tc.refuse == nil {
				s.set(pods[0], tc.status)
				s.end()
			}
			if s.app() != nil {
				t.Error("the App stays")
			}
			select {
			case told := <-s.events.Events:
				if !strings.Contains(told, "TeardownFailed") || !strings.Contains(told, tc.want) {
					t.Errorf("told: %s", told)
				}
			default:
				t.Error("nobody is told")
			}
		})
	}
}

// TestHoldLetsGo where the teardown is taken back.
func TestHoldLetsGo(t *testing.T) {
	app := newApp("a")
	app.Spec.Preview.Teardown = nil
	s := newStage(t, app)
	if wrote, err := s.Hold(t.Context(), s.app()); !wrote || err != nil || slices.Contains(s.app().Finalizers, v1alpha1.FinalizerTeardown) {
		t.Errorf("wrote %v, %v; finalizers %v", wrote, err, s.app().Finalizers)
	}
}
