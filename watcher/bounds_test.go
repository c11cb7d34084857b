package watcher

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
)

// TestAppTooLargeStopsNoOther: what one app's files are too many of is said of
// that app, on production and on a further ref; the others follow their commits.
func TestAppTooLargeStopsNoOther(t *testing.T) {
	w := newWorld(t)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"beta"} })
	w.r.artifactLimits.File = 1000
	site := func(content string) string { return "<p>" + content }
	first := w.git.CommitAndPush("first", map[string]string{
		"big/headway.yaml": "name: big\n", "big/index.html": site("1"),
		"small/headway.yaml": "name: small\n", "small/index.html": site("1")})
	w.look()
	second := w.git.CommitAndPush("huge", map[string]string{"big/index.html": site(strings.Repeat("x", 2000)), "small/index.html": site("2")})
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", second[:8])
	w.wantCondition("SpecValid", metav1.ConditionFalse, "TooLarge", "big/headway.yaml: big/index.html is larger than")
	if got := w.app("small").Spec.Heads[0].Revision; got != "small-"+second[:8] {
		t.Errorf("the head of small is %s, want that of %s", got, second[:8])
	}
	big := w.app("big").Spec
	if big.Heads[0].Revision != "big-"+first[:8] || big.Problem == nil || big.Problem.Reason != "TooLarge" {
		t.Errorf("the App big is %+v, want it as it was with a problem", big)
	}

	w.git.CommitAndPush("mended", map[string]string{"big/index.html": site("3")})
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
	w.git.Commit("huge on beta", map[string]string{"big/index.html": site(strings.Repeat("x", 2000)), "small/index.html": site("beta")})
	w.git.Push("HEAD:refs/heads/beta")
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "TooLarge", "beta: big/headway.yaml: ")
	if heads := w.app("small").Spec.Heads; len(heads) != 2 || w.app("big").Spec.Problem != nil {
		t.Errorf("heads of small are %v, problem of big %v; want beta to be followed and no problem of production", heads, w.app("big").Spec.Problem)
	}
}

// TestTooManyRefs: production and the newest further refs are followed, the
// others named. A push makes a ref the newest.
func TestTooManyRefs(t *testing.T) {
	for _, filter := range []string{"true", "false"} {
		w := newWorld(t)
		w.git.Git("--git-dir", w.git.Bare, "config", "uploadpack.allowFilter", filter)
		w.git.CommitAndPush("first", shop)
		var refs []string
		for i := range maxRefs + 2 { // the higher the number, the older
			refs = append(refs, w.git.CommitAt(time.Date(2025, 1, 1, 0, 0, -i, 0, time.UTC))+fmt.Sprintf(":refs/heads/r%d", i))
		}
		w.git.Push(refs...)
		w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"r*"} })
		left, pushed := "r100, r101", "r101"
		if filter == "false" {
			left, pushed = "r1, r0", "" // by name
		}
		w.look()
		w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
		w.wantCondition("Complete", metav1.ConditionFalse, "TooManyRefs", "match 102 branches and tags; the newest 100 are followed, these are not: "+left)
		if got := len(w.app("shop").Spec.Heads); got != maxRefs+1 {
			t.Errorf("%d heads, want production and %d", got, maxRefs)
		}
		requests := w.http.Requests.Load()
		second := w.git.CommitAndPush("second", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
		w.git.Push("--force", "HEAD:refs/heads/r101")
		w.look()
		if n := w.http.Requests.Load() - requests; n > 4 {
			t.Errorf("%d requests after a push, want two times the refs, the times and the files", n)
		}
		followed := map[string]string{}
		for _, h := range w.app("shop").Spec.Heads {
			followed[v1alpha1.ShortRef(h.Ref)] = h.Commit
		}
		if followed["main"] != second || pushed != "" && followed[pushed] != second {
			t.Errorf("filter %s: main is at %s and %s at %s, want %s", filter, followed["main"], pushed, followed[pushed], second)
		}
		requests = w.http.Requests.Load()
		w.look()
		if n := w.http.Requests.Load() - requests; n != 1 {
			t.Errorf("%d requests when nothing moved, want 1", n)
		}
		w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"r1*"} })
		w.look()
		w.wantCondition("Complete", metav1.ConditionTrue, "NothingOmitted", "")
	}
}

// TestRefTooLargeStopsNoOther: a branch past a bound keeps what was made of
// it; production and the other branches go on, and it is not fetched at every
// look.
func TestRefTooLargeStopsNoOther(t *testing.T) {
	w := newWorld(t)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"beta", "huge"} })
	limits := git.DefaultLimits()
	limits.ObjectBytes = 1 << 20
	w.r.git = git.NewClient(limits)
	first := w.git.CommitAndPush("first", shop)
	w.git.Push("HEAD:refs/heads/huge")
	w.look()
	video := map[string]string{"video.bin": strings.Repeat("x", 2<<20)}
	w.git.Commit("huge", video)
	w.git.Push("HEAD:refs/heads/huge")
	w.git.Git("rm", "--quiet", "video.bin")
	second := w.git.CommitAndPush("second", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
	w.git.Push("HEAD:refs/heads/beta")
	for _, when := range []string{"moved", "again"} {
		w.look()
		w.wantCondition("Ready", metav1.ConditionTrue, "Synced", second[:8])
		w.wantCondition("Complete", metav1.ConditionFalse, "RefUnreadable", "huge is not followed, what was made of it stays: the commit holds a file of 2 MiB")
		var heads []string
		for _, h := range w.app("shop").Spec.Heads {
			heads = append(heads, v1alpha1.ShortRef(h.Ref)+"@"+h.Commit+"="+h.Revision)
		}
		want := []string{"beta@" + second + "=shop-" + second[:8], "huge@" + first + "=shop-" + first[:8], "main@" + second + "=shop-" + second[:8]}
		if diff := cmp.Diff(want, heads); diff != "" {
			t.Errorf("%s: heads (-want +got)\n%s", when, diff)
		}
	}
	requests := w.http.Requests.Load()
	w.look()
	if n := w.http.Requests.Load() - requests; n != 1 {
		t.Errorf("%d requests when nothing moved, want 1", n)
	}
	w.git.Push("--force", "HEAD:refs/heads/huge")
	w.look()
	w.wantCondition("Complete", metav1.ConditionTrue, "NothingOmitted", "")
}

// TestPinTooLargeStopsNoOther: a pinned commit past a bound is a problem of the
// app that pins it.
func TestPinTooLargeStopsNoOther(t *testing.T) {
	for _, length := range []int{40, 8} {
		w := newWorld(t)
		limits := git.DefaultLimits()
		limits.ObjectBytes = 1 << 20
		w.r.git = git.NewClient(limits)
		huge := w.git.Commit("huge", map[string]string{"video.bin": strings.Repeat("x", 2<<20),
			"a/headway.yaml": "name: a\n", "a/index.html": "1", "b/headway.yaml": "name: b\n", "b/index.html": "1"})
		w.git.Git("rm", "--quiet", "video.bin")
		w.git.CommitAndPush("first", nil)
		w.look()
		second := w.git.CommitAndPush("pin", map[string]string{"a/headway.yaml": "name: a\npin: " + huge[:length] + "\n", "b/index.html": "2"})
		w.look()
		w.wantCondition("Ready", metav1.ConditionTrue, "Synced", second[:8])
		w.wantCondition("SpecValid", metav1.ConditionFalse, "PinNotFound", "a/headway.yaml: pin: commit "+huge[:length]+" cannot be read: the commit holds a file of 2 MiB")
		if got := w.app("b").Spec.Heads[0].Revision; got != "b-"+second[:8] {
			t.Errorf("the head of b is %s, want that of %s", got, second[:8])
		}
		requests := w.http.Requests.Load()
		w.look()
		if n := w.http.Requests.Load() - requests; n != 1 {
			t.Errorf("%d requests when nothing moved, want 1", n)
		}
	}
}

// TestTooManySpecFilesStopNoApp: the 501st headway.yaml is told, an app that is
// followed stays so whatever sorts before it, and one that is left out is not
// taken for one that was removed.
func TestTooManySpecFilesStopNoApp(t *testing.T) {
	w := newWorld(t)
	image := "image: x@sha256:" + strings.Repeat("0", 64) + "\n"
	files := map[string]string{"z/headway.yaml": "name: z\n" + image}
	w.git.CommitAndPush("first", files)
	w.look()
	for i := range plan.MaxSpecFiles {
		files[fmt.Sprintf("%03d/headway.yaml", i)] = "broken"
	}
	commit := w.git.CommitAndPush("many", files)
	w.restart()
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", commit[:8])
	w.wantCondition("Complete", metav1.ConditionFalse, "TooManySpecFiles", "there are 501 headway.yaml files; 500 are read, these are not: 499/headway.yaml. Split the repository")
	if got := w.app("z").Spec; got.Heads[0].Commit != commit || got.Problem != nil {
		t.Errorf("z is %+v, want it at %s", got, commit)
	}
	w.git.Git("mv", "z", "zz")
	w.git.CommitAndPush("move", nil)
	w.look()
	if got := w.app("z").Spec.Problem; got == nil || got.Reason != "TooManySpecFiles" {
		t.Errorf("an app that moved to a file past the bound has the problem %v", got)
	}
}
