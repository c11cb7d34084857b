package revision

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// conditioned is a revision of the same app as those of newRevision.
func conditioned(commit, kind string, state condition.State) *v1alpha1.Revision {
	return newRevision(commit, func(r *v1alpha1.Revision) {
		condition.Set(&r.Status.Conditions, kind, state, 1, start)
	})
}

func TestNeedsRoom(t *testing.T) {
	for _, tc := range []struct {
		kind  string
		state condition.State
		want  bool
	}{
		{v1alpha1.ConditionBuilt, condition.Unknown(v1alpha1.ReasonInsufficientResources, "full"), true},
		{v1alpha1.ConditionReady, condition.Unknown(v1alpha1.ReasonInsufficientResources, "full"), true},
		{v1alpha1.ConditionReady, condition.True(v1alpha1.ReasonInsufficientResources, "full"), true}, // it was ready, and wakes
		{v1alpha1.ConditionReady, condition.Unknown(v1alpha1.ReasonStarting, "soon"), false},
		{v1alpha1.ConditionBuilt, condition.Unknown(v1alpha1.ReasonQueued, "soon"), false},
		{v1alpha1.ConditionReady, condition.False(v1alpha1.ReasonStartFailed, "no"), false},
	} {
		if got := needsRoom(conditioned(commitB, tc.kind, tc.state)); got != tc.want {
			t.Errorf("%s %s %s: %v", tc.kind, tc.state.Status, tc.state.Reason, got)
		}
	}
}

// TestStandbyGivesWay to another revision of the app, and comes back.
func TestStandbyGivesWay(t *testing.T) {
	b, rev := sleeping(t)
	size := func() int32 {
		t.Helper()
		b.built(rev)
		var standby appsv1.Deployment
		name := types.NamespacedName{Namespace: rev.Namespace, Name: v1alpha1.StandbyName(rev.Name)}
		if err := b.Client.Get(t.Context(), name, &standby); err != nil {
			t.Fatal(err)
		}
		return podsAsked(&standby)
	}
	if n := size(); n != 1 {
		t.Fatalf("alone: %d parked pods are asked for", n)
	}
	next := conditioned(commitB, v1alpha1.ConditionBuilt, condition.Unknown(v1alpha1.ReasonInsufficientResources, "full"))
	if err := b.Client.Create(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if n := size(); n != 0 {
		t.Errorf("beside a revision without room: %d", n)
	}
	want := v1alpha1.Standby{Asked: 1, Problem: "it gives way to " + next.Name + ", which no node has room for"}
	if got, _ := b.get(rev); got.Status.Standby == nil || *got.Status.Standby != want {
		t.Errorf("standby %+v, want %+v", got.Status.Standby, want)
	}
	before := next.DeepCopy()
	condition.Set(&next.Status.Conditions, v1alpha1.ConditionBuilt, condition.Unknown(v1alpha1.ReasonBuilding, ""), 1, start)
	if err := b.Client.Status().Patch(t.Context(), next, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	if n := size(); n != 1 {
		t.Errorf("once it has room: %d", n)
	}
}

func TestStandbysBesideAreTold(t *testing.T) {
	b, rev := sleeping(t)
	next := newRevision(commitB)
	if got := b.standbysBeside(t.Context(), next); len(got) != 1 || got[0].Name != rev.Name {
		t.Errorf("beside %s: %v", next.Name, got)
	}
	if got := b.standbysBeside(t.Context(), rev); len(got) != 0 {
		t.Errorf("beside itself: %v", got)
	}
	roomy, full := next, conditioned(commitB, v1alpha1.ConditionReady, condition.Unknown(v1alpha1.ReasonInsufficientResources, "full"))
	going := full.DeepCopy()
	going.DeletionTimestamp = &metav1.Time{Time: start}
	for name, tc := range map[string]struct {
		old, new client.Object
		want     bool
	}{
		"full": {roomy, full, true}, "still full": {full, full, false}, "room": {full, roomy, true}, "deleted": {full, going, true},
		"other news": {roomy, roomy, false},
	} {
		if got := roomChanged().Update(event.UpdateEvent{ObjectOld: tc.old, ObjectNew: tc.new}); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
