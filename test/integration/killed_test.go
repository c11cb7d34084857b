//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

// life is that of the preview of a branch, from its push to nothing, with the real
// watcher and the real reconcilers. The test plays git's users, Tekton, the kubelet
// and the autoscaler.
type life struct {
	shop
	*killable
	branch, revision string
	// built and setup are the run and the pod that were seen first; is tells what
	// there is when it is live.
	built, setup types.UID
	is           string
}

// phases of a life in their order. Each begins with what somebody else does, which
// needs no controller, and is reached when the controller shows it.
var phases = []struct {
	name          string
	does, reached func(l *life)
}{
	{"seen", (*life).push, func(l *life) { l.gate.wait(l.T, "the refs are asked for") }},
	{"fetching", func(l *life) { l.gate.hold("/git-upload-pack") }, func(l *life) { l.gate.wait(l.T, "the commit is asked for") }},
	{"building", func(l *life) { l.gate.hold("") }, func(l *life) { l.built = l.run(l.revision).UID }},
	{"built", func(l *life) { l.build(l.revision, sha) }, func(l *life) { l.waitRevision(l.revision, "has an image", hasImage) }},
	{"setup", nil, func(l *life) { l.setup = l.waitPod(l.name + "-setup").UID }},
	{"live", func(l *life) { l.job(l.name+"-setup", 0, "") }, (*life).serve},
	{"closing", (*life).close, (*life).waitClosing},
	{"teardown", nil, func(l *life) { l.waitPod(l.name + "-teardown") }},
	{"gone", func(l *life) { l.job(l.name+"-teardown", 0, "") }, func(l *life) { l.waitGone() }},
}

// TestKilledInEveryPhase: a controller that is killed in any phase of a preview's
// life, and misses how the world goes on, comes to the same: one build, one setup,
// the same preview, one teardown, and nothing left.
func TestKilledInEveryPhase(t *testing.T) {
	k := newKillable(t)
	want := k.live(t, "never")
	for _, phase := range phases {
		t.Run(phase.name, func(t *testing.T) {
			if diff := cmp.Diff(want, k.live(t, phase.name)); diff != "" {
				t.Errorf("a life with a kill differs (-without +with):\n%s", diff)
			}
		})
	}
	k.forget(t)
}

// live goes through a life, with a kill in one phase, and tells what there was.
func (k *killable) live(t *testing.T, killed string) string {
	t.Helper()
	l := &life{shop: shop{t, "kill-br-" + killed}, killable: k, branch: killed}
	for _, phase := range phases {
		if phase.does != nil {
			phase.does(l)
		}
		k.restart(t)
		phase.reached(l)
		if phase.name == killed {
			k.kill(t)
		}
	}
	k.restart(t)
	eventually(t, "the Repository has forgotten it", func() error {
		repo, err := get(t, reconciled, killedRepository, &v1alpha1.Repository{})
		if err == nil && len(repo.Status.Requests) > 0 {
			err = fmt.Errorf("requests %+v", repo.Status.Requests)
		}
		return err
	})
	l.waitGone()
	return strings.NewReplacer(l.revision, "REVISION", l.revision[len(l.name)+1:], "COMMIT", l.name, "PREVIEW").Replace(l.is)
}

// push is what begins a life: a branch is pushed, and a hint says so.
func (l *life) push() {
	l.Helper()
	l.gate.hold("/info/refs")
	commit := l.git.Commit("Try "+l.branch, map[string]string{"kill/main.go": "package main // " + l.branch + "\n\nfunc main() {}\n"})
	l.git.Push("HEAD:refs/heads/" + l.branch)
	l.git.Git("reset", "--hard", "--quiet", "HEAD~1")
	l.revision = l.name + "-" + commit[:8]
	l.hint(l.T)
}

// serve plays the kubelet until the preview is live, takes note of what there is,
// and lets it fall asleep.
func (l *life) serve() {
	l.Helper()
	l.start(l.revision)
	app := l.waitLive(l.revision)
	rev := l.waitRevision(l.revision, "is ready", func(s v1alpha1.RevisionStatus) bool { return s.State == v1alpha1.StateReady })
	setup := l.waitPod(l.name + "-setup")
	_, image, _ := strings.Cut(rev.Status.Image, "/apps/")
	l.is = fmt.Sprintf("%s runs %s by run %v, after setup %v, with %s, under %s", app.Status.Live, image,
		l.run(l.revision).UID == l.built, setup.UID == l.setup, app.Status.TrafficSummary, strings.Split(app.Spec.Preview.Host, l.name)[0])
	if err := api.Delete(l.Context(), l.waitPod(l.revision), client.GracePeriodSeconds(0)); err != nil {
		l.Fatal(err)
	}
}

// close deletes the branch.
func (l *life) close() {
	l.Helper()
	l.git.Push(":refs/heads/" + l.branch)
	l.hint(l.T)
}

func (l *life) waitClosing() {
	l.Helper()
	eventually(l.T, "the preview goes", func() error {
		app, err := get(l.T, reconciled, l.name, &v1alpha1.App{})
		if err == nil && app.DeletionTimestamp == nil {
			err = errors.New("nobody has deleted it")
		}
		return err
	})
}

// killable is the controller, as one that can be killed, with the repository that
// it watches. What it has on disk outlives it.
type killable struct {
	git  *gittest.Repo
	gate *barrier
	data string
	// stop is nil while it is dead.
	stop func() error
}

const killedRepository = "killed"

func newKillable(t *testing.T) *killable {
	t.Helper()
	h := gittest.NewHTTP(t)
	k := &killable{git: gittest.NewRepo(t, h.Root, "kill.git"), gate: &barrier{next: h.Config.Handler}, data: t.TempDir()}
	k.gate.hold("")
	k.git.CommitAndPush("Open", map[string]string{
		"go.mod": "module x\n", "kill/main.go": "package main\n\nfunc main() {}\n",
		"kill/headway.yaml": "name: kill\npath: kill\npreview: {branches: ['*'], setup: [/migrate], teardown: [/drop]}\n",
	})
	front := httptest.NewServer(k.gate)
	t.Cleanup(front.Close)
	k.stop = runWatcher(t, reconciled, k.data)
	repo := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: killedRepository}, Spec: v1alpha1.RepositorySpec{
		URL: front.URL + "/kill.git", Interval: metav1.Duration{Duration: 24 * time.Hour}}}
	if err := api.Create(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.gate.hold("")
		k.restart(t)
		if err := k.stop(); err != nil {
			t.Errorf("stopping the watcher: %v", err)
		}
	})
	return k
}

// forget takes the Repository and its app away.
func (k *killable) forget(t *testing.T) {
	t.Helper()
	if err := api.Delete(t.Context(), &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: killedRepository}}); err != nil {
		t.Fatal(err)
	}
	production := shop{t, "kill"}
	production.remove()
	production.waitGone()
}

// hint asks for a look.
func (k *killable) hint(t *testing.T) {
	t.Helper()
	repo := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: killedRepository}}
	patch := fmt.Sprintf(`{"metadata": {"annotations": {%q: %q}}}`, v1alpha1.AnnotationSyncRequestedAt, time.Now())
	if err := api.Patch(t.Context(), repo, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

func (k *killable) kill(t *testing.T) {
	t.Helper()
	if err := errors.Join(k.stop(), running.stop()); err != nil {
		t.Fatalf("stopping the controller: %v", err)
	}
	k.stop = nil
}

// restart starts one that is dead.
func (k *killable) restart(t *testing.T) {
	t.Helper()
	if k.stop != nil {
		return
	}
	if err := runReconcilers(context.Background()); err != nil {
		t.Fatalf("starting the reconcilers: %v", err)
	}
	k.stop = runWatcher(t, reconciled, k.data)
}

// barrier holds back requests of one kind to a git server.
type barrier struct {
	next http.Handler

	lock          sync.Mutex
	kind          string
	arrived, open chan struct{}
}

// hold lets go of what is held, and holds what comes with a path that ends so;
// with "" nothing.
func (g *barrier) hold(kind string) {
	g.lock.Lock()
	defer g.lock.Unlock()
	if g.open != nil {
		close(g.open)
	}
	g.kind, g.arrived, g.open = kind, make(chan struct{}, 1), make(chan struct{})
}

func (g *barrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.lock.Lock()
	kind, arrived, open := g.kind, g.arrived, g.open
	g.lock.Unlock()
	if kind != "" && strings.HasSuffix(r.URL.Path, kind) {
		select {
		case arrived <- struct{}{}:
		default: // one is known of
		}
		<-open
	}
	g.next.ServeHTTP(w, r)
}

// wait waits until something is held.
func (g *barrier) wait(t *testing.T, what string) {
	t.Helper()
	g.lock.Lock()
	arrived := g.arrived
	g.lock.Unlock()
	eventually(t, what, func() error {
		select {
		case <-arrived:
			return nil
		default:
			return errors.New("the git server has not been asked")
		}
	})
}
