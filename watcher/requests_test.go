package watcher

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/git"
)

// previewed is a repository with one app that has previews, and a forge.
func previewed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Forge = &v1alpha1.Forge{Type: "gitea"} })
	w.git.CommitAndPush("first", shop)
	w.git.CommitAndPush("previews", map[string]string{"headway.yaml": "name: shop\nport: 9000\npreview: true\n"})
	w.look()
	return w
}

// branch pushes a commit that is not on main to another ref, and returns it.
func (w *world) branch(ref, text string) string {
	w.t.Helper()
	commit := w.git.Commit("work on "+ref, map[string]string{"main.go": "package main // " + text + "\n\nfunc main() {}\n"})
	w.git.Push("--force", "HEAD:"+ref)
	w.git.Git("reset", "--hard", "HEAD~1")
	return commit
}

func (w *world) delete(ref string) {
	w.t.Helper()
	w.git.InBare("update-ref", "-d", ref)
}

// wantRequest compares the first request in the status.
func (w *world) wantRequest(number int64, state v1alpha1.RequestState, text string) v1alpha1.RequestStatus {
	w.t.Helper()
	for _, r := range w.repo().Status.Requests {
		if r.Number == number {
			if r.State != state || !strings.Contains(r.Message, text) {
				w.t.Errorf("request %d is %s: %s; want %s: ...%s...", number, r.State, r.Message, state, text)
			}
			return r
		}
	}
	w.t.Errorf("no request %d in %+v", number, w.repo().Status.Requests)
	return v1alpha1.RequestStatus{}
}

func (w *world) gone(app string) {
	w.t.Helper()
	err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: "default", Name: app}, &v1alpha1.App{})
	if !apierrors.IsNotFound(err) {
		w.t.Errorf("app %s is there: %v", app, err)
	}
}

func (w *world) wantPreview(app, commit string) *v1alpha1.App {
	w.t.Helper()
	got := w.app(app)
	revision := app + "-" + commit[:8]
	if h := got.Spec.Heads; got.Spec.Preview == nil || len(h) != 1 || h[0].Commit != commit || h[0].Revision != revision {
		w.t.Errorf("app %s is %+v, want revision %s", app, got.Spec, revision)
	}
	rev, ok := w.revisions()[revision]
	if !ok || rev.Spec.App != app || rev.Spec.Preview == nil || rev.Spec.Preview.App != "shop" || !w.r.artifacts.Has(rev.Spec.Source.Digest) {
		w.t.Errorf("revision %s is %+v", revision, rev.Spec)
	}
	return got
}

func TestBranchHasAPreview(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", shop)
	w.git.CommitAndPush("previews", map[string]string{"headway.yaml": "name: shop\nport: 9000\npreview: {branches: ['feat/**']}\n"})
	one := w.branch("refs/heads/feat/x", "one")
	w.branch("refs/heads/other", "two")
	w.look()
	app := w.wantPreview("shop-br-feat-x", one)
	if app.Spec.ProductionRef != "refs/heads/feat/x" || !strings.HasPrefix(app.Spec.Preview.Host, "shop-br-feat-x-") {
		t.Errorf("%+v", app.Spec)
	}
	w.wantRequest(0, v1alpha1.RequestPreviewed, "")
	if status := w.repo().Status; status.AppCount != 1 || len(status.Apps) != 1 || len(status.Requests) != 1 || len(status.Heads) != 1 {
		t.Errorf("status %+v", status)
	}

	before, requests := w.repo().ResourceVersion+w.app("shop-br-feat-x").ResourceVersion, w.http.Requests.Load()
	w.look()
	if n := w.http.Requests.Load() - requests; n != 1 {
		t.Errorf("%d requests to the remote of an idle look, want 1", n)
	}
	if w.repo().ResourceVersion+w.app("shop-br-feat-x").ResourceVersion != before {
		t.Error("an idle look writes")
	}

	two := w.branch("refs/heads/feat/x", "two")
	w.look()
	w.wantPreview("shop-br-feat-x", two)
	w.restart()
	w.look()
	w.wantPreview("shop-br-feat-x", two)

	// What cannot be read changes nothing.
	w.git.CommitAndPush("broken", map[string]string{"headway.yaml": "name: shop\nprot: 1\n"})
	w.look()
	w.wantPreview("shop-br-feat-x", two)
	w.git.CommitAndPush("mended", map[string]string{"headway.yaml": "name: shop\nport: 9000\npreview: {branches: ['feat/**']}\n"})
	w.look()
	w.wantPreview("shop-br-feat-x", two)

	w.delete("refs/heads/feat/x")
	w.look()
	w.gone("shop-br-feat-x")
	if told := strings.Join(w.told(), "\n"); !strings.Contains(told, "branch feat/x is gone") {
		t.Errorf("events %s", told)
	}
}

func TestLifeOfARequest(t *testing.T) {
	w := previewed(t)
	one := w.branch("refs/heads/feat", "one")
	w.forge.open = []forge.Request{{Number: 12, Title: strings.Repeat("long ", 1<<18), HeadRef: "feat", HeadSHA: one, BaseRef: "main", SameRepository: true}}
	w.look()
	w.wantPreview("shop-pr-12", one)
	w.wantRequest(12, v1alpha1.RequestPreviewed, "")
	w.wantCondition("Forge", metav1.ConditionTrue, "Connected", "gitea answers")

	// The push is seen by git first, then by the forge.
	two := w.branch("refs/heads/feat", "two")
	if again := w.look().RequeueAfter; again < settleLook || again > settleLook*11/10 {
		t.Errorf("looks again after %v, want %v", again, settleLook)
	}
	w.wantPreview("shop-pr-12", one)
	w.forge.open[0].HeadSHA = two
	w.look()
	w.wantPreview("shop-pr-12", two)

	// Merged: production has the same source, which is built already.
	w.git.CommitAndPush("merged", map[string]string{"main.go": "package main // two\n\nfunc main() {}\n"})
	w.forge.open = nil
	w.look()
	w.gone("shop-pr-12")
	live := w.revisions()[w.app("shop").Spec.Heads[0].Revision]
	if built := w.revisions()["shop-pr-12-"+two[:8]]; live.Spec.Source.Key != built.Spec.Source.Key || live.BuildApp() != built.BuildApp() {
		t.Errorf("production has another source: %+v and %+v", live.Spec.Source, built.Spec.Source)
	}
	if len(w.repo().Status.Requests) != 0 {
		t.Errorf("requests %+v", w.repo().Status.Requests)
	}
}

func TestForkWaitsForAnApproval(t *testing.T) {
	w := previewed(t)
	one := w.branch("refs/pull/7/head", "one")
	w.forge.open = []forge.Request{{Number: 7, HeadRef: "main", HeadSHA: one, BaseRef: "main"}}
	requests := w.http.Requests.Load()
	w.look()
	w.look()
	w.wantRequest(7, v1alpha1.RequestApproval, `comment "/headway approve `+one)
	if n := w.http.Requests.Load() - requests; n != 2 || len(w.revisions()) != 1 {
		t.Errorf("%d requests to the remote and %d revisions, want two looks at the refs and that of production", n, len(w.revisions()))
	}
	if w.forge.askedApprovals != 1 {
		t.Errorf("asked for approvals %d times, want 1 as nothing has changed", w.forge.askedApprovals)
	}
	w.gone("shop-pr-7")

	// Somebody has made a commit that begins as one does that was approved before.
	w.forge.approvals = map[int64][]forge.Approval{7: {{By: "ada", Commit: one[:12], At: time.Now().Add(-time.Hour)}}}
	w.forge.open[0].Updated = time.Now()
	w.look()
	w.wantRequest(7, v1alpha1.RequestApproval, "")

	w.forge.approvals[7][0].At = time.Now()
	w.forge.open[0].Updated = time.Now()
	w.look()
	if app := w.wantPreview("shop-pr-7", one); !app.Spec.Preview.Fork || app.Spec.ProductionRef != "refs/pull/7/head" {
		t.Errorf("%+v", app.Spec)
	}
	if r := w.wantRequest(7, v1alpha1.RequestPreviewed, ""); r.Approved != one || r.ApprovedBy != "ada" {
		t.Errorf("%+v", r)
	}
	asked := w.forge.askedApprovals
	w.restart()
	w.look()
	if w.forge.askedApprovals != asked {
		t.Error("asked for the approval of an approved commit")
	}

	two := w.branch("refs/pull/7/head", "two")
	w.forge.open[0].HeadSHA = two
	w.look()
	w.wantRequest(7, v1alpha1.RequestApproval, "until then its previews stay at "+one[:8])
	w.wantPreview("shop-pr-7", one)
	if _, made := w.revisions()["shop-pr-7-"+two[:8]]; made {
		t.Error("the second push was followed without an approval")
	}
}

// TestApprovalInTheSecondOfAnotherChange: a forge that tells changes to the second
// says nothing new of an approval right after the request was opened.
func TestApprovalInTheSecondOfAnotherChange(t *testing.T) {
	w := previewed(t)
	one := w.branch("refs/pull/7/head", "one")
	w.forge.open = []forge.Request{{Number: 7, HeadRef: "main", HeadSHA: one, BaseRef: "main", Updated: time.Now().Truncate(time.Second)}}
	w.look()
	w.wantRequest(7, v1alpha1.RequestApproval, "")
	w.forge.approvals = map[int64][]forge.Approval{7: {{By: "ada", Commit: one}}}
	w.look()
	w.wantPreview("shop-pr-7", one)
}

// TestApprovalIsNotForgotten: a look that reads the Repository as it was before
// an approval was written down asks for it again.
func TestApprovalIsNotForgotten(t *testing.T) {
	w := previewed(t)
	one, two := w.branch("refs/pull/7/head", "one"), w.branch("refs/pull/8/head", "two")
	w.forge.open = []forge.Request{{Number: 7, HeadRef: "main", HeadSHA: one, BaseRef: "main"}}
	w.look()
	before := w.repo()
	w.forge.approvals = map[int64][]forge.Approval{7: {{By: "ada", Commit: one}}}
	w.forge.open[0].Updated = time.Now()
	w.look()
	w.wantPreview("shop-pr-7", one)
	w.forge.open = append(w.forge.open, forge.Request{Number: 8, HeadRef: "main", HeadSHA: two, BaseRef: "main"})
	w.r.client = interceptor.NewClient(w.client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
			if repo, ok := o.(*v1alpha1.Repository); ok {
				before.DeepCopyInto(repo)
				return nil
			}
			return c.Get(ctx, key, o, options...)
		},
	})
	w.look()
	w.r.client = w.client
	w.look()
	if r := w.wantRequest(7, v1alpha1.RequestPreviewed, ""); r.Approved != one {
		t.Errorf("%+v", r)
	}
	w.wantPreview("shop-pr-7", one)
}

// TestForgeThatDoesNotKnowYet: a forge may take a moment to know a repository that
// was just made.
func TestForgeThatDoesNotKnowYet(t *testing.T) {
	w := previewed(t)
	w.forge.err = &forge.Error{Reason: v1alpha1.ReasonRepositoryNotFound, Message: "no such repository", RetryAfter: settleLook}
	if again := w.look().RequeueAfter; again < settleLook || again > settleLook*11/10 {
		t.Errorf("looks again after %v, want %v", again, settleLook)
	}
	w.forge.err = nil
	w.look()
	w.wantCondition("Forge", metav1.ConditionTrue, "Connected", "gitea answers")
}

func TestForgeThatIsAway(t *testing.T) {
	w := previewed(t)
	one := w.branch("refs/heads/feat", "one")
	w.forge.open = []forge.Request{{Number: 12, HeadRef: "feat", HeadSHA: one, BaseRef: "main", SameRepository: true}}
	w.look()
	w.forge.err = forge.Errorf(v1alpha1.ReasonUnreachable, "try 1")
	w.look()
	w.wantCondition("Forge", metav1.ConditionFalse, "Unreachable", "try 1")
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
	before := w.repo().ResourceVersion
	w.forge.err = forge.Errorf(v1alpha1.ReasonUnreachable, "try 2")
	w.look()
	if w.repo().ResourceVersion != before {
		t.Error("a try that fails like the one before is written")
	}
	two := w.branch("refs/heads/feat", "two")
	w.restart()
	w.look()
	w.wantPreview("shop-pr-12", two)
	w.delete("refs/heads/feat")
	w.look()
	w.wantPreview("shop-pr-12", two)
	w.wantRequest(12, v1alpha1.RequestPreviewed, "")
	w.forge.err, w.forge.open = nil, nil
	w.look()
	w.gone("shop-pr-12")
	w.change(func(r *v1alpha1.Repository) { r.Spec.Forge = nil })
	w.look()
	for _, c := range w.repo().Status.Conditions {
		if c.Type == v1alpha1.ConditionForge {
			t.Errorf("condition %+v without a forge", c)
		}
	}
}

// TestRequestTouchesAppsSinceItBegan: what production did meanwhile is no change
// of the request, whether the server gives the commit between or not.
func TestRequestTouchesAppsSinceItBegan(t *testing.T) {
	for _, allow := range []string{"true", "false"} {
		t.Run("uploadpack.allowAnySHA1InWant="+allow, func(t *testing.T) {
			w := newWorld(t)
			w.git.InBare("config", "uploadpack.allowAnySHA1InWant", allow)
			w.git.InBare("config", "uploadpack.allowFilter", allow)
			w.change(func(r *v1alpha1.Repository) { r.Spec.Forge = &v1alpha1.Forge{} })
			files := map[string]string{"go.mod": "module mono\n"}
			for _, app := range []string{"a", "b"} {
				files[app+"/headway.yaml"] = "name: " + app + "\npreview: true\n"
				files[app+"/main.go"] = "package main\n\nfunc main() {}\n"
			}
			w.git.CommitAndPush("first", files)
			w.look()
			w.git.Git("checkout", "-q", "-b", "feat")
			head := w.git.Commit("work", map[string]string{"a/main.go": "package main // work\n\nfunc main() {}\n"})
			w.git.Push("HEAD:refs/heads/feat")
			w.git.Git("checkout", "-q", "main")
			w.git.CommitAndPush("meanwhile", map[string]string{"b/main.go": "package main // meanwhile\n\nfunc main() {}\n"})
			w.forge.open = []forge.Request{{Number: 1, HeadRef: "feat", HeadSHA: head, BaseRef: "main", SameRepository: true}}
			w.look()
			if r := w.wantRequest(1, v1alpha1.RequestPreviewed, ""); strings.Join(r.Previews, " ") != "a-pr-1" {
				t.Errorf("previews of %v, want that of a", r.Previews)
			}
			requests := w.http.Requests.Load()
			w.look()
			if n := w.http.Requests.Load() - requests; n != 1 {
				t.Errorf("%d requests to the remote of an idle look, want 1", n)
			}
		})
	}
}

func TestMergeQueueIsBuilt(t *testing.T) {
	w := previewed(t)
	ref := "refs/heads/gh-readonly-queue/main/pr-12-" + strings.Repeat("a", 40)
	commit := w.branch(ref, "queued")
	w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"**"} })
	w.look()
	if r := w.wantRequest(12, v1alpha1.RequestQueued, "in the merge queue"); r.Commit != commit || r.Ref != ref {
		t.Errorf("%+v", r)
	}
	if rev, made := w.revisions()["shop-"+commit[:8]]; !made || rev.Spec.Preview != nil {
		t.Errorf("revisions %+v", w.revisions())
	}
	w.change(func(r *v1alpha1.Repository) { r.Spec.Forge = nil })
	w.look()
	if heads := w.app("shop").Spec.Heads; len(heads) != 1 {
		t.Errorf("without a forge: %+v", heads)
	}
}

// TestRequestsOfEveryKind: one that cannot be read is no matter of the others.
func TestRequestsOfEveryKind(t *testing.T) {
	w := previewed(t)
	good := w.branch("refs/heads/good", "good")
	w.forge.open = []forge.Request{
		{Number: 1, HeadRef: "good", HeadSHA: good, BaseRef: "main", SameRepository: true},
		{Number: 2, HeadRef: "", HeadSHA: strings.Repeat("b", 40), BaseRef: "main"},
		{Number: 3, HeadRef: "main", HeadSHA: w.repo().Status.Commit, BaseRef: "main", SameRepository: true},
		{Number: 4, HeadRef: "good", HeadSHA: good, BaseRef: "no-such-base", SameRepository: true},
		{Number: 1, HeadRef: "good", HeadSHA: good}, {Number: -5}, {Number: 6},
	}
	w.forge.approvals = map[int64][]forge.Approval{2: {{By: "ada", Commit: strings.Repeat("b", 40)}}}
	w.look()
	w.wantRequest(1, v1alpha1.RequestPreviewed, "")
	w.wantRequest(2, v1alpha1.RequestInvalid, "cannot be read")
	w.wantRequest(3, v1alpha1.RequestUntouched, "")
	w.wantRequest(4, v1alpha1.RequestPreviewed, "")
	w.wantPreview("shop-pr-1", good)
	w.wantPreview("shop-pr-4", good)
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
}

func TestMoreRequestsThanAreFollowed(t *testing.T) {
	w := previewed(t)
	good := w.branch("refs/heads/good", "good")
	for n := range 250 {
		w.forge.open = append(w.forge.open, forge.Request{Number: int64(250 - n), HeadRef: "good", HeadSHA: good, BaseRef: "main", SameRepository: true, Title: fmt.Sprint(n)})
	}
	w.look()
	requests := w.repo().Status.Requests
	if len(requests) != 200 || requests[0].Number != 250 || requests[199].Number != 51 {
		t.Errorf("%d requests", len(requests))
	}
	count := map[v1alpha1.RequestState]int{}
	for _, r := range requests {
		count[r.State]++
	}
	if count[v1alpha1.RequestPreviewed] != 10 || count[v1alpha1.RequestWaiting] != 190 {
		t.Errorf("states %v", count)
	}
	w.wantCondition("Complete", metav1.ConditionFalse, "TooManyRefs", "200 open requests or more")
}

// TestRequestTooLarge: a head past a bound keeps what was made of it, and is not
// fetched at every look.
func TestRequestTooLarge(t *testing.T) {
	w := previewed(t)
	one := w.branch("refs/heads/feat", "one")
	w.forge.open = []forge.Request{{Number: 12, HeadRef: "feat", HeadSHA: one, BaseRef: "main", SameRepository: true}}
	w.look()
	limits := git.DefaultLimits()
	limits.ObjectBytes = 1 << 20
	w.r.git = git.NewClient(limits)
	w.git.Write(map[string]string{"video.bin": strings.Repeat("x", 2<<20)})
	two := w.branch("refs/heads/feat", "two")
	w.forge.open[0].HeadSHA = two
	w.look()
	w.wantRequest(12, v1alpha1.RequestInvalid, "holds a file of 2 MiB")
	w.wantPreview("shop-pr-12", one)
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
	w.wantCondition("Complete", metav1.ConditionTrue, "NothingOmitted", "")
	requests := w.http.Requests.Load()
	w.look()
	if n := w.http.Requests.Load() - requests; n != 1 {
		t.Errorf("%d requests when nothing moved, want 1", n)
	}
}

// TestForkBecomesAnOwnBranch: the same commit is a fork's and then, pushed to a
// branch, an own one, which shares the app's builds.
func TestForkBecomesAnOwnBranch(t *testing.T) {
	w := previewed(t)
	one := w.branch("refs/pull/7/head", "one")
	w.forge.open = []forge.Request{{Number: 7, HeadRef: "feat", HeadSHA: one, BaseRef: "main"}}
	w.look()
	w.wantRequest(7, v1alpha1.RequestApproval, "")
	w.git.Push(one + ":refs/heads/feat")
	w.look()
	w.wantRequest(7, v1alpha1.RequestPreviewed, "")
	if app := w.wantPreview("shop-pr-7", one); app.Spec.Preview.Fork {
		t.Errorf("%+v", app.Spec.Preview)
	}
	w.delete("refs/heads/feat")
	w.look()
	w.wantRequest(7, v1alpha1.RequestApproval, "")
}
