package watcher

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// newProtected has a forge, and a server that takes nothing on main.
func newProtected(t *testing.T) *failing {
	w := newFailing(t)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Forge = &v1alpha1.Forge{Type: "gitea"} })
	w.git.Hook("update", `case "$1" in refs/heads/main) echo main is protected by @ada >&2; exit 1;; esac`)
	return w
}

// TestProtectedBranchGetsARequest: one, with the evidence, also where the process
// ends before it has written that down.
func TestProtectedBranchGetsARequest(t *testing.T) {
	w := newProtected(t)
	w.request.Message += "\nby @mallory"
	w.ask()
	w.look()
	branch := "headway/revert/shop-" + w.bad[:8]
	for range 2 {
		w.wantResult(v1alpha1.CommitResult{Commit: w.at(branch), Branch: branch, Request: "https://forge.example.com/pulls/1"})
		w.forget()
		w.look()
	}
	want := []forge.Proposal{{Head: branch, Base: "main", Title: "Revert shop to " + w.good[:8],
		Body: "Revision `shop-" + w.bad[:8] + "` has failed, and has no traffic any more. This takes the files of `shop` back to `" + w.good[:8] + "`.\n\n" +
			"`5xx: 40 of 200 requests, 1 of 3800 in shop-" + w.good[:8] + "`\n\n`by @mallory`\n\n" +
			"Headway opened this as `onFail: revert` of `shop` asks for it, and `main` takes no push: `127.0.0.1 refused the push: hook declined: main is protected by @ada error: hook declined to update refs/heads/main`\n"}}
	if diff := cmp.Diff(want, w.forge.proposed); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
	if told := strings.Join(w.told(), "\n"); !strings.Contains(told, "the pull request into main is https://forge.example.com/pulls/1: 127.0.0.1 refused") {
		t.Errorf("events: %s", told)
	}
	asked := w.forge.proposals
	w.look()
	if w.forge.proposals != asked || w.at("main") != w.bad {
		t.Errorf("asked %d times more, main at %s", w.forge.proposals-asked, w.at("main"))
	}
}

// TestForgeOpensNoRequest: the commit is on its branch, and a person opens it.
func TestForgeOpensNoRequest(t *testing.T) {
	for name, c := range map[string]struct {
		reason string
		looks  int
	}{
		"for good": {v1alpha1.ReasonRightMissing, 1},
		"for now":  {v1alpha1.ReasonUnreachable, maxTries},
	} {
		t.Run(name, func(t *testing.T) {
			w := newProtected(t)
			w.forge.unable = forge.Errorf(c.reason, "the token may not open requests")
			w.ask()
			for i := range c.looks {
				if got := w.result(); got.Commit != "" {
					t.Fatalf("after %d looks: %+v", i, got)
				}
				w.look()
			}
			branch := "headway/revert/shop-" + w.bad[:8]
			w.wantResult(v1alpha1.CommitResult{Commit: w.at(branch), Branch: branch})
			if told := strings.Join(w.told(), "\n"); !strings.Contains(told, "open a pull request of it into main: ") || !strings.Contains(told, "the token may not open requests") {
				t.Errorf("events: %s", told)
			}
			if w.forge.proposals != c.looks {
				t.Errorf("asked %d times, want %d", w.forge.proposals, c.looks)
			}
		})
	}
}

// TestProtectedBranchIsPromotedByARequest: from the branch that did well.
func TestProtectedBranchIsPromotedByARequest(t *testing.T) {
	w := newProtected(t)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"beta"} })
	w.git.Git("checkout", "--quiet", "-b", "beta")
	beta := w.git.CommitAndPush("two", map[string]string{"shop/new.txt": "beta"})
	w.look()
	w.request = v1alpha1.CommitRequest{Action: v1alpha1.CommitFastForward, Revision: "shop-" + beta[:8], Branch: main, Commit: beta}
	w.ask()
	w.forge.unable = forge.Errorf(v1alpha1.ReasonRightMissing, "the token may not open requests")
	w.look()
	if got := w.result().Problem; !strings.Contains(got, "main is protected") || !strings.Contains(got, "the token may not open requests") || !strings.Contains(got, "Open a pull request of beta into main") {
		t.Errorf("the problem is %q", got)
	}
	w.forge.unable = nil
	for range 2 {
		w.forget()
		w.look()
		w.wantResult(v1alpha1.CommitResult{Commit: beta, Branch: "beta", Request: "https://forge.example.com/pulls/1"})
	}
	if len(w.forge.proposed) != 1 || w.forge.proposed[0].Head != "beta" || w.forge.proposed[0].Base != "main" || w.forge.proposed[0].Title != "Promote beta to main" || w.at("main") != w.bad {
		t.Errorf("requests %+v, main at %s", w.forge.proposed, w.at("main"))
	}

	// No branch is at the commit any more: then there is nothing to open it from.
	w.git.InBare("update-ref", "refs/heads/beta", w.good)
	w.git.InBare("update-ref", "refs/tags/beta", beta)
	w.forget()
	w.look()
	if got := w.result(); got.Request != "" || !strings.Contains(got.Problem, "main is protected") {
		t.Errorf("spec.committed is %+v", got)
	}
}
