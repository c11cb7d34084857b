package watcher

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestLostRevisionOfAShortPin: the Revision that a short hash pins is deleted,
// or was collected before it was pinned.
func TestLostRevisionOfAShortPin(t *testing.T) {
	for _, allowed := range []string{"true", "false"} {
		w := newWorld(t)
		w.git.Git("--git-dir", w.git.Bare, "config", "uploadpack.allowAnySHA1InWant", allowed)
		old := w.git.Commit("old", shop)
		w.git.CommitAndPush("new", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
		w.look()
		w.git.CommitAndPush("pin", map[string]string{"headway.yaml": "name: shop\nport: 9000\npin: " + old[:8] + "\n"})
		w.look()
		w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
		name := "shop-" + old[:8]
		want := func(when string) {
			t.Helper()
			rev, there := w.revisions()[name]
			if got := w.app("shop").Spec; got.Pin != name || got.PinCommit != old || !there || rev.Spec.Commit != old {
				t.Errorf("%s: pin %q of commit %q, revision of %q; want %s of %s", when, got.Pin, got.PinCommit, rev.Spec.Commit, name, old)
			}
		}
		want("searched for")
		lose := func() {
			t.Helper()
			rev := w.revisions()[name]
			rev.Finalizers = nil
			must(t, w.client.Update(t.Context(), &rev))
			must(t, w.client.Delete(t.Context(), &rev))
			w.restart()
		}
		lose()
		w.look()
		want("deleted")
		lose()
		w.git.CommitAndPush("pin nothing", map[string]string{"headway.yaml": "name: shop\npin: abababab\n"})
		w.look()
		w.wantCondition("SpecValid", metav1.ConditionFalse, "PinNotFound", "abababab")
		want("deleted, and another pin is wrong")
		requests := w.http.Requests.Load()
		w.look()
		if n := w.http.Requests.Load() - requests; n != 1 {
			t.Errorf("%d requests for a pin that is known not to be there, want 1", n)
		}
	}
}
