package watcher

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/artifact"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

// world is a Repository, its real git server, and the reconciler before a
// client that keeps objects in memory. What a real API server adds is tested
// in test/integration.
type world struct {
	t      *testing.T
	http   *gittest.HTTP
	git    *gittest.Repo
	client client.Client
	events *events.FakeRecorder
	data   string
	quota  artifact.Quota
	forge  *fakeForge
	r      *Reconciler
	// later is how far the clock is ahead.
	later time.Duration
	name  types.NamespacedName
}

// indexer lets registerIndexes fill a fake client.
type indexer struct{ b *fake.ClientBuilder }

func (i indexer) IndexField(_ context.Context, o client.Object, field string, f client.IndexerFunc) error {
	i.b.WithIndex(o, field, f)
	return nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, http: gittest.NewHTTP(t), events: events.NewFakeRecorder(100), data: t.TempDir(), quota: artifact.DefaultQuota(), forge: &fakeForge{},
		name: types.NamespacedName{Namespace: "default", Name: "repo"}}
	w.git = gittest.NewRepo(t, w.http.Root, "repo.git")
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	b := fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&v1alpha1.Repository{}, &v1alpha1.App{}, &v1alpha1.Revision{}).
		WithObjects(&v1alpha1.Repository{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "repo", UID: "uid-of-repo", Generation: 1},
			Spec: v1alpha1.RepositorySpec{URL: w.http.CloneURL(w.git), ProductionBranch: "main",
				Interval: metav1.Duration{Duration: 30 * time.Second}},
		})
	if err := registerIndexes(t.Context(), indexer{b}); err != nil {
		t.Fatal(err)
	}
	w.client = b.Build()
	w.restart()
	return w
}

// restart is a new process on the same disk.
func (w *world) restart() {
	store, err := artifact.NewStore(filepath.Join(w.data, "artifacts"), w.quota.Total)
	if err != nil {
		w.t.Fatal(err)
	}
	marks, err := openMarks(filepath.Join(w.data, "reading"), w.clock)
	if err != nil {
		w.t.Fatal(err)
	}
	w.r = &Reconciler{turns: newTurns(w.clock), marks: marks, client: w.client, live: w.client, git: git.NewClient(git.DefaultLimits()), artifacts: store, artifactLimits: artifact.DefaultLimits(), quota: w.quota,
		events: w.events, forges: fakeForges{w.forge}, public: address.Public{Scheme: "https", Domain: "apps.example.com", Port: 443}, log: slog.New(slog.DiscardHandler), now: w.clock, gitDir: filepath.Join(w.data, "git")}
}

func (w *world) clock() time.Time { return time.Now().Add(w.later) }

// look reconciles once.
func (w *world) look() ctrl.Result {
	w.t.Helper()
	result, err := w.r.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: w.name})
	if err != nil {
		w.t.Fatalf("Reconcile: %v", err)
	}
	return result
}

func (w *world) repo() *v1alpha1.Repository {
	w.t.Helper()
	repo := &v1alpha1.Repository{}
	if err := w.client.Get(w.t.Context(), w.name, repo); err != nil {
		w.t.Fatal(err)
	}
	return repo
}

func (w *world) change(f func(*v1alpha1.Repository)) {
	w.t.Helper()
	repo := w.repo()
	f(repo)
	if err := w.client.Update(w.t.Context(), repo); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) app(name string) *v1alpha1.App {
	w.t.Helper()
	app := &v1alpha1.App{}
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: "default", Name: name}, app); err != nil {
		w.t.Fatal(err)
	}
	return app
}

func (w *world) revisions() map[string]v1alpha1.Revision {
	w.t.Helper()
	var list v1alpha1.RevisionList
	if err := w.client.List(w.t.Context(), &list); err != nil {
		w.t.Fatal(err)
	}
	out := map[string]v1alpha1.Revision{}
	for _, r := range list.Items {
		out[r.Name] = r
	}
	return out
}

// built gives a Revision an image, as a build does.
func (w *world) built(name string) {
	w.t.Helper()
	rev := w.revisions()[name]
	rev.Status.Image = "registry/x@sha256:" + strings.Repeat("0", 64)
	if err := w.client.Status().Update(w.t.Context(), &rev); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantCondition(kind string, status metav1.ConditionStatus, reason, text string) {
	w.t.Helper()
	c := meta.FindStatusCondition(w.repo().Status.Conditions, kind)
	if c == nil || c.Status != status || c.Reason != reason || !strings.Contains(c.Message, text) {
		w.t.Errorf("%s is %+v\nwant %s %s: ...%s...", kind, c, status, reason, text)
	}
}

// told are the events so far.
func (w *world) told() []string {
	var out []string
	for {
		select {
		case e := <-w.events.Events:
			out = append(out, e)
		default:
			return out
		}
	}
}

var shop = map[string]string{
	"headway.yaml": "name: shop\nport: 9000\n",
	"go.mod":       "module shop\n",
	"main.go":      "package main\n\nfunc main() {}\n",
}

const main = "refs/heads/main"

// hash makes a commit of a short name: "a1" is a1a1a1...
func hash(short string) string { return strings.Repeat(short, 40)[:40] }
