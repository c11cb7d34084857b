package feedback

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// fakeForge keeps what it is told, and takes note of each call.
type fakeForge struct {
	forge.Client
	statuses     map[string]map[string]forge.Status
	comments     map[int64]string
	environments map[string]forge.Deployment
	// refuse gives the error of a call; nil: none.
	refuse func(call string) error
	// reads and writes since they were last looked at.
	reads, writes []string
}

func newFakeForge() *fakeForge {
	return &fakeForge{statuses: map[string]map[string]forge.Status{}, comments: map[int64]string{}, environments: map[string]forge.Deployment{}}
}

func (f *fakeForge) call(log *[]string, format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	if f.refuse != nil {
		if err := f.refuse(call); err != nil {
			return err
		}
	}
	*log = append(*log, call)
	return nil
}

func (f *fakeForge) Statuses(_ context.Context, sha string) ([]forge.Status, error) {
	if err := f.call(&f.reads, "statuses %s", v1alpha1.Short(sha)); err != nil {
		return nil, err
	}
	var all []forge.Status
	for _, s := range f.statuses[sha] {
		all = append(all, s)
	}
	return all, nil
}

func (f *fakeForge) SetStatus(_ context.Context, sha string, s forge.Status) error {
	if err := f.call(&f.writes, "status %s %s %s: %s", v1alpha1.Short(sha), s.State, s.Context, s.Description); err != nil {
		return err
	}
	if f.statuses[sha] == nil {
		f.statuses[sha] = map[string]forge.Status{}
	}
	f.statuses[sha][s.Context] = s
	return nil
}

func (f *fakeForge) Comment(_ context.Context, number int64, marker string) (int64, string, error) {
	if err := f.call(&f.reads, "comment %d", number); err != nil {
		return 0, "", err
	}
	if body := f.comments[number]; strings.HasPrefix(body, marker) {
		return 1000 + number, body, nil
	}
	return 0, "", nil
}

func (f *fakeForge) SetComment(_ context.Context, number, id int64, body string) (int64, error) {
	verb := "new"
	if id != 0 {
		verb = "changed"
	}
	if err := f.call(&f.writes, "comment %d %s", number, verb); err != nil {
		return 0, err
	}
	f.comments[number] = body
	return 1000 + number, nil
}

func (f *fakeForge) Deploy(_ context.Context, d forge.Deployment) error {
	if err := f.call(&f.writes, "deploy %s %s", d.Environment, v1alpha1.Short(d.Ref)); err != nil {
		return err
	}
	f.environments[d.Environment] = d
	return nil
}

func (f *fakeForge) Retire(_ context.Context, environment string) error {
	if err := f.call(&f.writes, "retire %s", environment); err != nil {
		return err
	}
	delete(f.environments, environment)
	return nil
}

// world is one Repository with its objects, a forge and a clock.
type world struct {
	t     *testing.T
	repo  *v1alpha1.Repository
	facts Facts
	forge *fakeForge
	r     *Reconciler
	now   time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, forge: newFakeForge(), now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	w.repo = &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "acme", UID: "1"},
		Spec: v1alpha1.RepositorySpec{Forge: &v1alpha1.Forge{Type: "github"}}}
	w.restart()
	return w
}

// restart is a new process.
func (w *world) restart() {
	w.r = &Reconciler{client: w, forges: w, log: slog.New(slog.DiscardHandler), now: func() time.Time { return w.now }, memories: map[types.NamespacedName]*remembered{}}
}

func (w *world) Client(context.Context, *v1alpha1.Repository) (forge.Client, error) {
	return w.forge, nil
}

func (w *world) Get(_ context.Context, key client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	if w.repo == nil {
		return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
	}
	w.repo.DeepCopyInto(o.(*v1alpha1.Repository))
	return nil
}

func (w *world) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	switch list := list.(type) {
	case *v1alpha1.AppList:
		list.Items = w.facts.Apps
	case *v1alpha1.RevisionList:
		list.Items = w.facts.Revisions
	}
	return nil
}

// look reconciles until nothing is left to write at once.
func (w *world) look() ctrl.Result {
	w.t.Helper()
	for range 100 {
		result, err := w.r.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "default", Name: "acme"}})
		if err != nil {
			w.t.Fatal(err)
		}
		if result.RequeueAfter != time.Millisecond {
			return result
		}
	}
	w.t.Fatal("there is always something left to write")
	return ctrl.Result{}
}

// wrote are the writes since it was last asked.
func (w *world) wrote(want ...string) {
	w.t.Helper()
	w.look()
	if diff := cmp.Diff(want, w.forge.writes); diff != "" {
		w.t.Errorf("written (-want +got)\n%s", diff)
	}
	w.forge.writes = nil
}

func (w *world) app(name string) *v1alpha1.App {
	w.t.Helper()
	for i := range w.facts.Apps {
		if w.facts.Apps[i].Name == name {
			return &w.facts.Apps[i]
		}
	}
	w.t.Fatalf("no app %s", name)
	return nil
}

func (w *world) revision(name string) *v1alpha1.Revision {
	w.t.Helper()
	for i := range w.facts.Revisions {
		if w.facts.Revisions[i].Name == name {
			return &w.facts.Revisions[i]
		}
	}
	w.t.Fatalf("no revision %s", name)
	return nil
}

func sha(digits string) string { return strings.Repeat(digits, 40)[:40] }

// push is a commit of a request that touches some apps.
func (w *world) push(number int64, commit string, apps ...string) {
	r := v1alpha1.RequestStatus{Number: number, Ref: "refs/heads/feat", Commit: commit, State: v1alpha1.RequestPreviewed}
	for _, name := range apps {
		preview := fmt.Sprintf("%s-pr-%d", name, number)
		r.Previews = append(r.Previews, preview)
		revision := preview + "-" + v1alpha1.Short(commit)
		heads := []v1alpha1.Head{{Ref: r.Ref, Commit: commit, Revision: revision}}
		w.facts.Revisions = append(w.facts.Revisions, v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: revision},
			Spec: v1alpha1.RevisionSpec{App: preview, Commit: commit, Ref: r.Ref}})
		if slices.ContainsFunc(w.facts.Apps, func(a v1alpha1.App) bool { return a.Name == preview }) {
			w.app(preview).Spec.Heads = heads
			continue
		}
		w.facts.Apps = append(w.facts.Apps, v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Name: preview},
			Spec: v1alpha1.AppSpec{ProductionRef: r.Ref, Heads: heads, Preview: &v1alpha1.Preview{App: name, Request: number}}})
	}
	w.request(r)
}

// request sets one in the status of the Repository.
func (w *world) request(r v1alpha1.RequestStatus) {
	all := slices.DeleteFunc(w.repo.Status.Requests, func(o v1alpha1.RequestStatus) bool { return o.Number == r.Number })
	w.repo.Status.Requests = append(all, r)
}

// built, failed and serves are what the reconcilers write.
func (w *world) set(revision, kind string, status metav1.ConditionStatus, reason, message string) {
	w.t.Helper()
	r := w.revision(revision)
	r.Status.Conditions = slices.DeleteFunc(r.Status.Conditions, func(c metav1.Condition) bool { return c.Type == kind })
	r.Status.Conditions = append(r.Status.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message})
}

func (w *world) built(revision string) {
	w.t.Helper()
	w.revision(revision).Status.Image = "registry/x@sha256:" + strings.Repeat("0", 64)
	w.set(revision, v1alpha1.ConditionBuilt, metav1.ConditionTrue, v1alpha1.ReasonBuildSucceeded, "")
}

// measured gives a revision what its image and its first pod tell.
func (w *world) measured(revision string, megabytes int64, start time.Duration) {
	w.t.Helper()
	r := w.revision(revision)
	r.Status.ImageConfig = &v1alpha1.ImageConfig{SizeBytes: megabytes * 1_000_000}
	r.Status.FirstStart = &metav1.Duration{Duration: start}
}

// production is an app with a live revision of each of some commits, the last of
// which serves.
func (w *world) production(name string, commits ...string) {
	w.t.Helper()
	app := v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.AppSpec{ProductionRef: "refs/heads/main"}}
	for i, commit := range commits {
		revision := name + "-" + v1alpha1.Short(commit)
		app.Status.Live = revision
		w.facts.Revisions = append(w.facts.Revisions, v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: revision},
			Spec: v1alpha1.RevisionSpec{App: name, Commit: commit, Ref: app.Spec.ProductionRef}})
		w.measured(revision, int64(10+i), 5*time.Second)
	}
	w.facts.Apps = append(w.facts.Apps, app)
}

func (w *world) serves(app, revision string) {
	w.t.Helper()
	a := w.app(app)
	a.Status.URL, a.Status.Live = "https://"+app+".example.com", revision
}

// close takes a request away, and its Apps.
func (w *world) close(number int64) {
	w.repo.Status.Requests = slices.DeleteFunc(w.repo.Status.Requests, func(r v1alpha1.RequestStatus) bool { return r.Number == number })
}

func (w *world) removeApps() { w.facts.Apps, w.facts.Revisions = nil, nil }
