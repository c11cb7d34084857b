package watcher

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// pinnedShop is the App shop at c3, pinned to its revision of a1, with the
// commit it remembers.
func pinnedShop(commit string) map[string]*v1alpha1.App {
	a := app("shop", []v1alpha1.Head{head(main, "c3", "shop-c3c3c3c3")}, "shop-c3c3c3c3", "shop-a1a1a1a1")
	a.Spec.Pin = "shop-a1a1a1a1"
	if commit != "" {
		a.Spec.PinCommit = hash(commit)
	}
	return apps(a)
}

func TestPinsToRead(t *testing.T) {
	f := facts{repository: "repo", productionRef: main,
		production: snap("b2", "known:k1:"+hash("a1"), "head:k1:b2b2b2b", "short:k1:abcdef0", "far:k1:"+hash("99"), "same:k1:"+hash("99")),
		revisions:  []*v1alpha1.Revision{revision("known-a1a1a1a1", "known", "a1", "k1")}}
	if diff := cmp.Diff([]string{"abcdef0", hash("99")}, f.pinsToRead()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, file := range []string{"shop:k1:a1a1a1a", "shop:k1:" + hash("a1"), "shop!InvalidSpec"} {
		f = facts{repository: "repo", productionRef: main, production: snap("b2", file), apps: pinnedShop("a1")}
		if diff := cmp.Diff([]string{hash("a1")}, f.pinsToRead()); diff != "" {
			t.Errorf("%s, its revision lost (-want +got)\n%s", file, diff)
		}
		f.revisions = []*v1alpha1.Revision{revision("shop-a1a1a1a1", "shop", "a1", "k1")}
		if got := f.pinsToRead(); len(got) > 0 {
			t.Errorf("%s reads %v although the revision is there", file, got)
		}
	}
}

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
