package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
)

const by = " by " + string(apply.Autoscaler)

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestWakeAndSleep(t *testing.T) {
	w := newWorld(t, 0, v1alpha1.Scale{Max: 5})
	w.leading.Store(true)
	expect(t, "nothing to do", w.step(time.Second, 0, 0))
	expect(t, "a request waits", w.step(0, 0, 1), "scale 1"+by)
	if got, want := w.told(), "2026-01-01T00:00:01Z: 0 -> 1: a request woke it"; got != want {
		t.Errorf("annotation %q, want %q", got, want)
	}
	expect(t, "busy", w.step(70*time.Second, 3, 0))
	expect(t, "not idle yet", w.step(29*time.Second, 0, 0))
	expect(t, "idle", w.step(2*time.Second, 0, 0), "scale 0"+by)
}

func TestAStaleCacheIsNotScaledTwice(t *testing.T) {
	w := newWorld(t, 0, v1alpha1.Scale{Max: 5})
	w.leading.Store(true)
	w.stale = true
	expect(t, "a request waits", w.step(time.Second, 0, 1), "scale 1"+by)
}

func TestSmallestNumberIsForRevisionsInTraffic(t *testing.T) {
	w := newWorld(t, 2, v1alpha1.Scale{Min: 2, Max: 5})
	w.leading.Store(true)
	expect(t, "in traffic", w.step(100*time.Second, 0, 0))
	w.change(func(_ *v1alpha1.RevisionStatus, app *v1alpha1.AppStatus) {
		app.Revisions[0] = v1alpha1.RevisionRole{Name: shop.Name, Role: v1alpha1.RoleKept}
	})
	expect(t, "out of traffic", w.step(time.Second, 0, 0), "scale 0"+by)
}

func TestARevisionThatIsKeptKeepsItsPods(t *testing.T) {
	w := newWorld(t, 3, v1alpha1.Scale{Min: 1, Max: 5})
	w.leading.Store(true)
	expect(t, "busy", w.step(time.Second, 200, 0))
	w.change(func(_ *v1alpha1.RevisionStatus, app *v1alpha1.AppStatus) {
		app.Revisions[0] = v1alpha1.RevisionRole{Name: shop.Name, Role: v1alpha1.RoleKept, Warm: true}
	})
	for range 10 {
		expect(t, "kept, and idle", w.step(time.Minute, 0, 0))
	}
	w.change(func(_ *v1alpha1.RevisionStatus, app *v1alpha1.AppStatus) { app.Revisions[0].Warm = false })
	expect(t, "let go", w.step(time.Second, 0, 0), "scale 0"+by)
}

func TestANewRevisionShowsThatItRuns(t *testing.T) {
	for _, tc := range []struct {
		least int32
		want  string
	}{{0, "scale 1" + by}, {3, "scale 3" + by}} {
		w := newWorld(t, 0, v1alpha1.Scale{Min: tc.least, Max: 5})
		w.leading.Store(true)
		w.acts.reports = nil
		w.stale = true // its pods do not become ready
		w.change(func(rev *v1alpha1.RevisionStatus, app *v1alpha1.AppStatus) {
			rev.EverReady, app.Revisions = false, nil
		})
		expect(t, "never ready, no traffic, no request", w.step(10*time.Minute, 0, 0), tc.want)
	}
}

// busy is a world with three pods, of which load leaves two to go.
func busy(t *testing.T) *world {
	w := newWorld(t, 4, v1alpha1.Scale{Max: 5, Limit: 10}) // 7 to a pod
	w.leading.Store(true)
	expect(t, "steady", w.step(80*time.Second, 28, 0))
	w.acts.pods = map[string]int{"pod-0": 4, "pod-1": 6, "pod-2": 1, "pod-3": 3}
	return w
}

func TestTheEmptiestPodsGoOnceTheyAreEmpty(t *testing.T) {
	w := busy(t)
	expect(t, "less load", w.step(31*time.Second, 14, 0), "mark pod-2")
	expect(t, "still busy", w.step(5*time.Second, 14, 0))
	w.acts.pods["pod-2"] = 0
	expect(t, "empty", w.step(tick, 14, 0), "scale 3"+by)
}

// TestOnlyPodsOfTheRevisionGo: others of the namespace are no business of this
// revision, be they ever so empty.
func TestOnlyPodsOfTheRevisionGo(t *testing.T) {
	w := busy(t)
	for name, labels := range map[string]map[string]string{
		"bare":     nil,
		"database": {"app": "database"},
		"sibling":  {v1alpha1.LabelApp: "shop", v1alpha1.LabelRevision: "shop-5e6f7081"},
		"foreign":  {v1alpha1.LabelApp: "shop", v1alpha1.LabelRevision: shop.Name},
		"build":    {v1alpha1.LabelApp: "shop", v1alpha1.LabelRevision: shop.Name, v1alpha1.LabelBuildKey: "k"},
	} {
		pod := &corev1.Pod{ObjectMeta: meta(name)}
		pod.Labels = labels
		if err := w.api.Create(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "less load", w.step(31*time.Second, 14, 0), "mark pod-2")
}

// lists counts the lists that are asked of the API server.
type lists struct {
	client.Reader
	n int
}

func (l *lists) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	l.n++
	return l.Reader.List(ctx, list, options...)
}

func TestADrainDoesNotLookAtEveryReport(t *testing.T) {
	w := busy(t)
	expect(t, "less load", w.step(31*time.Second, 14, 0), "mark pod-2")
	live := &lists{Reader: w.api}
	w.Live = live
	for range 100 { // in five seconds
		w.now = w.now.Add(50 * time.Millisecond)
		if writes := w.step(0, 14, 0); len(writes) > 0 {
			t.Fatalf("after %d looks: %q", live.n, writes)
		}
	}
	if live.n != 20 {
		t.Errorf("%d lists in 5 s, want 20", live.n)
	}
	w.acts.pods["pod-2"] = 0
	expect(t, "empty", w.step(tick, 14, 0), "scale 3"+by)
}

func TestAPodThatStaysBusyIsNotWaitedForLong(t *testing.T) {
	w := busy(t)
	expect(t, "less load", w.step(31*time.Second, 14, 0), "mark pod-2")
	expect(t, "its time is over", w.step(drainMost, 14, 0), "scale 3"+by)
}

func TestAPodIsPutBackWhenTheLoadReturns(t *testing.T) {
	w := busy(t)
	expect(t, "less load", w.step(31*time.Second, 14, 0), "mark pod-2")
	expect(t, "more load", w.step(5*time.Second, 60, 0), "put back pod-2", "scale 5"+by)
}

func TestADrainFollowsTheDecision(t *testing.T) {
	w := busy(t)
	for _, step := range []struct {
		replicas int
		after    time.Duration
		want     []string
	}{
		{3, 0, []string{"mark pod-2"}},
		{3, 9 * time.Second, nil},
		{2, 0, []string{"mark pod-3"}},
		{2, 9 * time.Second, nil}, // the time counts anew
		{3, 0, []string{"put back pod-3"}},
		{4, 0, []string{"put back pod-2"}},
		{4, drainMost, nil},
	} {
		w.now, w.writes = w.now.Add(step.after), nil
		v, err := w.observe(t.Context(), shop)
		if err == nil {
			v.count(w.tracker.get(shop), w.now)
			_, err = w.act(t.Context(), v, w.tracker.get(shop), decide.Decision{Replicas: step.replicas}, w.now)
		}
		if err != nil {
			t.Fatal(err)
		}
		expect(t, fmt.Sprintf("%d pods", step.replicas), w.writes, step.want...)
	}
}

func TestStandbyDecidesAndWritesNothing(t *testing.T) {
	w := newWorld(t, 1, v1alpha1.Scale{Max: 5, Limit: 10})
	expect(t, "standbyPlan by", w.step(80*time.Second, 28, 0))
	if diff := cmp.Diff([]float64{4}, gathered(t, "headway_autoscaler_wanted_pods")); diff != "" {
		t.Errorf("would ask for (-want +got):\n%s", diff)
	}
	w.addMarked("pod-9")
	build := &corev1.Pod{ObjectMeta: meta("build")} // somebody marked it; the autoscaler may not change it
	build.Labels = map[string]string{v1alpha1.LabelRevision: shop.Name, v1alpha1.LabelDraining: "true", v1alpha1.LabelBuildKey: "k"}
	if err := w.api.Create(t.Context(), build); err != nil {
		t.Fatal(err)
	}
	var decided []string
	l := leader{Reconciler: w.Reconciler, enqueue: func(r reconcile.Request) { decided = append(decided, r.Name) }}
	if _, err := l.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "taking over", w.writes, "put back pod-9")
	expect(t, "every revision is decided", decided, shop.Name)
	expect(t, "leading", w.step(0, 28, 0), "scale 4"+by)
	// It has seen a whole window while it stood by, so it may scale down.
	if writes := w.step(31*time.Second, 0, 0); len(writes) == 0 || writes[len(writes)-1] != "scale 0"+by {
		t.Errorf("idle: %q", writes)
	}
}

func TestAPodThatCannotBePutBackStopsNoLeader(t *testing.T) {
	w := newWorld(t, 1, v1alpha1.Scale{Max: 5})
	w.addMarked("pod-9")
	w.refuse = errors.New("a webhook says no")
	l := leader{Reconciler: w.Reconciler, enqueue: func(reconcile.Request) {}}
	stuck, err := l.takeOver(t.Context())
	if err != nil || len(stuck) != 1 || !l.leading.Load() {
		t.Fatalf("leads: %v, %d pods are stuck, error %v", l.leading.Load(), len(stuck), err)
	}
	w.refuse = nil
	if stuck = l.putBack(t.Context(), stuck); len(stuck) != 0 {
		t.Errorf("%d pods are stuck", len(stuck))
	}
	expect(t, "tried again", w.writes, "put back pod-9")
}

func (w *world) addMarked(name string) {
	w.addPod(name)
	if err := w.setDraining(w.t.Context(), shop.Namespace, podState{name: name}, true); err != nil {
		w.t.Fatal(err)
	}
	w.writes = nil
}

func TestARestartTakesNothingAway(t *testing.T) {
	w := busy(t)
	w.Reconciler = &Reconciler{Client: w.api, Live: w.api, Reports: w.acts, Now: func() time.Time { return w.now }}
	w.leading.Store(true)
	w.acts.pods = nil
	w.stream = decide.Report{Stream: "b"}
	expect(t, "no load", w.step(decide.StableWindow-time.Second, 0, 0))
	expect(t, "a whole window later", w.step(2*time.Second, 0, 0), "scale 0"+by)
}

func TestTheReasonIsMeasured(t *testing.T) {
	w := newWorld(t, 0, v1alpha1.Scale{Max: 5})
	w.leading.Store(true)
	w.step(time.Second, 0, 0)
	w.step(0, 0, 1)
	// In the order of the label: blind, bound, idle, load, overload, wake.
	if diff := cmp.Diff([]float64{0, 0, 0, 0, 0, 1}, gathered(t, "headway_autoscaler_last_decision")); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	w.step(70*time.Second, 3, 0)
	w.step(31*time.Second, 0, 0)
	if diff := cmp.Diff([]float64{0, 0, 1, 0, 0, 0}, gathered(t, "headway_autoscaler_last_decision")); diff != "" {
		t.Errorf("idle (-want +got):\n%s", diff)
	}
}

func TestADeletedRevisionIsForgotten(t *testing.T) {
	w := newWorld(t, 1, v1alpha1.Scale{Max: 5})
	w.step(0, 1, 0)
	if err := w.api.Delete(t.Context(), emptyDeployment(shop)); err != nil {
		t.Fatal(err)
	}
	w.step(0, 1, 0)
	if n := len(w.tracker.revisions); n != 0 {
		t.Errorf("%d revisions are remembered", n)
	}
	if got := append(gathered(t, "headway_autoscaler_wanted_pods"), gathered(t, "headway_autoscaler_last_decision")...); len(got) != 0 {
		t.Errorf("revisions are measured: %v", got)
	}
}

// gathered returns the values of a gauge, one for each revision.
func gathered(t *testing.T, name string) []float64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var values []float64
	for _, family := range families {
		if family.GetName() == name {
			for _, m := range family.GetMetric() {
				values = append(values, m.GetGauge().GetValue())
			}
		}
	}
	return values
}

func TestChoose(t *testing.T) {
	old := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pods := func() []podState {
		return []podState{
			{name: "busy", ready: true, inFlight: 9, created: old},
			{name: "quiet", ready: true, inFlight: 1, created: old},
			{name: "young", ready: true, inFlight: 1, created: old.Add(time.Hour)},
			{name: "draining", ready: true, inFlight: 5, draining: true, created: old},
			{name: "starting", created: old},
		}
	}
	order := []string{"starting", "draining", "young", "quiet", "busy"}
	for n := range 8 {
		gone, stay := choose(pods(), n)
		if len(gone) != min(n, len(order)) {
			t.Errorf("%d of %d go", len(gone), n)
		}
		var got []string
		for _, pod := range append(gone, stay...) {
			got = append(got, pod.name)
		}
		expect(t, "order", got, order...)
	}
}
