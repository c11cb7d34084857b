package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestWhoseCommitItIs: refs as git advertises them, and what the forge says.
func TestWhoseCommitItIs(t *testing.T) {
	before := v1alpha1.RequestStatus{Number: 12, Ref: "refs/heads/feat", Commit: hash("a1"), Pushed: metav1.NewTime(noon.Add(-time.Hour)), Title: "before", State: v1alpha1.RequestPreviewed}
	for _, tc := range []struct {
		name, refs string
		same       bool
		since      time.Duration // since when they differ; 0: they did not
		first      bool
		want       string
	}{
		{"an own branch", "feat:b2 pull/12:b2", true, 0, false, "feat@b2 settled"},
		{"the forge calls it a fork, git has the branch at the commit", "feat:b2", false, 0, false, "feat@b2 settled"},
		{"a push is under way", "feat:c3", true, 0, false, "feat@a1"},
		{"... for almost a minute", "feat:c3", true, 59 * time.Second, false, "feat@a1"},
		{"... for a minute", "feat:c3 pull/12:b2", true, time.Minute, false, "refs/pull/12/head@b2 fork settled"},
		{"... and it was not known", "feat:c3", true, 0, true, "none"},
		{"a fork", "pull/12:b2", false, 0, false, "refs/pull/12/head@b2 fork settled"},
		{"a fork with a branch of the same name", "feat:c3 pull/12:b2", false, 0, false, "refs/pull/12/head@b2 fork settled"},
		{"a request that no branch was pushed for", "pull/12:b2", true, 0, false, "refs/pull/12/head@b2 fork settled"},
		{"git has a newer commit of a fork", "pull/12:c3", false, 0, false, "refs/pull/12/head@c3 fork settled"},
		{"a fork that is deleted", "", false, 0, false, "refs/pull/12/head@b2 fork settled"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := Listing{Refs: map[string]string{}, Differs: map[int64]time.Time{}, Now: noon}
			for _, ref := range strings.Fields(tc.refs) {
				name, commit, _ := strings.Cut(ref, ":")
				if number, pull := strings.CutPrefix(name, "pull/"); pull {
					l.Refs["refs/pull/"+number+"/head"] = hash(commit)
				} else {
					l.Refs["refs/heads/"+name] = hash(commit)
				}
			}
			if !tc.first {
				l.Before = []v1alpha1.RequestStatus{{Number: 12, Ref: "refs/heads/gh-readonly-queue/main/pr-12-x"}, before}
			}
			if tc.since > 0 {
				l.Differs[12] = noon.Add(-tc.since)
			}
			r, settled := l.Request(Open{Number: 12, Title: strings.Repeat("é", 1000), HeadRef: "feat", HeadSHA: hash("b2"), BaseRef: "main", SameRepository: tc.same, ForkRef: "refs/pull/12/head", URL: strings.Repeat("x", 3000)})
			got := "none"
			if r != nil {
				got = fmt.Sprintf("%s@%s", v1alpha1.ShortRef(r.Ref), r.Commit[:2])
				if r.Fork {
					got += " fork"
				}
				if len([]rune(r.Title)) != maxTitle || r.URL != "" {
					t.Errorf("a title of %d characters and the URL %q", len([]rune(r.Title)), r.URL)
				}
				if old := r.Commit == before.Commit; old != r.Pushed.Equal(&before.Pushed) {
					t.Errorf("pushed %v", r.Pushed)
				}
			}
			if settled {
				got += " settled"
			}
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if _, noted := l.Differs[12]; noted != (tc.same && l.Refs["refs/heads/feat"] == hash("c3")) {
				t.Errorf("differs: %v", l.Differs)
			}
		})
	}
}

func TestApprovalNamesACommit(t *testing.T) {
	full := hash("b2")
	for _, tc := range []struct {
		before, approval string
		want             bool
	}{
		{"", full, true}, {"", full[:7], true}, {"", full[:6], false}, {"", "", false}, {"", hash("c3"), false},
		{full, full, true},
		// One who has approved a commit has not approved another that begins like it.
		{full[:8] + strings.Repeat("0", 32), full[:8], false},
		{full[:8] + strings.Repeat("0", 32), full[:9], true},
	} {
		r := &Request{RequestStatus: v1alpha1.RequestStatus{Commit: full, Fork: true, Approved: tc.before}}
		if got := r.Approve(tc.approval, "ada"); got != tc.want || r.AwaitsApproval() == tc.want && tc.before != full {
			t.Errorf("approved %q before, then %q: %v, %+v", tc.before, tc.approval, got, r)
		}
	}
}

// TestForgeAway: requests stay as they were, and own branches are followed.
func TestForgeAway(t *testing.T) {
	l := Listing{Refs: map[string]string{"refs/heads/feat": hash("b2"), "refs/pull/3/head": hash("c3")}, Now: noon}
	for _, tc := range []struct {
		before v1alpha1.RequestStatus
		want   string
	}{
		{v1alpha1.RequestStatus{Number: 1, Ref: "refs/heads/feat", Commit: hash("a1")}, hash("b2")},
		{v1alpha1.RequestStatus{Number: 2, Ref: "refs/heads/gone", Commit: hash("a1")}, hash("a1")},
		{v1alpha1.RequestStatus{Number: 3, Ref: "refs/pull/3/head", Commit: hash("a1"), Fork: true, Approved: hash("a1")}, hash("a1")},
		{v1alpha1.RequestStatus{Number: 4, Ref: "refs/heads/feat", Commit: hash("b2"), State: v1alpha1.RequestDraft}, hash("b2")},
	} {
		r := l.Again(tc.before)
		if r.Commit != tc.want || r.Draft != (tc.before.State == v1alpha1.RequestDraft) {
			t.Errorf("%d: %+v", tc.before.Number, r)
		}
	}
}

func TestPreviewNames(t *testing.T) {
	long := strings.Repeat("a", 30)
	f := facts(read(t, "a1", "k1 name: shop\npreview: true"))
	f.Foreign = map[string]string{"shop-pr-7": "other"}
	f.Apps = apps(app("shop-pr-8", nil))
	held := app("shop-br-x-y", nil)
	held.Spec.ProductionRef, held.Spec.Preview = "refs/heads/x/y", &v1alpha1.Preview{App: "shop"}
	f.Previews = apps(held)
	n := f.openNames()
	seen := map[string]bool{}
	for _, tc := range []struct{ app, line, want, why string }{
		{"shop", "12 feat b2", "shop-pr-12", ""},
		{"shop", "12 renamed b2", "shop-pr-12", ""},
		{long, "12345678901 feat b2", long + "-pr-12345678901", ""},
		{long, "1234567890123456 feat b2", long + "-pr-1234-", ""},
		{"shop", "7 feat b2", "shop-pr-7", `belongs to Repository "other"`},
		{"shop", "8 feat b2", "shop-pr-8", "is an app of its own"},
		{"shop", "0 x/y b2", "shop-br-x-y", ""},
		{"shop", "0 X-y b2", "shop-br-x-y-", ""},
		{"shop", "0 feat/Login_Form b2", "shop-br-feat-login-form", ""},
		{"shop", "0 função b2", "shop-br-fun-o", ""},
		{"shop", "0 функция b2", "shop-br-", ""},
		{"shop", "0 " + strings.Repeat("long-", 20) + " b2", "shop-br-" + strings.Repeat("long-", 6), ""},
	} {
		name, why := n.of(tc.app, open(t, tc.line, nil))
		if !strings.HasPrefix(name, tc.want) || (tc.want[len(tc.want)-1] != '-' && name != tc.want) || len(name) > maxPreviewName || seen[name] && name != "shop-pr-12" {
			t.Errorf("%s %s: %q, want %q", tc.app, tc.line, name, tc.want)
		}
		seen[name] = true
		if (why != nil) != (tc.why != "") || why != nil && !strings.Contains(why.Message, tc.why) {
			t.Errorf("%s: %v, want %q", tc.line, why, tc.why)
		}
	}
}

func TestHostsStayAndCannotBeGuessed(t *testing.T) {
	f := facts(nil)
	host := func(line string, public bool) string { return f.host("shop-pr-12", public, "shop", open(t, line, nil)) }
	first := host("12 feat b2", false)
	if !strings.HasPrefix(first, "shop-pr-12-") || len(first) != len("shop-pr-12-")+12 {
		t.Error(first)
	}
	if host("12 feat c3", false) != first || host("12 other c3", false) != first || host("12 feat c3 fork", false) != first {
		t.Error("it changes with a push")
	}
	if host("13 feat b2", false) == first {
		t.Error("two requests share it")
	}
	if got := host("12 feat b2", true); got != "shop-pr-12" {
		t.Error(got)
	}
	f.UID = "another"
	if host("12 feat b2", false) == first {
		t.Error("it does not depend on the Repository")
	}
}

func TestPreviewsOfBranches(t *testing.T) {
	f := facts(read(t, "a1", "k1 name: shop\npreview: {branches: [feat/**, spike-*]}", "k1 name: api\npreview: {branches: [api/*]}"))
	refs := map[string]string{main: "", "refs/heads/feat/a/b": "", "refs/heads/spike-1": "", "refs/heads/spike-1/x": "", "refs/heads/api/x": "", "refs/heads/other": "", "refs/tags/feat/a": "", "refs/heads/feat/taken": ""}
	taken := open(t, "4 feat/taken b2", nil)
	want := []string{"refs/heads/api/x", "refs/heads/feat/a/b", "refs/heads/spike-1"}
	if diff := cmp.Diff(want, f.PreviewBranches(refs, []*Request{taken})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	shop := "k2 name: shop"
	f.Requests = []*Request{open(t, "0 feat/x b2", read(t, "b2", shop, "k2 name: api"))}
	p := wantTold(t, f, "0 Previewed shop-br-feat-x\npreview shop-br-feat-x feat/x@b2=shop-br-feat-x-b2b2b2b2\n  make shop-br-feat-x-b2b2b2b2:\n")
	f = nextLook(f, p)
	f.Production = read(t, "a2", "k1 name: shop\nprot: 1", "k1 name: api")
	if got := f.PreviewBranches(map[string]string{"refs/heads/feat/x": ""}, nil); len(got) != 1 {
		t.Errorf("with a broken file on production: %v", got)
	}
	f.Requests = nil
	wantTold(t, f, "remove shop-br-feat-x (branch feat/x is gone)\n")
}

// TestRealAppTakesNoPreviewsName: production cannot take the place of a preview.
func TestRealAppTakesNoPreviewsName(t *testing.T) {
	f := facts(read(t, "a1", "k1 name: shop\npreview: true"), open(t, "12 feat b2", read(t, "b2", "k2 name: shop")))
	f = nextLook(f, Make(f))
	f.Production = read(t, "a2", "k1 name: shop\npreview: true", "k1 name: shop-pr-12")
	p := Make(f)
	if len(p.Apps) != 1 || len(p.Problems) != 1 || p.Problems[0].Reason != v1alpha1.ReasonNameConflict {
		t.Errorf("apps %+v, problems %v", p.Apps, p.Problems)
	}
	// Then the request's name is the app's.
	if r := p.Requests[0]; r.State != v1alpha1.RequestInvalid || len(r.Previews) != 1 {
		t.Errorf("%+v", r)
	}
}
