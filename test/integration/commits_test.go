//go:build integration

package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/headway-dev/headway/api/v1alpha1"
	watching "github.com/headway-dev/headway/watcher"
	"github.com/headway-dev/headway/watcher/artifact"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

// startWatcher runs the production watcher on one namespace until the test ends.
func startWatcher(t *testing.T, ns string) {
	t.Helper()
	stop := runWatcher(t, ns, t.TempDir())
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the watcher's manager: %v", err)
		}
	})
}

// runWatcher is the same until it is stopped, with a folder for its files.
func runWatcher(t *testing.T, ns, data string) (stop func() error) {
	t.Helper()
	mgr, err := ctrl.NewManager(as("headway-watcher"), ctrl.Options{
		Scheme:     scheme,
		Cache:      cache.Options{DefaultNamespaces: map[string]cache.Config{ns: {}}},
		Metrics:    metrics.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: ptr.To(true)}, // the test may run twice
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := watching.Setup(ctx, mgr, watching.Options{Data: data, Artifacts: artifact.DefaultQuota(), ArtifactListen: "127.0.0.1:0", WebhookListen: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// watched is a repository on a real git server, followed by the real watcher. It
// is looked at when something asks for it only: the interval is a day.
type watched struct {
	*testing.T
	ns  string
	git *gittest.Repo
}

func newWatched(t *testing.T) watched {
	t.Helper()
	h := gittest.NewHTTP(t)
	h.User, h.Password = "ada", "s3cret"
	w := watched{t, namespace(t), gittest.NewRepo(t, h.Root, "shop.git")}
	w.git.CommitAndPush("Open", map[string]string{
		"go.mod": "module x\n", "shop/headway.yaml": "name: shop\npath: shop\n", "shop/main.go": "package main\n\nfunc main() {}\n",
	})
	startWatcher(t, w.ns)
	for _, o := range []client.Object{
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "git"}, StringData: map[string]string{"username": "ada", "password": "s3cret"}},
		&v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "repo"}, Spec: v1alpha1.RepositorySpec{
			URL: h.CloneURL(w.git), SecretRef: &corev1.LocalObjectReference{Name: "git"}, Interval: metav1.Duration{Duration: 24 * time.Hour}}},
	} {
		if err := api.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w watched) app() (*v1alpha1.App, error) { return get(w.T, w.ns, "shop", &v1alpha1.App{}) }

// sync looks, and gives the revision of the commit.
func (w watched) sync(commit string) string {
	w.Helper()
	w.look()
	return w.follows(commit)
}

// look asks for a look, and waits for its end.
func (w watched) look() {
	w.Helper()
	now := time.Now().String()
	repo := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "repo"}}
	patch := fmt.Sprintf(`{"metadata": {"annotations": {%q: %q}}}`, v1alpha1.AnnotationSyncRequestedAt, now)
	if err := api.Patch(w.Context(), repo, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		w.Fatal(err)
	}
	eventually(w.T, "a look", func() error {
		repo, err := get(w.T, w.ns, "repo", &v1alpha1.Repository{})
		if err == nil && repo.Status.LastHandledSync != now {
			err = fmt.Errorf("the last look is that of %q: %v", repo.Status.LastHandledSync, repo.Status.Conditions)
		}
		return err
	})
}

// follows waits until a commit is followed, and gives its revision.
func (w watched) follows(commit string) (revision string) {
	w.Helper()
	eventually(w.T, "the commit "+commit+" is followed", func() error {
		app, err := w.app()
		if err != nil {
			return err
		}
		if len(app.Spec.Heads) != 1 || app.Spec.Heads[0].Commit != commit {
			return fmt.Errorf("the heads are %+v", app.Spec.Heads)
		}
		revision = app.Spec.Heads[0].Revision
		return nil
	})
	return revision
}

// ask writes a request as the reconciler of Apps does, and waits for the result.
func (w watched) ask(revision, commit, message string) (result v1alpha1.CommitResult) {
	w.Helper()
	app, err := w.app()
	if err != nil {
		w.Fatal(err)
	}
	app.Status.Commit = &v1alpha1.CommitRequest{Action: v1alpha1.CommitRevert, Revision: revision, Branch: "refs/heads/main", Commit: commit, Message: message}
	if err := api.Status().Update(w.Context(), app); err != nil {
		w.Fatal(err)
	}
	eventually(w.T, "an answer about "+revision, func() error {
		app, err := w.app()
		if err != nil {
			return err
		}
		if c := app.Spec.Committed; c == nil || c.Revision != revision {
			return fmt.Errorf("spec.committed is %+v", c)
		}
		result = *app.Spec.Committed
		return nil
	})
	return result
}

func (w watched) main() string { return w.git.InBare("rev-parse", "main") }

// source is that of a revision, which the App names a moment before it is there.
func (w watched) source(revision string) (source v1alpha1.CodeSource) {
	w.Helper()
	eventually(w.T, "the revision "+revision, func() error {
		rev, err := get(w.T, w.ns, revision, &v1alpha1.Revision{})
		source = rev.Spec.Source
		return err
	})
	return source
}

// TestRequestLeadsToACommit: a request in an App's status becomes a commit in
// git, which the watcher follows at once: with the sources that there were
// before, so that nothing is built.
func TestRequestLeadsToACommit(t *testing.T) {
	w := newWatched(t)
	good := w.main()
	before := w.follows(good)
	bad := w.git.CommitAndPush("Sell more", map[string]string{"shop/main.go": "package main\n\nfunc main() { panic(1) }\n"})
	failed := w.sync(bad)

	result := w.ask(failed, good, "40 of 200 requests failed")
	made := w.main()
	if result.Commit != made || result.Problem != "" || w.git.InBare("rev-parse", "main~1") != bad {
		t.Fatalf("the answer is %+v, main is at %s", result, made)
	}
	if message := w.git.InBare("log", "-1", "--format=%an: %B", "main"); !strings.HasPrefix(message, "Headway: Revert shop to "+good[:8]) ||
		!strings.Contains(message, "40 of 200 requests failed") || !strings.Contains(message, "\nHeadway-Reverts: "+bad+"\nHeadway-App: shop") {
		t.Errorf("the message is %s", message)
	}
	after := w.follows(made)
	was, is := w.source(before), w.source(after)
	if is.Key != was.Key || is.SpecHash != was.SpecHash || is.Digest != was.Digest {
		t.Errorf("the source of the revert is %+v, want that of %s: %+v", is, before, was)
	}

	// Twice is once, whatever else the request says then.
	if again := w.ask(failed, good, "41 of 201 requests failed"); again != result {
		t.Errorf("the second answer is %+v, want %+v", again, result)
	}
	w.sync(made)
	if w.main() != made {
		t.Errorf("main is at %s, want %s", w.main(), made)
	}

	// What somebody has changed since is not reverted.
	w.git.Git("pull", "--quiet", "origin", "main")
	worse := w.git.CommitAndPush("Sell everything", map[string]string{"shop/main.go": "package main\n\nfunc main() { panic(2) }\n"})
	failed = w.sync(worse)
	newest := w.git.CommitAndPush("Mend it", map[string]string{"shop/main.go": "package main\n\nfunc main() { println() }\n"})
	if result := w.ask(failed, good, ""); result.Commit != "" || !strings.Contains(result.Problem, "main has moved: it is at "+newest[:8]) ||
		!strings.Contains(result.Problem, "git revert --no-edit "+worse) {
		t.Errorf("the answer is %+v", result)
	}
	if w.main() != newest {
		t.Errorf("main is at %s, want %s", w.main(), newest)
	}
}
