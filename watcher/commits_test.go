package watcher

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// failing is a repository of two apps, where the newest commit of shop is bad.
type failing struct {
	*world
	good, bad string
	request   v1alpha1.CommitRequest
}

// newFailing has credentials that may write.
func newFailing(t *testing.T) *failing {
	t.Helper()
	w := &failing{world: newWorld(t)}
	w.http.User, w.http.Password = "ada", "s3cret"
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "git"},
		Data: map[string][]byte{"username": []byte("ada"), "password": []byte("s3cret")}}
	if err := w.client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.change(func(r *v1alpha1.Repository) { r.Spec.SecretRef = &corev1.LocalObjectReference{Name: "git"} })
	w.good = w.git.CommitAndPush("Open", map[string]string{
		"go.mod": "module x\n", "lib/lib.go": "package lib\n",
		"shop/headway.yaml": "name: shop\npath: shop\n", "shop/main.go": "package main\n\nimport _ \"x/lib\"\n\nfunc main() {}\n", "shop/old.txt": "1",
		"blog/headway.yaml": "name: blog\npath: blog\n", "blog/main.go": "package main\n\nfunc main() {}\n",
	})
	w.look()
	w.git.Git("rm", "--quiet", "shop/old.txt")
	w.bad = w.git.CommitAndPush("Sell more", map[string]string{
		"lib/lib.go": "package lib\n\nvar X = 1\n", "shop/headway.yaml": "name: shop\npath: shop\nport: 9000\n", "shop/new.txt": "2", "README": "2",
		"blog/main.go": "package main\n\nfunc main() { println(2) }\n",
	})
	w.look()
	w.told()
	w.request = v1alpha1.CommitRequest{Action: v1alpha1.CommitRevert, Revision: "shop-" + w.bad[:8], Branch: main, Commit: w.good,
		Message: "5xx: 40 of 200 requests, 1 of 3800 in shop-" + w.good[:8]}
	return w
}

// ask writes the request as the reconciler of Apps does.
func (w *failing) ask() {
	w.t.Helper()
	app := w.app("shop")
	app.Status.Commit = &w.request
	if err := w.client.Status().Update(w.t.Context(), app); err != nil {
		w.t.Fatal(err)
	}
}

// forget is a process that ended between its push and the write of the result.
func (w *failing) forget() {
	w.t.Helper()
	app := w.app("shop")
	app.Spec.Committed = nil
	if err := w.client.Update(w.t.Context(), app); err != nil {
		w.t.Fatal(err)
	}
	w.restart()
}

// result is what spec.committed says; the commit that a branch is at.
func (w *failing) result() v1alpha1.CommitResult {
	w.t.Helper()
	if c := w.app("shop").Spec.Committed; c != nil {
		return *c
	}
	return v1alpha1.CommitResult{}
}

func (w *failing) at(branch string) string { return w.git.InBare("rev-parse", branch) }

func (w *failing) wantResult(want v1alpha1.CommitResult) {
	w.t.Helper()
	want.Action, want.Revision = w.request.Action, w.request.Revision
	if diff := cmp.Diff(want, w.result()); diff != "" {
		w.t.Errorf("spec.committed (-want +got)\n%s", diff)
	}
}

// changed are the files that differ between two commits.
func (w *failing) changed(a, b string) string {
	return strings.Join(strings.Fields(w.git.InBare("diff", "--name-only", a, b)), " ")
}

func TestRevertIsPushedOnce(t *testing.T) {
	w := newFailing(t)
	w.ask()
	if again := w.look().RequeueAfter; again > 2*time.Millisecond {
		t.Errorf("looks again after %v, want at once", again)
	}
	made := w.at("main")
	w.wantResult(v1alpha1.CommitResult{Commit: made})
	if made == w.bad || w.at("main~1") != w.bad {
		t.Fatalf("main is at %s, want a commit on top of %s", made, w.bad)
	}
	if got, want := w.changed(w.good, made), "README blog/main.go"; got != want {
		t.Errorf("beside the good commit, these differ: %s; want %s", got, want)
	}
	want := "Headway <headway@noreply>\nRevert shop to " + w.good[:8] + "\n\n" + w.request.Message +
		"\n\nThe files of shop are as in " + w.good + " again, before\n" + w.bad + " (Sell more).\n\nHeadway-Reverts: " + w.bad + "\nHeadway-App: shop"
	if diff := cmp.Diff(want, w.git.InBare("log", "-1", "--format=%an <%ae>%n%B", "main")); diff != "" {
		t.Errorf("commit (-want +got)\n%s", diff)
	}
	if told := strings.Join(w.told(), "\n"); !strings.Contains(told, "CommitPushed app shop: main is at "+made) {
		t.Errorf("events: %s", told)
	}

	// The next look finds it: a revision with the sources that there were before,
	// so nothing is built, and nothing new for the other app.
	if again := w.look().RequeueAfter; again < 30*time.Second {
		t.Errorf("looks again after %v, want the interval", again)
	}
	revisions := w.revisions()
	before, after := revisions["shop-"+w.good[:8]].Spec, revisions["shop-"+made[:8]].Spec
	if after.Commit != made || after.Source.Key != before.Source.Key || after.Source.SpecHash != before.Source.SpecHash {
		t.Errorf("the revision of the revert is %+v, want the sources of %+v", after.Source, before.Source)
	}
	if _, is := revisions["blog-"+made[:8]]; is {
		t.Error("the other app has a revision of the revert")
	}

	// The same request, also when nobody knows any more that it was carried out,
	// and when somebody has pushed since.
	w.forget()
	w.look()
	w.git.Git("pull", "--quiet", "origin", "main")
	newest := w.git.CommitAndPush("More", map[string]string{"shop/more.txt": "3"})
	w.look()
	w.wantResult(v1alpha1.CommitResult{Commit: made})
	w.forget()
	w.look()
	w.wantResult(v1alpha1.CommitResult{Commit: made})
	if w.at("main") != newest {
		t.Errorf("main is at %s, want %s", w.at("main"), newest)
	}
}

// TestRevertOnTopOfOthers: a commit that the app is not made of stops nothing,
// one that it is made of does.
func TestRevertOnTopOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		files   map[string]string
		problem string
	}{
		"elsewhere":        {map[string]string{"blog/main.go": "package main\n\nfunc main() { println(3) }\n"}, ""},
		"in the app":       {map[string]string{"shop/new.txt": "3"}, "nothing is reverted, as main has moved: it is at "},
		"in what it needs": {map[string]string{"lib/lib.go": "package lib\n"}, "where shop has other files than in revision shop-"},
		"in its hosts":     {map[string]string{"shop/headway.yaml": "name: shop\npath: shop\nport: 9000\nhosts: [shop.example.com]\n"}, "somebody has changed shop/headway.yaml since"},
		"cannot be read":   {map[string]string{"shop/headway.yaml": "name: shop\nwhat: is this\n"}, "where shop has other files than in revision shop-"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFailing(t)
			newer := w.git.CommitAndPush("newer", c.files)
			w.ask()
			w.look()
			if c.problem == "" {
				w.wantResult(v1alpha1.CommitResult{Commit: w.at("main")})
				if w.at("main~1") != newer || w.changed(w.good, "main") != "README blog/main.go" {
					t.Errorf("the parent is %s, and these differ: %s", w.at("main~1"), w.changed(w.good, "main"))
				}
				return
			}
			got := w.result()
			byHand := ". By hand: git switch main && git pull --ff-only && git revert --no-edit " + w.bad + " && git push origin main"
			if got.Commit != "" || !strings.Contains(got.Problem, c.problem) || !strings.HasSuffix(got.Problem, byHand) {
				t.Errorf("spec.committed is %+v", got)
			}
			if w.at("main") != newer {
				t.Errorf("main is at %s, want %s", w.at("main"), newer)
			}
			if told := strings.Join(w.told(), "\n"); !strings.Contains(told, "Warning CommitNotMade app shop: ") {
				t.Errorf("events: %s", told)
			}
		})
	}
}

// TestProtectedBranch: the revert goes to a branch of its own, once.
func TestProtectedBranch(t *testing.T) {
	w := newFailing(t)
	w.git.Hook("update", `case "$1" in refs/heads/main) echo main is protected >&2; exit 1;; esac`)
	w.ask()
	w.look()
	branch := "headway/revert/shop-" + w.bad[:8]
	made := w.at(branch)
	for range 2 {
		w.wantResult(v1alpha1.CommitResult{Commit: made, Branch: branch})
		if w.at("main") != w.bad || w.at(branch) != made || w.at(branch+"~1") != w.bad {
			t.Errorf("main is at %s and the branch at %s", w.at("main"), w.at(branch))
		}
		w.forget()
		w.look()
	}
	if told := strings.Join(w.told(), "\n"); !strings.Contains(told, "open a pull request of it into main: 127.0.0.1 refused the push: hook declined: main is protected") {
		t.Errorf("events: %s", told)
	}

	w.git.InBare("update-ref", "refs/heads/"+branch, w.good) // of somebody else
	w.forget()
	w.look()
	if got := w.result(); got.Commit != "" || !strings.Contains(got.Problem, "hook declined: main is protected") ||
		!strings.Contains(got.Problem, ". Run this, and open a pull request: git fetch origin && git switch -c "+branch+" origin/main && ") {
		t.Errorf("spec.committed is %+v", got)
	}
	if w.at(branch) != w.good {
		t.Errorf("the branch is at %s, want %s", w.at(branch), w.good)
	}
}

// TestCommandsByHand: what the problem says to run leads to the commit that
// Headway would have made.
func TestCommandsByHand(t *testing.T) {
	w := newFailing(t)
	w.http.ReadOnly = true
	w.ask()
	w.look()
	_, commands, found := strings.Cut(w.result().Problem, "credentials that may write, for the next time; for this one, run: ")
	if !found || w.at("main") != w.bad {
		t.Fatalf("spec.committed is %+v, main at %s", w.result(), w.at("main"))
	}
	w.git.Git("branch", "--quiet", "--set-upstream-to=origin/main", "main")
	w.git.Git("-c", "alias.run=!"+commands, "run")
	if w.at("main~1") != w.bad || w.changed(w.good, "main") != "README blog/main.go" {
		t.Errorf("these differ from the good commit: %s", w.changed(w.good, "main"))
	}
	w.look()
	w.forget()
	w.look()
	w.wantResult(v1alpha1.CommitResult{Commit: w.at("main")})
}

// TestPushThatCannotReach: tried again a few times, then said. The look goes on
// as ever meanwhile.
func TestPushThatCannotReach(t *testing.T) {
	w := newFailing(t)
	to, err := url.Parse(w.http.URL)
	if err != nil {
		t.Fatal(err)
	}
	backend := httputil.NewSingleHostReverseProxy(to)
	broken := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.String(), "receive-pack") {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		backend.ServeHTTP(rw, r)
	}))
	defer broken.Close()
	w.change(func(r *v1alpha1.Repository) { r.Spec.URL = broken.URL + "/" + w.git.Name })
	w.ask()
	for i, wait := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second} {
		if again := w.look().RequeueAfter; again < wait || again > wait+wait/10+1 {
			t.Errorf("try %d: looks again after %v, want %v", i, again, wait)
		}
		w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
		if got := w.app("shop").Spec.Committed; got != nil {
			t.Fatalf("try %d: spec.committed is %+v", i, got)
		}
	}
	w.look()
	if got := w.result().Problem; !strings.Contains(got, "answered 502") || !strings.Contains(got, "By hand: git switch main && ") {
		t.Errorf("the problem is %q", got)
	}
	requests := w.http.Requests.Load()
	w.look()
	if n := w.http.Requests.Load() - requests; n != 1 {
		t.Errorf("%d requests at the next look, want 1", n)
	}
}

func TestFastForwardIsPushed(t *testing.T) {
	w := newFailing(t)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"beta"} })
	w.git.Git("checkout", "--quiet", "-b", "beta")
	w.git.Commit("one", map[string]string{"shop/new.txt": "beta"})
	beta := w.git.CommitAndPush("two", map[string]string{"README": "beta"})
	w.look()
	w.request = v1alpha1.CommitRequest{Action: v1alpha1.CommitFastForward, Revision: "shop-" + beta[:8], Branch: main, Commit: beta}
	w.git.Hook("update", "echo reviews are missing >&2; exit 1")
	w.ask()
	w.look()
	want := ". Open a pull request of beta into main, or run this as somebody who may push there: git fetch origin && git push origin " + beta + ":refs/heads/main"
	if got := w.result(); !strings.Contains(got.Problem, "reviews are missing") || !strings.HasSuffix(got.Problem, want) || w.at("main") != w.bad {
		t.Errorf("spec.committed is %+v, main at %s", got, w.at("main"))
	}

	w.git.Hook("update", "exit 0")
	w.forget()
	w.look()
	w.wantResult(v1alpha1.CommitResult{Commit: beta})
	if w.at("main") != beta {
		t.Errorf("main is at %s, want %s", w.at("main"), beta)
	}
	newer := w.git.Commit("newer", map[string]string{"README": "newer"})
	w.git.Push("HEAD:main")
	w.forget()
	w.look()
	w.wantResult(v1alpha1.CommitResult{Commit: beta}) // it was there
	if w.at("main") != newer {
		t.Errorf("main is at %s, want %s", w.at("main"), newer)
	}

	w.git.Push("--force", w.git.Git("commit-tree", "-p", w.bad, "-m", "aside", w.bad+"^{tree}")+":main")
	w.forget()
	w.look()
	if got := w.result().Problem; !strings.Contains(got, "main is not fast-forwarded to "+beta) ||
		!strings.HasSuffix(got, "By hand: git fetch origin && git switch beta && git merge origin/main && git push origin beta") {
		t.Errorf("the problem is %q", got)
	}
}

// TestRequestsThatCannotBe: what is asked for is not there any more.
func TestRequestsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*failing)
		problem string
	}{
		"revision": {func(w *failing) { w.request.Revision = "shop-00000000" }, "revision shop-00000000 is gone, so nothing is known of its commit"},
		"branch":   {func(w *failing) { w.request.Branch = "refs/heads/nowhere" }, "the repository has no branch nowhere. By hand: git switch nowhere"},
		"commit":   {func(w *failing) { w.request.Commit = hash("1") }, "reading commit " + hash("1") + ": the remote does not have this commit any more"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFailing(t)
			c.change(w)
			w.ask()
			w.look()
			if got := w.result(); got.Commit != "" || !strings.Contains(got.Problem, c.problem) {
				t.Errorf("spec.committed is %+v", got)
			}
			if w.at("main") != w.bad {
				t.Errorf("main is at %s", w.at("main"))
			}
			w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
		})
	}
}
