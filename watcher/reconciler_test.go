package watcher

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
)

func TestFirstLookMakesAppAndRevision(t *testing.T) {
	w := newWorld(t)
	commit := w.git.CommitAndPush("Open the shop\n\nAt last.", shop)
	result := w.look()
	if result.RequeueAfter < 30*time.Second || result.RequeueAfter > 33*time.Second {
		t.Errorf("looks again after %v, want 30s and up to 10%%", result.RequeueAfter)
	}
	name := "shop-" + commit[:8]
	app := w.app("shop")
	want := v1alpha1.AppSpec{Repository: "repo", Path: "headway.yaml", ProductionRef: main,
		Heads: []v1alpha1.Head{{Ref: main, Commit: commit, Revision: name}}, History: []string{name}}
	if diff := cmp.Diff(want, app.Spec); diff != "" {
		t.Errorf("App.spec (-want +got)\n%s", diff)
	}
	if o := app.OwnerReferences; len(o) != 1 || o[0].Kind != "Repository" || o[0].UID != "uid-of-repo" || !*o[0].Controller {
		t.Errorf("the App is owned by %+v", o)
	}
	rev, ok := w.revisions()[name]
	if !ok {
		t.Fatalf("no revision %s", name)
	}
	if rev.Spec.Commit != commit || rev.Spec.Subject != "Open the shop" || rev.Spec.Author != "Ada" || rev.Spec.Port != 9000 ||
		rev.Spec.Build == nil || rev.Spec.Build.Template != "go" || rev.Spec.Build.Args["main"] != "." || rev.Spec.Source.Path != "." {
		t.Errorf("Revision.spec is %+v", rev.Spec)
	}
	if diff := cmp.Diff([]string{v1alpha1.FinalizerCleanup}, rev.Finalizers); diff != "" {
		t.Errorf("finalizers (-want +got)\n%s", diff)
	}
	if o := rev.OwnerReferences; len(o) != 1 || o[0].Kind != "App" || o[0].UID != app.UID {
		t.Errorf("the Revision is owned by %+v", o)
	}
	if !w.r.artifacts.Has(rev.Spec.Source.Digest) {
		t.Error("the artifact is not there")
	}
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "main at "+commit[:8])
	w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
	status := w.repo().Status
	if status.Commit != commit || status.AppCount != 1 || status.ObservedGeneration != 1 || status.Apps[0].Name != "shop" {
		t.Errorf("status is %+v", status)
	}
	if told := w.told(); len(told) != 1 || !strings.Contains(told[0], "RevisionMade") {
		t.Errorf("events: %q", told)
	}
}

func TestSecondLookAsksOnceAndWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", shop)
	w.look()
	before, requests := w.repo().ResourceVersion+w.app("shop").ResourceVersion, w.http.Requests.Load()
	w.told()
	w.look()
	if n := w.http.Requests.Load() - requests; n != 1 {
		t.Errorf("%d requests to the remote, want 1", n)
	}
	if after := w.repo().ResourceVersion + w.app("shop").ResourceVersion; after != before {
		t.Error("something was written")
	}
	if told := w.told(); len(told) != 0 {
		t.Errorf("events: %q", told)
	}
	requests = w.http.Requests.Load()
	w.git.CommitAndPush("second", map[string]string{"main.go": "package main\n\nfunc main() { println() }\n"})
	w.look()
	// http-backend is asked for the refs and for the pack, no more.
	if n := w.http.Requests.Load() - requests; n != 2 || len(w.revisions()) != 2 {
		t.Errorf("%d requests and %d revisions after a push, want 2 and 2", n, len(w.revisions()))
	}
}

func TestOnlyTouchedAppsGetRevisions(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", map[string]string{
		"go.mod": "module mono\n", "libs/money/m.go": "package money\n", "docs/x.md": "x",
		"a/headway.yaml": "name: a\nwatch: [libs/**]\n", "a/main.go": "package main\n\nfunc main() {}\n",
		"b/headway.yaml": "name: b\nignore: ['**/*.md']\n", "b/main.go": "package main\n\nimport _ \"mono/shared/metal\"\n\nfunc main() {}\n", "b/notes.md": "x",
		"shared/metal/m.go": "package metal\n", "shared/gold/g.go": "package gold\n",
	})
	w.look()
	steps := []struct {
		what  string
		files map[string]string
		made  string
	}{
		{"a file that is ignored", map[string]string{"b/notes.md": "y"}, ""},
		{"another folder", map[string]string{"docs/x.md": "y"}, ""},
		{"one app", map[string]string{"a/main.go": "package main // 2\n\nfunc main() {}\n"}, "a"},
		{"the shared library", map[string]string{"libs/money/m.go": "package money // 2\n"}, "a"},
		{"a package that is imported", map[string]string{"shared/metal/m.go": "package metal\n\nimport _ \"mono/shared/gold\"\n"}, "b"},
		{"one that it imports since then", map[string]string{"shared/gold/g.go": "package gold // 2\n"}, "b"},
		{"beside it what is not compiled", map[string]string{"shared/gold/g_test.go": "package gold\n", "shared/gold/README.md": "x"}, ""},
		{"the module file above", map[string]string{"go.mod": "module mono\n\ngo 1.26\n"}, "a b"},
		{"how one runs", map[string]string{"b/headway.yaml": "name: b\nignore: ['**/*.md']\nport: 9000\n"}, "b"},
		{"a comment in headway.yaml", map[string]string{"b/headway.yaml": "name: b # shop\nignore: ['**/*.md']\nport: 9000\n"}, ""},
		{"what auto finds, spelled out", map[string]string{"b/headway.yaml": "name: b # shop\nignore: ['**/*.md']\nport: 9000\nbuild: {with: go, args: {main: .}}\n"}, ""},
	}
	for _, step := range steps {
		commit := w.git.CommitAndPush(step.what, step.files)
		w.look()
		var made []string
		for _, name := range []string{"a", "b"} {
			if _, ok := w.revisions()[name+"-"+commit[:8]]; ok {
				made = append(made, name)
			}
			if got := w.app(name).Spec.Heads[0].Commit; got != commit {
				t.Errorf("%s: the head of %s is %s, want %s", step.what, name, got, commit)
			}
		}
		if got := strings.Join(made, " "); got != step.made {
			t.Errorf("a change of %s made revisions of %q, want %q", step.what, got, step.made)
		}
	}
}

func TestLostDiskIsMadeGood(t *testing.T) {
	w := newWorld(t)
	first := w.git.CommitAndPush("first", shop)
	w.look()
	second := w.git.CommitAndPush("second", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
	w.look()
	w.built("shop-" + first[:8])
	must(t, os.RemoveAll(w.data))
	w.restart()
	w.look()
	if !w.r.artifacts.Has(w.revisions()["shop-"+second[:8]].Spec.Source.Digest) {
		t.Error("the artifact of the unbuilt revision was not made again")
	}
	if w.r.artifacts.Has(w.revisions()["shop-"+first[:8]].Spec.Source.Digest) {
		t.Error("the artifact of the built revision was made again")
	}
	if len(w.revisions()) != 2 {
		t.Errorf("%d revisions, want 2", len(w.revisions()))
	}
	// A cache with a hole is thrown away.
	packs, _ := filepath.Glob(filepath.Join(w.data, "git/*/objects/pack/*.pack"))
	for _, pack := range packs {
		must(t, os.Chmod(pack, 0o600))
		must(t, os.Truncate(pack, 20))
	}
	w.restart()
	w.git.CommitAndPush("third", map[string]string{"main.go": "package main // 3\n\nfunc main() {}\n"})
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
	if len(packs) == 0 || len(w.revisions()) != 3 {
		t.Errorf("%d packs were broken, %d revisions, want some and 3", len(packs), len(w.revisions()))
	}
}

func TestArtifactTooLargeIsTold(t *testing.T) {
	w := newWorld(t)
	limits := git.DefaultLimits()
	limits.ObjectBytes = 1 << 20
	w.r.git = git.NewClient(limits)
	w.git.CommitAndPush("first", shop)
	w.look()
	w.git.CommitAndPush("huge", map[string]string{"video.bin": strings.Repeat("x", 2<<20)})
	w.look()
	w.wantCondition("Ready", metav1.ConditionFalse, "TooLarge", "a file of 2 MiB")
	if len(w.revisions()) != 1 {
		t.Errorf("%d revisions, want 1", len(w.revisions()))
	}
}

func TestSuspendAndDelete(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", shop)
	w.look()
	w.change(func(r *v1alpha1.Repository) { r.Spec.Suspend = true })
	requests := w.http.Requests.Load()
	if result := w.look(); result.RequeueAfter != 0 || w.http.Requests.Load() != requests {
		t.Errorf("a suspended repository is looked at: %+v", result)
	}
	w.wantCondition("Ready", metav1.ConditionFalse, "Suspended", "keep running")
	cache := filepath.Join(w.data, "git", "uid-of-repo")
	if _, err := os.Stat(cache); err != nil {
		t.Fatal(err)
	}
	must(t, w.client.Delete(t.Context(), w.repo()))
	w.look()
	if _, err := os.Stat(cache); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the cache is still there: %v", err)
	}
	if err := w.client.Get(t.Context(), w.name, &v1alpha1.Repository{}); err == nil {
		t.Error("the Repository is still there: its finalizer was not removed")
	}
	w.look() // a Repository that is gone
}

func TestAnotherRepositoryHasTheName(t *testing.T) {
	w := newWorld(t)
	must(t, w.client.Create(t.Context(), &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop"},
		Spec: v1alpha1.AppSpec{Repository: "other", Path: "x", ProductionRef: main}}))
	w.git.CommitAndPush("first", shop)
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "NameConflict", `belongs to Repository "other"`)
	if got := w.app("shop").Spec.Repository; got != "other" || len(w.revisions()) != 0 {
		t.Errorf("the App belongs to %q and has %d revisions", got, len(w.revisions()))
	}
}

// TestStaleCache: the reconciler must not be misled by a cache that does not
// show its own writes yet.
func TestStaleCache(t *testing.T) {
	w := newWorld(t)
	first := w.git.CommitAndPush("first", shop)
	w.look()
	stale := &staleClient{Client: w.client}
	w.r.client = stale
	second := w.git.CommitAndPush("docs", map[string]string{"headway.yaml": "name: shop # the same\nport: 9000\n"})
	w.look()
	if len(w.revisions()) != 1 || w.app("shop").Spec.Heads[0].Commit != second || w.app("shop").Spec.Heads[0].Revision != "shop-"+first[:8] {
		t.Errorf("%d revisions, heads %+v; want the first revision only", len(w.revisions()), w.app("shop").Spec.Heads)
	}
}

// staleClient lists nothing.
type staleClient struct{ client.Client }

func (*staleClient) List(context.Context, client.ObjectList, ...client.ListOption) error { return nil }

// TestLeavingObjectsAreWaitedFor: a Revision that is still being deleted keeps
// its name; so does an App.
func TestLeavingObjectsAreWaitedFor(t *testing.T) {
	w := newWorld(t)
	commit := w.git.CommitAndPush("first", shop)
	w.look()
	rev := w.revisions()["shop-"+commit[:8]]
	must(t, w.client.Delete(t.Context(), &rev))
	w.restart()
	if result := w.look(); result.RequeueAfter != deletingRetry {
		t.Errorf("looks again after %v while the old revision leaves, want %v", result.RequeueAfter, deletingRetry)
	}
	rev = w.revisions()["shop-"+commit[:8]]
	rev.Finalizers = nil
	must(t, w.client.Update(t.Context(), &rev))
	w.look()
	if rev := w.revisions()["shop-"+commit[:8]]; rev.Name == "" || rev.DeletionTimestamp != nil {
		t.Error("the revision was not made again")
	}
	app := w.app("shop")
	app.Finalizers = []string{"foregroundDeletion"}
	must(t, w.client.Update(t.Context(), app))
	must(t, w.client.Delete(t.Context(), app))
	w.restart()
	if result := w.look(); result.RequeueAfter != deletingRetry {
		t.Errorf("looks again after %v while the old App leaves, want %v", result.RequeueAfter, deletingRetry)
	}
	w.wantCondition("Ready", metav1.ConditionUnknown, "Waiting", "older objects of the same name are deleted: app shop")
	w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
}

// TestRepositoryRemovedAndAdded: what the removed one made is still there, and
// its owner is not: the garbage collector will delete it, also where nothing
// says so yet.
func TestRepositoryRemovedAndAdded(t *testing.T) {
	w := newWorld(t)
	commit := w.git.CommitAndPush("first", map[string]string{
		"headway.yaml": "name: shop\n", "index.html": "1", "web/headway.yaml": "name: web\n", "web/index.html": "1"})
	w.look()
	orphan := func(o client.Object) {
		t.Helper()
		owner := o.GetOwnerReferences()
		owner[0].UID = "uid-of-the-removed"
		o.SetOwnerReferences(owner)
		must(t, w.client.Update(t.Context(), o))
	}
	shop, rev := w.app("shop"), w.revisions()["web-"+commit[:8]]
	orphan(shop)
	orphan(&rev)
	w.restart()
	look := func(when string) {
		t.Helper()
		if result := w.look(); result.RequeueAfter != deletingRetry {
			t.Errorf("%s: looks again after %v, want %v", when, result.RequeueAfter, deletingRetry)
		}
		w.wantCondition("Ready", metav1.ConditionUnknown, "Waiting", "app shop, app web")
	}
	look("both are there")
	if got := w.app("shop").OwnerReferences[0].UID; got != "uid-of-the-removed" {
		t.Errorf("the App that is going is owned by %s now", got)
	}
	// The collector gets to them.
	must(t, w.client.Delete(t.Context(), shop))
	for _, r := range w.revisions() {
		r.Finalizers = nil
		must(t, w.client.Update(t.Context(), &r))
		must(t, w.client.Delete(t.Context(), &r))
	}
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
	for _, name := range []string{"shop", "web"} {
		if o := w.app(name).OwnerReferences; o[0].UID != "uid-of-repo" {
			t.Errorf("the App %s is owned by %s", name, o[0].UID)
		}
		if _, made := w.revisions()[name+"-"+commit[:8]]; !made {
			t.Errorf("no revision of %s was made", name)
		}
	}
}

// TestAppDeletedByHand: its Revisions are there for a moment longer, and in the
// memory of the process for a minute; they are none of the App that is made
// again.
func TestAppDeletedByHand(t *testing.T) {
	w := newWorld(t)
	commit := w.git.CommitAndPush("first", shop)
	w.look()
	rev := w.revisions()["shop-"+commit[:8]]
	must(t, w.client.Delete(t.Context(), w.app("shop")))
	rev.Finalizers = nil
	must(t, w.client.Update(t.Context(), &rev))
	must(t, w.client.Delete(t.Context(), &rev))
	delete(w.r.memories.of("uid-of-repo").apps, "shop") // the cache has shown it since
	w.look()
	if _, made := w.revisions()["shop-"+commit[:8]]; !made {
		t.Error("the revision was not made again")
	}
}

// TestRefusedAppStopsNoOther: the API server does not take one App.
func TestRefusedAppStopsNoOther(t *testing.T) {
	w := newWorld(t)
	commit := w.git.CommitAndPush("first", map[string]string{
		"a/headway.yaml": "name: a\n", "a/index.html": "1", "b/headway.yaml": "name: b\n", "b/index.html": "1"})
	w.r.client = refusingClient{Client: w.client, app: "a"}
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", commit[:8])
	w.wantCondition("Complete", metav1.ConditionFalse, "Refused", "app a is not followed, the API server refuses it: ")
	if _, made := w.revisions()["b-"+commit[:8]]; !made || len(w.revisions()) != 1 {
		t.Errorf("revisions are %v, want that of b", w.revisions())
	}
}

// refusingClient takes every App but one.
type refusingClient struct {
	client.Client
	app string
}

func (c refusingClient) Apply(ctx context.Context, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	if named, ok := o.(interface{ GetName() string }); ok && named.GetName() == c.app {
		return apierrors.NewForbidden(v1alpha1.GroupVersion.WithResource("apps").GroupResource(), c.app, errors.New("by policy"))
	}
	return c.Client.Apply(ctx, o, opts...)
}
