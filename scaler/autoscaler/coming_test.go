package autoscaler

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
)

// TestComingTraffic has a candidate beside a live revision with 200 requests in
// flight, 40 to a pod.
func TestComingTraffic(t *testing.T) {
	w := newWorld(t, 1, v1alpha1.Scale{Max: 9, Concurrency: 40})
	w.leading.Store(true)
	live := types.NamespacedName{Namespace: shop.Namespace, Name: "shop-live"}
	w.tracker.tell(live, decide.Decision{Stable: decide.Load{InFlight: 150}, Burst: decide.Load{InFlight: 200}}, w.now)
	role := func(weight, coming int32) {
		w.change(func(_ *v1alpha1.RevisionStatus, app *v1alpha1.AppStatus) {
			app.Revisions = []v1alpha1.RevisionRole{
				{Name: live.Name, Role: v1alpha1.RoleLive, Weight: v1alpha1.Whole - weight},
				{Name: shop.Name, Role: v1alpha1.RoleCandidate, Weight: weight, Coming: coming},
			}
		})
	}
	carries := func() int32 {
		var rev v1alpha1.Revision
		if err := w.api.Get(t.Context(), shop, &rev); err != nil {
			t.Fatal(err)
		}
		if rev.Status.Scaling == nil {
			return 0
		}
		return rev.Status.Scaling.Carries
	}
	role(100, 2000)
	expect(t, "20% are 40 requests", w.step(2*time.Second, 0, 0))
	if got := carries(); got != 0 {
		t.Errorf("carries %d, and the load is not known yet", got)
	}
	expect(t, "the load is known", w.step(2*time.Second, 0, 0))
	if got := carries(); got != 2000 {
		t.Errorf("one pod carries %d, want 2000", got)
	}
	role(2000, 5000)
	expect(t, "50% are 100 requests", w.step(0, 0, 0), "scale 3"+by)
	if got := carries(); got != 0 {
		t.Errorf("carries %d, and the pods are not there yet", got)
	}
	w.step(time.Second, 0, 0)
	if got := carries(); got != 6000 {
		t.Errorf("three pods carry %d, want 6000", got)
	}
	role(5000, 0)
	expect(t, "it has come", w.step(time.Minute, 0, 0))
	if got := carries(); got != 0 {
		t.Errorf("carries %d, and nothing is about to come", got)
	}
	expect(t, "its own load decides", w.step(2*time.Minute, 40, 0), "scale 2"+by, "scale 1"+by)
}

// TestAPartOfTheTrafficIsOnePodAtLeast: scale.min is for the live revision, and
// for one that is about to be.
func TestAPartOfTheTrafficIsOnePodAtLeast(t *testing.T) {
	rev := &v1alpha1.Revision{Spec: v1alpha1.RevisionSpec{Runtime: v1alpha1.Runtime{Scale: v1alpha1.Scale{Min: 3, Max: 9}}}}
	for _, tc := range []struct {
		role v1alpha1.RevisionRole
		want int
	}{
		{v1alpha1.RevisionRole{Role: v1alpha1.RoleLive, Weight: 9900}, 3},
		{v1alpha1.RevisionRole{Role: v1alpha1.RoleCandidate}, 0},
		{v1alpha1.RevisionRole{Role: v1alpha1.RoleCandidate, Coming: 100}, 1},
		{v1alpha1.RevisionRole{Role: v1alpha1.RoleCandidate, Weight: 100}, 1},
		{v1alpha1.RevisionRole{Role: v1alpha1.RoleCandidate, Weight: 5000, Coming: v1alpha1.Whole}, 3},
		{v1alpha1.RevisionRole{Role: v1alpha1.RoleShare, Weight: 1000}, 1},
		{v1alpha1.RevisionRole{Role: v1alpha1.RoleShare, Coming: 1000}, 1},
		{v1alpha1.RevisionRole{Role: v1alpha1.RoleQuarantined}, 0},
	} {
		if got := specFor(rev, &tc.role).Min; got != tc.want {
			t.Errorf("%+v: %d pods at least, want %d", tc.role, got, tc.want)
		}
	}
	rev.Spec.Scale.Min = 0
	if got := specFor(rev, &v1alpha1.RevisionRole{Role: v1alpha1.RoleShare, Weight: 1000}).Min; got != 0 {
		t.Errorf("a share of an app that sleeps keeps %d pods", got)
	}
}

// TestStableKeepsItsPods: while a candidate is on trial the live revision keeps
// the pods that it has, as all of the traffic may come back, and has scale.min at
// least.
func TestStableKeepsItsPods(t *testing.T) {
	w := newWorld(t, 1, v1alpha1.Scale{Min: 3, Max: 9})
	w.leading.Store(true)
	w.change(func(_ *v1alpha1.RevisionStatus, app *v1alpha1.AppStatus) {
		app.Revisions = []v1alpha1.RevisionRole{{Name: shop.Name, Role: v1alpha1.RoleLive, Weight: 7500, Warm: true}}
	})
	expect(t, "scale.min is 3", w.step(0, 0, 0), "scale 3"+by)
	expect(t, "500 requests need 7", w.step(10*time.Second, 500, 0), "scale 6"+by, "scale 7"+by)
	for range 5 {
		expect(t, "idle", w.step(time.Minute, 0, 0))
	}
}
