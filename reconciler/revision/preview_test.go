package revision

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

const previewName = "hello-pr-12"

// preview makes a revision one of the preview of request 12.
func preview(fork bool) func(*v1alpha1.Revision) {
	return func(rev *v1alpha1.Revision) {
		rev.Name, rev.Spec.App = previewName+"-"+rev.Spec.Commit[:8], previewName
		rev.Spec.Ref, rev.Spec.Preview = "refs/heads/feature", &v1alpha1.BuiltFor{App: "hello", Fork: fork}
		rev.Spec.Source.Key = "tree"
	}
}

// merged is production's revision of the same files.
func merged(rev *v1alpha1.Revision) { rev.Spec.Source.Key = "tree" }

func previewApp(rev *v1alpha1.Revision) *v1alpha1.App {
	app := newApp(head(rev))
	app.Name, app.Spec.ProductionRef = previewName, rev.Spec.Ref
	app.Spec.Preview = &v1alpha1.Preview{App: "hello", Request: 12, Fork: rev.FromFork(), Host: previewName}
	return app
}

// repositoryOf is there, so that its cache stays.
func repositoryOf(rev *v1alpha1.Revision) *v1alpha1.Repository {
	return &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: rev.Namespace, Name: rev.Spec.Repository}}
}

// TestMergeNeedsNoBuild: a preview and production share one run and one image,
// whichever comes first.
func TestMergeNeedsNoBuild(t *testing.T) {
	ofPreview, ofProduction := newRevision(commitA, preview(false)), newRevision(commitB, merged)
	for _, tc := range []struct {
		name          string
		first, second *v1alpha1.Revision
	}{{"the preview first", ofPreview, ofProduction}, {"production first", ofProduction, ofPreview}} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, tc.first.DeepCopy(), tc.second.DeepCopy(), previewApp(ofPreview), newApp(head(ofProduction)), goTask(), repositoryOf(ofPreview))
			b.built(tc.first)
			b.built(tc.second)
			want := []string{pipelines.RunName("hello", keyFor(ofProduction, goTemplate(), nil))}
			if diff := cmp.Diff(want, b.runNames()); diff != "" {
				t.Fatalf("runs (-want +got):\n%s", diff)
			}
			run := b.run()
			done(run)
			if err := b.Client.Update(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			b.built(tc.first)
			for _, rev := range []*v1alpha1.Revision{tc.first, tc.second} {
				got, built := b.built(rev)
				if got.Status.Image != "registry/apps/team/hello@"+digest {
					t.Errorf("the image of %s is %q", rev.Name, got.Status.Image)
				}
				if rev == tc.second && (built.Reason != v1alpha1.ReasonImageReused || built.Message != "built before for "+tc.first.Name) {
					t.Errorf("Built = %+v", built)
				}
			}
		})
	}
}

// TestMergeTakesTheRunOver: the preview goes while it builds, and production's
// revision, which nobody has looked at yet, needs the run.
func TestMergeTakesTheRunOver(t *testing.T) {
	ofPreview, ofProduction := newRevision(commitA, preview(false)), newRevision(commitB, merged)
	b := newBench(t, ofPreview, previewApp(ofPreview), newApp(head(ofProduction)), goTask(), repositoryOf(ofPreview))
	got, _ := b.built(ofPreview)
	if err := b.Client.Create(t.Context(), ofProduction); err != nil {
		t.Fatal(err)
	}
	if err := b.Client.Delete(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if _, err := b.reconcile(ofPreview); err != nil {
		t.Fatal(err)
	}
	if run := b.run(); run.DeletionTimestamp != nil || run.Spec.Status != "" {
		t.Errorf("production's run was stopped: %+v", run)
	}
}

// TestForkSharesNothing: with the same files, production does not see what was
// built for a fork.
func TestForkSharesNothing(t *testing.T) {
	fork, ofProduction := newRevision(commitA, preview(true)), newRevision(commitB, merged)
	app := previewApp(fork)
	b := newBench(t, fork, ofProduction, app, newApp(head(ofProduction)), goTask(), repositoryOf(fork))
	b.built(fork)
	run := b.run()
	done(run)
	if err := b.Client.Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	got, _ := b.built(fork)
	if got.Status.Image != "registry/apps/team/"+previewName+"@"+digest {
		t.Errorf("the fork's image is %q", got.Status.Image)
	}
	if _, built := b.built(ofProduction); built.Reason != v1alpha1.ReasonQueued || len(b.runNames()) != 2 {
		t.Errorf("production: %+v, runs %v", built, b.runNames())
	}
	named := newRevision(commitB, merged, func(r *v1alpha1.Revision) { r.Spec.App = previewName })
	if keyFor(named, goTemplate(), nil) == keyFor(fork, goTemplate(), nil) {
		t.Error("an app with the name of a preview finds the fork's image")
	}
}

// TestForkGoes with its run, its cache and its image, in this order.
func TestForkGoes(t *testing.T) {
	fork := newRevision(commitA, preview(true))
	app := previewApp(fork)
	b := newBench(t, fork, app, goTask(), repositoryOf(fork))
	b.registry = errors.New("405: it is not allowed to delete")
	got, _ := b.built(fork)
	run := b.run()
	done(run)
	run.Finalizers = []string{metav1.FinalizerDeleteDependents} // of a deletion that waits for the pod
	if err := b.Client.Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	b.built(fork)
	for _, o := range []client.Object{app, got} {
		if err := b.Client.Delete(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if result, err := b.reconcile(fork); err != nil || result.RequeueAfter != time.Second || b.run().DeletionTimestamp == nil || len(b.removed) != 0 {
			t.Fatalf("again in %v, %v; removed %v", result.RequeueAfter, err, b.removed)
		}
	}
	run = b.run()
	run.Finalizers = nil
	if err := b.Client.Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if result, err := b.reconcile(fork); err != nil || result.RequeueAfter != 0 {
		t.Fatalf("again in %v, %v", result.RequeueAfter, err)
	}
	if folder := pipelines.Forgets(b.run()); folder != "team/~"+previewName {
		t.Errorf("%q is forgotten", folder)
	}
	if diff := cmp.Diff([]string{"registry/apps/team/" + previewName + "@" + digest}, b.removed); diff != "" {
		t.Errorf("images removed (-want +got):\n%s", diff)
	}
	if err := b.Client.Get(t.Context(), client.ObjectKeyFromObject(fork), got); !apierrors.IsNotFound(err) {
		t.Errorf("the revision is still there: %v", err)
	}
}

// TestForkGoesWhileItBuilds: an image that its build has pushed meanwhile goes,
// too, and not before the build has ended.
func TestForkGoesWhileItBuilds(t *testing.T) {
	for _, closed := range []bool{true, false} {
		fork := newRevision(commitA, preview(true))
		app := previewApp(fork)
		b := newBench(t, fork, app, goTask(), repositoryOf(fork))
		got, _ := b.built(fork)
		run := b.run()
		run.Finalizers = []string{metav1.FinalizerDeleteDependents}
		if err := b.Client.Update(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		gone := []client.Object{got}
		if closed {
			gone = append(gone, app)
		}
		for _, o := range gone {
			if err := b.Client.Delete(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		if result, err := b.reconcile(fork); err != nil || result.RequeueAfter != time.Second || b.run().DeletionTimestamp == nil {
			t.Fatalf("closed %v: again in %v, %v", closed, result.RequeueAfter, err)
		}
		b.found = digest
		run = b.run()
		run.Finalizers = nil
		if err := b.Client.Update(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		if result, err := b.reconcile(fork); err != nil || result.RequeueAfter != 0 {
			t.Fatalf("closed %v: again in %v, %v", closed, result.RequeueAfter, err)
		}
		if diff := cmp.Diff([]string{"registry/apps/team/" + previewName + "@" + digest}, b.removed); diff != "" {
			t.Errorf("closed %v: images removed (-want +got):\n%s", closed, diff)
		}
	}
}

// TestForkKeepsWhatIsWaitedFor: the older revision goes, and a newer one has the
// same build.
func TestForkKeepsWhatIsWaitedFor(t *testing.T) {
	key := v1alpha1.BuildStatus{Key: strings.Repeat("a", 64)}
	older := newRevision(commitA, preview(true), withBuilt(condition.Unknown(v1alpha1.ReasonBuilding, ""), key, ""))
	older.Finalizers = []string{v1alpha1.FinalizerCleanup}
	newer := newRevision(commitB, preview(true), withBuilt(condition.Unknown(v1alpha1.ReasonBuilding, ""), key, ""))
	b := newBench(t, older, newer, previewApp(newer), goTask(), repositoryOf(older))
	b.found = digest
	if err := b.Client.Delete(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	if _, err := b.reconcile(older); err != nil || len(b.removed) != 0 {
		t.Errorf("%v; removed %v, which %s waits for", err, b.removed, newer.Name)
	}
}

// TestForkIsPushedAgain: its cache stays, and so does an image that is used.
func TestForkIsPushedAgain(t *testing.T) {
	image := func(rev *v1alpha1.Revision) {
		rev.Status.Image = "registry/apps/team/" + previewName + "@" + digest
	}
	older, newer := newRevision(commitA, preview(true), image), newRevision(commitB, preview(true), image)
	older.Finalizers = []string{v1alpha1.FinalizerCleanup}
	b := newBench(t, older, newer, previewApp(newer), goTask(), repositoryOf(older))
	if err := b.Client.Delete(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	if _, err := b.reconcile(older); err != nil || len(b.runNames()) != 0 || len(b.removed) != 0 {
		t.Errorf("%v; runs %v, removed %v", err, b.runNames(), b.removed)
	}
}

// TestForkGetsNoModules, even from a branch of the Repository.
func TestForkGetsNoModules(t *testing.T) {
	fork := newRevision(commitA, preview(true))
	b := modulesBench(t, fork, modulesSecret())
	b.built(fork)
	if run := b.run(); pipelines.UsesModules(run) || len(b.copies()) != 0 {
		t.Errorf("a fork's build has credentials: %+v, %d Secrets", run.Spec, len(b.copies()))
	}
}

// TestPreviewHasOneHost: that of its App.
func TestPreviewHasOneHost(t *testing.T) {
	for _, change := range []func(*v1alpha1.Revision){preview(false), preview(true), merged} {
		rev := newRevision(commitA, change)
		b := newBench(t, rev, goTask())
		b.found = digest
		got, _ := b.built(rev)
		if got.Status.Image == "" || (got.Status.URL == "") != (rev.Spec.Preview != nil) {
			t.Errorf("%s: image %q, URL %q", rev.Name, got.Status.Image, got.Status.URL)
		}
		if strings.Contains(got.Status.URL, previewName) {
			t.Errorf("a URL that can be guessed: %s", got.Status.URL)
		}
	}
}

// TestSetupHoldsPodsBack until it has succeeded; what has run goes on.
func TestSetupHoldsPodsBack(t *testing.T) {
	setup := func(state condition.State) func(*v1alpha1.App) {
		return func(app *v1alpha1.App) {
			app.Spec.Preview.Setup = []string{"/migrate"}
			if state.Status != "" {
				condition.Set(&app.Status.Conditions, v1alpha1.ConditionPrepared, state, 1, start)
			}
		}
	}
	teardown := func(finalizers ...string) func(*v1alpha1.App) {
		return func(app *v1alpha1.App) {
			app.Spec.Preview.Teardown, app.Finalizers = []string{"/drop"}, finalizers
		}
	}
	for _, tc := range []struct {
		name   string
		app    func(*v1alpha1.App)
		rev    func(*v1alpha1.Revision)
		starts bool
		state  v1alpha1.RevisionState
		reason string
	}{
		{name: "no setup", app: func(*v1alpha1.App) {}, starts: true, state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonStarting},
		{name: "it has not begun", app: setup(condition.State{}), state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonSettingUp},
		{name: "it runs", app: setup(condition.Unknown(v1alpha1.ReasonSettingUp, "pod x runs")), state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonSettingUp},
		{name: "it failed", app: setup(condition.False(v1alpha1.ReasonSetupFailed, "why")), state: v1alpha1.StateFailed, reason: v1alpha1.ReasonSetupFailed},
		{name: "it succeeded", app: setup(condition.True(v1alpha1.ReasonSetUp, "")), starts: true, state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonStarting},
		{name: "it came after the first request", app: setup(condition.Unknown(v1alpha1.ReasonSettingUp, "")), starts: true,
			rev: func(r *v1alpha1.Revision) { r.Status.EverReady = true }, state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonStarting},
		{name: "a teardown is not sure to run", app: teardown(), state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonSettingUp},
		{name: "it is", app: teardown(v1alpha1.FinalizerTeardown), starts: true, state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonStarting},
		{name: "the App has not been seen", state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonStarting},
	} {
		rev := newRevision(commitA, preview(false), withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "i@"+digest))
		if tc.rev != nil {
			tc.rev(rev)
		}
		seen := Seen{Revision: rev}
		if tc.app != nil {
			seen.App = previewApp(rev)
			tc.app(seen.App)
		}
		plan := PlanFor(seen, start)
		ready := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady)
		if (plan.Deployment != nil) != tc.starts || ready.Reason != tc.reason || plan.Status.State != tc.state {
			t.Errorf("%s: starts %v, %s, Ready = %+v", tc.name, plan.Deployment != nil, plan.Status.State, ready)
		}
	}
}

// TestPodsStopBeforeTheTeardown: the App that is going has its pods ended, and
// nothing is built or started for it.
func TestPodsStopBeforeTheTeardown(t *testing.T) {
	rev := newRevision(commitA, preview(false), withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{}, "i@"+digest))
	app := previewApp(rev)
	app.Finalizers = []string{v1alpha1.FinalizerTeardown}
	b := newBench(t, rev, app, goTask())
	b.built(rev)
	deployments := func() int {
		var list appsv1.DeploymentList
		if err := b.Client.List(t.Context(), &list); err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}
	if n := deployments(); n != 1 {
		t.Fatalf("%d Deployments", n)
	}
	if err := b.Client.Delete(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b.built(rev)
		if n := deployments(); n != 0 {
			t.Errorf("%d Deployments of a preview that is going", n)
		}
	}
}
