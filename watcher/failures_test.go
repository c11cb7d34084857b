package watcher

import (
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

func TestRemoteFailuresLeaveAppsAlone(t *testing.T) {
	w := newWorld(t)
	commit := w.git.CommitAndPush("first", shop)
	w.look()
	good := w.http.CloneURL(w.git)
	steps := []struct {
		reason, text string
		do, undo     func()
	}{
		{"AuthenticationFailed", "none are set", func() { w.http.User = "ada" }, func() { w.http.User = "" }},
		{"Unreachable", "cannot be reached", func() { w.change(func(r *v1alpha1.Repository) { r.Spec.URL = "http://127.0.0.1:1/x.git" }) },
			func() { w.change(func(r *v1alpha1.Repository) { r.Spec.URL = good }) }},
		{"RepositoryNotFound", "no such repository", func() { must(t, os.Rename(w.git.Bare, w.git.Bare+".away")) },
			func() { must(t, os.Rename(w.git.Bare+".away", w.git.Bare)) }},
		{"BranchNotFound", `no branch "main" (it has other)`, func() {
			w.git.Push("HEAD:refs/heads/other")
			w.git.Git("--git-dir", w.git.Bare, "update-ref", "-d", main)
		},
			func() { w.git.Push("HEAD:refs/heads/main") }},
		{"EmptyRepository", "no commit yet", func() {
			must(t, os.Rename(w.git.Bare, w.git.Bare+".away"))
			gittest.NewRepo(t, w.http.Root, "repo.git")
		}, func() { must(t, os.RemoveAll(w.git.Bare)); must(t, os.Rename(w.git.Bare+".away", w.git.Bare)) }},
		{"SecretInvalid", `no Secret "creds"`, func() {
			w.change(func(r *v1alpha1.Repository) { r.Spec.SecretRef = &corev1.LocalObjectReference{Name: "creds"} })
		},
			func() { w.change(func(r *v1alpha1.Repository) { r.Spec.SecretRef = nil }) }},
	}
	for _, step := range steps {
		w.told()
		step.do()
		w.look()
		w.wantCondition("Ready", metav1.ConditionFalse, step.reason, step.text)
		w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
		w.look()
		if told := w.told(); len(told) != 1 || !strings.Contains(told[0], step.reason) {
			t.Errorf("%s: events %q, want one", step.reason, told)
		}
		if got := w.app("shop").Spec.Heads[0].Commit; got != commit || len(w.revisions()) != 1 {
			t.Errorf("%s: the App changed", step.reason)
		}
		step.undo()
		w.look()
		w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
		if told := w.told(); len(told) != 1 {
			t.Errorf("%s is over: events %q, want one", step.reason, told)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFailuresBackOff(t *testing.T) {
	w := newWorld(t)
	w.change(func(r *v1alpha1.Repository) {
		r.Spec.URL, r.Spec.Interval.Duration = "http://127.0.0.1:1/x.git", time.Second
	})
	var waits []time.Duration
	for range 10 {
		waits = append(waits, w.look().RequeueAfter)
	}
	for i, want := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		if got := waits[i]; got < want*time.Second || got > want*time.Second*11/10 {
			t.Errorf("wait %d is %v, want %ds and up to 10%%", i, got, want)
		}
	}
	w.change(func(r *v1alpha1.Repository) {
		r.Annotations = map[string]string{v1alpha1.AnnotationSyncRequestedAt: "now"}
	})
	if got := w.look().RequeueAfter; got > 3*time.Second {
		t.Errorf("after a sync was asked for: %v, want the first wait again", got)
	}
	if got := w.repo().Status.LastHandledSync; got != "now" {
		t.Errorf("lastHandledSync is %q", got)
	}
}

func TestBrokenSpecKeepsTheApp(t *testing.T) {
	w := newWorld(t)
	first := w.git.CommitAndPush("first", shop)
	w.look()
	second := w.git.CommitAndPush("broken", map[string]string{"headway.yaml": "name: shop\nprot: 1\n", "main.go": "package main // 2\n\nfunc main() {}\n"})
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
	w.wantCondition("SpecValid", metav1.ConditionFalse, "InvalidSpec", "headway.yaml:2:1: ")
	app := w.app("shop")
	if app.Spec.Heads[0].Commit != first || app.Spec.Problem == nil || app.Spec.Problem.Commit != second || len(w.revisions()) != 1 {
		t.Errorf("App.spec is %+v", app.Spec)
	}
	w.git.CommitAndPush("mended", map[string]string{"headway.yaml": "name: shop\n"})
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
	if w.app("shop").Spec.Problem != nil || len(w.revisions()) != 2 {
		t.Error("the App is not as the mended file says")
	}
	w.git.Git("rm", "--quiet", "headway.yaml")
	w.git.CommitAndPush("closed", nil)
	w.look()
	w.wantCondition("Ready", metav1.ConditionFalse, "NoSpecFile", "headway init")
	if err := w.client.Get(t.Context(), types.NamespacedName{Namespace: "default", Name: "shop"}, &v1alpha1.App{}); err == nil {
		t.Error("the App is still there")
	}
}

func TestPinFetchesAnOldCommit(t *testing.T) {
	for _, allowed := range []string{"true", "false"} {
		w := newWorld(t)
		w.git.Git("--git-dir", w.git.Bare, "config", "uploadpack.allowAnySHA1InWant", allowed)
		old := w.git.Commit("old", shop)
		w.git.CommitAndPush("new", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
		w.look()
		w.git.CommitAndPush("pin", map[string]string{"headway.yaml": "name: shop\nport: 9000\npin: " + old + "\n"})
		w.look()
		w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
		if got := w.app("shop").Spec.Pin; got != "shop-"+old[:8] || len(w.revisions()) != 2 {
			t.Errorf("pin is %q of %d revisions, want that of %s of 2", got, len(w.revisions()), old)
		}
		w.restart()
		w.look()
		w.git.CommitAndPush("pin nothing", map[string]string{"headway.yaml": "name: shop\npin: " + hash("ab") + "\n"})
		w.look()
		w.wantCondition("SpecValid", metav1.ConditionFalse, "PinNotFound", hash("ab"))
		if got := w.app("shop").Spec.Pin; got != "shop-"+old[:8] {
			t.Errorf("the pin is %q after one that is wrong, want it kept", got)
		}
		requests := w.http.Requests.Load()
		w.look()
		if n := w.http.Requests.Load() - requests; n != 1 {
			t.Errorf("%d requests for a pin that is known not to be there, want 1", n)
		}
		w.git.CommitAndPush("unpin", map[string]string{"headway.yaml": "name: shop\nport: 9000\n"})
		w.look()
		if got := w.app("shop").Spec.Pin; got != "" {
			t.Errorf("pin is %q, want none", got)
		}
	}
}

func TestFurtherRefsComeAndGo(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", shop)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"beta*", "refs/tags/v*"} })
	w.look()
	beta := w.git.Commit("beta", map[string]string{"main.go": "package main // beta\n\nfunc main() {}\n"})
	w.git.Git("tag", "-m", "one", "v1")
	blob := w.git.Git("hash-object", "-w", "main.go")
	w.git.Git("tag", "v-file", blob)
	w.git.Push("HEAD:refs/heads/beta", "v1", "v-file")
	w.look()
	name := "shop-" + beta[:8]
	var heads []string
	for _, h := range w.app("shop").Spec.Heads {
		heads = append(heads, v1alpha1.ShortRef(h.Ref)+"="+h.Revision)
	}
	if got := strings.Join(heads[:1], " ") + " " + heads[len(heads)-1]; len(heads) != 3 || got != "beta="+name+" v1="+name {
		t.Errorf("heads are %v", heads)
	}
	w.git.Push("--delete", "beta", "v1")
	w.look()
	if got := w.app("shop").Spec.Heads; len(got) != 1 {
		t.Errorf("heads are %v after the refs were deleted", got)
	}
}

// TestBrokenDiskIsTold: the message is about the watcher's disk and not about the
// git server, and all is well when the disk is.
func TestBrokenDiskIsTold(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", shop)
	good := w.r.gitDir
	w.r.gitDir = good + ".file"
	must(t, os.WriteFile(w.r.gitDir, nil, 0o600))
	w.look()
	w.wantCondition("Ready", metav1.ConditionFalse, "DiskFailed", "the disk of Headway's watcher cannot be used")
	w.r.gitDir = good
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
}
