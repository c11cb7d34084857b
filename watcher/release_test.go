package watcher

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// released is the headway.yaml of shop with rules, and other content of its
// program.
func released(program, rules string) map[string]string {
	return map[string]string{
		"headway.yaml": "name: shop\nport: 9000\n" + rules,
		"go.mod":       "module shop\n",
		"main.go":      "package main // " + program + "\n\nfunc main() {}\n",
	}
}

// serving is what an App's heads are, with commits by the names given, and the
// ref that serves.
func (w *world) serving(app string, commits map[string]string) string {
	w.t.Helper()
	names := map[string]string{}
	for name, commit := range commits {
		names[commit] = name
	}
	spec := w.app(app).Spec
	var b strings.Builder
	for _, h := range spec.Heads {
		fmt.Fprintf(&b, "%s@%s ", v1alpha1.ShortRef(h.Ref), names[h.Commit])
		if rev, made := w.revisions()[h.Revision]; !made || rev.Spec.Commit != h.Commit {
			fmt.Fprintf(&b, "(%s) ", names[rev.Spec.Commit])
		}
		if h.Approved {
			b.WriteString("approved ")
		}
		if h.Promoted {
			b.WriteString("promoted ")
		}
	}
	return b.String() + "serves " + v1alpha1.ShortRef(spec.ProductionRef)
}

// TestShareIsFollowed: a branch that a rule names is watched although the
// Repository does not list it, by the rules of production alone, and nothing
// more is asked of the remote for it.
func TestShareIsFollowed(t *testing.T) {
	w := newWorld(t)
	at := map[string]string{}
	at["one"] = w.git.CommitAndPush("one", released("1", ""))
	at["two"] = w.git.Commit("two", released("2", "release: {gamma: {weight: 50}}\nsticky: cookie\nhold: true\n"))
	w.git.Push("HEAD:refs/heads/beta", "HEAD:refs/heads/gamma")
	want := func(when, want string) {
		t.Helper()
		w.look()
		if diff := cmp.Diff(want, w.serving("shop", at)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
	}
	want("no rule", "main@one serves main")
	w.git.Git("reset", "--quiet", "--hard", at["one"])
	at["rule"] = w.git.CommitAndPush("rule", released("1", "release: {beta: {weight: 10}}\nsticky: {header: X-User}\n"))
	requests := w.http.Requests.Load()
	want("a rule", "beta@two main@rule (one) serves main")
	if n := w.http.Requests.Load() - requests; n > 4 {
		t.Errorf("%d requests for a rule and a branch that is new by it, want two times the refs and a pack", n)
	}
	spec := w.app("shop").Spec
	gates := &v1alpha1.Gates{Errors: 10000, MinRequests: 200, Alpha: 10000, Margin: 125}
	if diff := cmp.Diff([]v1alpha1.Rule{{Refs: "beta", Weight: 1000, Gates: gates, OnFail: v1alpha1.OnFailRollback}}, spec.Release); diff != "" {
		t.Errorf("release (-want +got)\n%s", diff)
	}
	if spec.Hold || spec.Sticky == nil || spec.Sticky.Header != "X-User" {
		t.Errorf("hold %v, sticky %+v; want those of main", spec.Hold, spec.Sticky)
	}
	if heads := w.repo().Status.Heads; len(heads) != 2 {
		t.Errorf("the Repository tells the heads %v, want main and beta", heads)
	}
	at["three"] = w.git.Commit("three", released("3", ""))
	w.git.Push("--force", "HEAD:refs/heads/beta")
	requests = w.http.Requests.Load()
	want("the branch moves", "beta@three main@rule (one) serves main")
	if n := w.http.Requests.Load() - requests; n != 2 {
		t.Errorf("%d requests for a branch that moved, want the refs and a pack", n)
	}
	w.look()
	requests = w.http.Requests.Load()
	w.look()
	if n := w.http.Requests.Load() - requests; n != 1 {
		t.Errorf("%d requests when nothing moved, want 1", n)
	}
	w.git.Push(":refs/heads/beta")
	want("the branch is deleted", "main@rule (one) serves main")
}

// TestTagsAreReleased, annotated ones too, and beside ten thousand others.
func TestTagsAreReleased(t *testing.T) {
	w := newWorld(t)
	at := map[string]string{}
	at["one"] = w.git.CommitAndPush("one", released("1", "release: {\"v*\": {canary: {steps: [1, 50]}}}\n"))
	want := func(when, want string, made int) {
		t.Helper()
		w.look()
		if diff := cmp.Diff(want, w.serving("shop", at)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
		if n := len(w.revisions()); n != made {
			t.Errorf("%s: %d revisions, want %d", when, n, made)
		}
		w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
		w.wantCondition("Complete", metav1.ConditionTrue, "NothingOmitted", "")
	}
	want("no version", "main@one serves v*", 1)
	if spec := w.app("shop").Spec; len(spec.History) != 0 || spec.Problem == nil || spec.Problem.Reason != "NoRelease" || !strings.Contains(spec.Problem.Message, "git tag v1.0.0 && git push origin v1.0.0") {
		t.Errorf("history %v, problem %+v", spec.History, spec.Problem)
	}
	w.git.Git("tag", "-a", "-m", "the first", "v1.0.0")
	w.git.Push("v1.0.0")
	want("an annotated tag", "main@one v1.0.0@one serves v1.0.0", 1)
	at["two"] = w.git.CommitAndPush("two", released("2", "release: {\"v*\": {canary: {steps: [1, 50]}}}\n"))
	want("the branch moves", "main@two v1.0.0@one serves v1.0.0", 2)
	w.git.Push("HEAD:refs/tags/v1.1.0", "HEAD:refs/tags/v0.9.0", "HEAD:refs/tags/nightly")
	want("a newer tag", "main@two v1.1.0@two serves v1.1.0", 2)
	w.git.Push(":refs/tags/v1.1.0")
	want("it is deleted", "main@two v1.0.0@one serves v1.0.0", 2)
	if diff := cmp.Diff([]string{"shop-" + at["one"][:8], "shop-" + at["two"][:8]}, w.app("shop").Spec.History); diff != "" {
		t.Errorf("history (-want +got)\n%s", diff)
	}
	at["off"] = w.git.Commit("off the branch", released("3", "release: {main: {instant: true}}\n"))
	w.git.Push("--force", "HEAD:refs/tags/v1.0.0")
	want("it is moved by force, to a commit that no branch has", "main@two v1.0.0@off serves v1.0.0", 3)
	var many strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&many, "%s refs/tags/v-%d\n", at["one"], i)
	}
	must(t, os.WriteFile(filepath.Join(w.git.Bare, "packed-refs"), []byte(many.String()), 0o600))
	if n := strings.Count(w.git.InBare("for-each-ref"), "\n"); n < 10_000 {
		t.Fatalf("the repository has %d refs", n)
	}
	want("ten thousand other tags", "main@two v1.0.0@off serves v1.0.0", 3)
	requests := w.http.Requests.Load()
	w.look()
	if n := w.http.Requests.Load() - requests; n != 1 {
		t.Errorf("%d requests when nothing moved, want 1", n)
	}
}

// TestTagsDecide: approval and promotion are tags on the very commit.
func TestTagsDecide(t *testing.T) {
	w := newWorld(t)
	at := map[string]string{}
	at["one"] = w.git.CommitAndPush("one", released("1", "release: {main: {canary: {steps: [1]}, approve: true}}\n"))
	want := func(when, want string) {
		t.Helper()
		w.look()
		if diff := cmp.Diff(want, w.serving("shop", at)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
	}
	want("no tag", "main@one serves main")
	tag := "headway/approve/shop/" + at["one"][:7]
	w.git.Git("tag", "-a", "-m", "by a person", tag)
	w.git.Push(tag)
	want("an annotated tag", "main@one approved serves main")
	at["docs"] = w.git.CommitAndPush("docs", map[string]string{"headway.yaml": "# docs\nname: shop\nport: 9000\nrelease: {main: {canary: {steps: [1]}, approve: true}}\n"})
	want("a commit that does not touch the app", "main@docs (one) approved serves main")
	at["two"] = w.git.CommitAndPush("two", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
	w.git.Push(at["one"] + ":refs/tags/headway/approve/shop/" + at["two"][:12])
	want("a tag that names the commit and is not on it", "main@two serves main")
	w.git.Push("--force", at["two"]+":refs/tags/headway/promote/shop/"+at["two"])
	want("another decision", "main@two promoted serves main")
	w.git.Push("--force", at["two"]+":refs/tags/headway/approve/shop/"+at["two"][:12], ":refs/tags/headway/promote/shop/"+at["two"])
	want("taken back, and approved", "main@two approved serves main")
}

// TestRulesOfTheWrongBranch are told where they stand, and nothing moves.
func TestRulesOfTheWrongBranch(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("one", released("1", ""))
	w.look()
	w.git.CommitAndPush("rule", released("2", "release:\n  main: {instant: true}\n  \"v*\": {instant: true}\n"))
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "InvalidSpec", "headway.yaml:5:3: release.v*: ends at 100% and is for tags, while main is for the production branch main")
	if spec := w.app("shop").Spec; len(w.revisions()) != 1 || len(spec.Release) != 0 || spec.ProductionRef != main || spec.Problem == nil {
		t.Errorf("%d revisions, App %+v", len(w.revisions()), spec)
	}
}

// TestShareBeforeOtherBranches: one that may have traffic is not left out for
// branches that only have a URL.
func TestShareBeforeOtherBranches(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("one", released("1", "release: {a-share: {weight: 10}}\n"))
	refs := []string{"HEAD:refs/heads/a-share"}
	for i := range maxRefs + 1 {
		refs = append(refs, fmt.Sprintf("HEAD:refs/heads/r%d", i))
	}
	w.git.Push(refs...)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"r*"} })
	w.look()
	w.wantCondition("Complete", metav1.ConditionFalse, "TooManyRefs", "match 102 branches and tags; the newest 100 are followed, these are not: r1, r0")
	if heads := w.app("shop").Spec.Heads; len(heads) != maxRefs+1 || heads[0].Ref != "refs/heads/a-share" {
		t.Errorf("%d heads from %s on, want all of the bound, with the share", len(heads), heads[0].Ref)
	}
}
