package watcher

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestRenamedAppServesUntilItsSuccessorIsLive: with real commits and objects.
func TestRenamedAppServesUntilItsSuccessorIsLive(t *testing.T) {
	w := newWorld(t)
	first := w.git.CommitAndPush("first", shop)
	w.look()
	second := w.git.CommitAndPush("rename", map[string]string{"headway.yaml": "name: store\nport: 9000\n"})
	w.look()
	old, store := w.app("shop"), w.app("store")
	if p := old.Spec.Problem; p == nil || p.Reason != "Renamed" || old.Spec.Heads[0].Revision != "shop-"+first[:8] {
		t.Errorf("shop is %+v, want it as it was and Renamed", old.Spec)
	}
	if got := store.Spec.Heads[0].Revision; got != "store-"+second[:8] {
		t.Errorf("the head of store is %s", got)
	}
	w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")

	before := store.DeepCopy()
	store.Status = v1alpha1.AppStatus{ObservedGeneration: store.Generation, Live: "store-" + second[:8]}
	meta.SetStatusCondition(&store.Status.Conditions, metav1.Condition{Type: "Ready", Status: "True", Reason: "Live"})
	must(t, w.client.Status().Update(t.Context(), store))
	if !becameReady().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: store}) {
		t.Error("an App that became ready is not looked at")
	}
	if got := w.r.awaiting(t.Context(), store); len(got) != 1 || got[0].NamespacedName != w.name {
		t.Errorf("the successor is live: %v is looked at, want %v", got, w.name)
	}
	w.told()
	w.look()
	if got := w.r.awaiting(t.Context(), store); len(got) != 0 {
		t.Errorf("nothing waits any more, and %v is looked at", got)
	}
	var left v1alpha1.AppList
	must(t, w.client.List(t.Context(), &left))
	if len(left.Items) != 1 || left.Items[0].Name != "store" {
		t.Errorf("%d Apps are left, want store", len(left.Items))
	}
	if told := strings.Join(w.told(), " "); !strings.Contains(told, "app shop: store, as headway.yaml names it now, is live") {
		t.Errorf("events: %s", told)
	}
}
