package watcher

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// die ends the process while it reads the Repository.
func (w *world) die() {
	w.t.Helper()
	if _, err := w.r.openCache(w.repo()); err != nil {
		w.t.Fatal(err)
	}
	w.restart()
}

// TestDeathWhileReading: once may be chance; from the second time on the Repository
// waits, longer each time, and others do not.
func TestDeathWhileReading(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", shop)
	other := &v1alpha1.Repository{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "other", UID: "uid-of-other", Generation: 1},
		Spec:       w.repo().Spec,
	}
	must(t, w.client.Create(t.Context(), other))

	w.die()
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
	if _, found := w.r.marks.suspect(w.repo().UID); found {
		t.Error("it is still a suspect after it was read to its end")
	}

	w.git.CommitAndPush("second", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
	for i, wait := range []time.Duration{0, time.Minute, 2 * time.Minute, 4 * time.Minute} {
		w.die()
		if wait == 0 {
			continue
		}
		if got := w.look().RequeueAfter; got <= wait-time.Minute/2 || got > wait {
			t.Errorf("after death %d: it is read again after %s, want %s", i+1, got, wait)
		}
		w.wantCondition("Ready", metav1.ConditionFalse, "Quarantined", "times in a row while it read this repository")
	}
	if _, err := w.r.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "default", Name: "other"}}); err != nil {
		t.Fatal(err)
	}
	if len(w.r.marks.found) != 1 {
		t.Errorf("suspects are %v", w.r.marks.found)
	}
	w.later = 5 * time.Minute
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
	w.restart()
	if len(w.r.marks.found) != 0 {
		t.Errorf("suspects are %v after all was read", w.r.marks.found)
	}
}

func TestQuarantineIsAtMostAnHour(t *testing.T) {
	at := time.Now()
	for times, want := range map[int]time.Duration{2: time.Minute, 5: 8 * time.Minute, 8: time.Hour, 1000: time.Hour} {
		if got := (mark{times, at}).until().Sub(at); got != want {
			t.Errorf("after %d times: %s, want %s", times, got, want)
		}
	}
	if !(mark{1, at}).until().IsZero() {
		t.Error("it waits after the first time")
	}
}
