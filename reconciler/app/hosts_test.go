package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestGranted(t *testing.T) {
	for _, tc := range []struct {
		grants, host string
		want         bool
	}{
		{"", "shop.example.com", false},
		{"shop.example.com", "shop.example.com", true},
		{"a.org, Shop.Example.com ,b.org", "shop.example.com", true},
		{"shop.example.com", "www.shop.example.com", false},
		{"*.example.com", "shop.example.com", true},
		{"*.example.com", "eu.shop.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", "shop.badexample.com", false},
		{"*.example.com", "shop.example.com.evil.org", false},
		{"*", "shop.example.com", false},
		{"*.", "shop.example.com", false},
		{"*.*.com", "shop.example.com", false},
		{"example.com/*", "shop.example.com", false},
		{",,", "shop.example.com", false},
	} {
		if got := granted(tc.host, tc.grants); got != tc.want {
			t.Errorf("granted(%q, %q) = %v", tc.host, tc.grants, got)
		}
	}
}

// TestHosts: a host that the namespace may not have gets no request, and takes
// nothing from those that it may have.
func TestHosts(t *testing.T) {
	const annotate = "kubectl annotate --overwrite namespace default 'headway.dev/hosts="
	for name, tc := range map[string]struct {
		asked, granted string
		route          string
		reason         string
		message        string
	}{
		"none":        {route: "hello.localhost", reason: v1alpha1.ReasonLive, message: "commit aaaaaaaa serves"},
		"granted":     {asked: "shop.org www.shop.org", granted: "shop.org,*.shop.org", route: "hello.localhost shop.org www.shop.org", reason: v1alpha1.ReasonLive, message: "commit aaaaaaaa serves"},
		"not granted": {asked: "shop.org", route: "hello.localhost", reason: v1alpha1.ReasonHostNotAllowed, message: "commit aaaaaaaa serves, but not at shop.org: namespace default is not allowed to have it; an administrator of the cluster allows it with: " + annotate + "shop.org'"},
		"one of two":  {asked: "bank.org shop.org", granted: "shop.org", route: "hello.localhost shop.org", reason: v1alpha1.ReasonHostNotAllowed, message: annotate + "shop.org,bank.org'"},
		"of the platform, whatever is granted": {asked: "other.localhost", granted: "*.localhost,other.localhost", route: "hello.localhost", reason: v1alpha1.ReasonHostNotAllowed,
			message: "but not at other.localhost: Headway forms the hosts below localhost itself; remove other.localhost from hosts in headway.yaml"},
		"the platform's domain": {asked: "localhost", granted: "localhost", route: "hello.localhost", reason: v1alpha1.ReasonHostNotAllowed, message: "remove localhost from hosts in headway.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			app := newApp("a")
			app.Spec.Hosts = strings.Fields(tc.asked)
			plan := PlanFor(Seen{App: app, Revisions: []v1alpha1.Revision{revision("a", ready, 0)}, Granted: tc.granted}, public, start)
			if got := strings.Join(plan.Route.Hosts, " "); got != tc.route || got != strings.TrimSpace("hello.localhost "+strings.Join(plan.Status.Hosts, " ")) {
				t.Errorf("route %q, status %v, want %q", got, plan.Status.Hosts, tc.route)
			}
			got := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady)
			if got.Reason != tc.reason || !strings.HasSuffix(got.Message, tc.message) {
				t.Errorf("%s: %s\nwant %s: …%s", got.Reason, got.Message, tc.reason, tc.message)
			}
		})
	}
}

// TestFailureComesBeforeHosts: a version that fails is what people must hear of.
func TestFailureComesBeforeHosts(t *testing.T) {
	app := newApp("a")
	app.Spec.Hosts = []string{"shop.org"}
	plan := PlanFor(Seen{App: app, Revisions: []v1alpha1.Revision{revision("a", crashing, 0)}}, public, start)
	if got := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady); got.Reason != v1alpha1.ReasonNoReadyRevision {
		t.Errorf("%+v", got)
	}
}

func branchHead(branch, c string) v1alpha1.Head {
	return v1alpha1.Head{Ref: "refs/heads/" + branch, Commit: strings.Repeat(c, 40), Revision: name(c)}
}

func TestBranches(t *testing.T) {
	const beta, own = "http://hello-beta.localhost:8080", "http://hello-beta-f08561.localhost:8080"
	at := func(url, c string) v1alpha1.Branch {
		return v1alpha1.Branch{Ref: "refs/heads/beta", URL: url, Revision: name(c)}
	}
	for what, tc := range map[string]struct {
		head    v1alpha1.Head
		before  []v1alpha1.Branch
		claimed string
		want    v1alpha1.Branch
	}{
		"the head is ready":                    {head: branchHead("beta", "b"), want: at(beta, "b")},
		"the first is on its way":              {head: branchHead("beta", "c"), want: at(beta, "c")},
		"the next is on its way":               {head: branchHead("beta", "c"), before: []v1alpha1.Branch{at(beta, "b")}, want: at(beta, "b")},
		"the next has failed":                  {head: branchHead("beta", "d"), before: []v1alpha1.Branch{at(beta, "b")}, want: at(beta, "b")},
		"the one before is gone":               {head: branchHead("beta", "c"), before: []v1alpha1.Branch{at(beta, "f")}, want: at(beta, "c")},
		"another app is called so":             {head: branchHead("beta", "b"), claimed: "hello-beta.localhost", want: at(own, "b")},
		"another app has come to be called so": {head: branchHead("beta", "b"), before: []v1alpha1.Branch{at(beta, "b")}, claimed: "hello-beta.localhost", want: at(own, "b")},
		"that has gone":                        {head: branchHead("beta", "b"), before: []v1alpha1.Branch{at(own, "b")}, want: at(own, "b")},
	} {
		t.Run(what, func(t *testing.T) {
			app := newApp("a")
			app.Spec.Heads, app.Status.Branches = append(app.Spec.Heads, tc.head), tc.before
			plan := PlanFor(Seen{App: app, Claimed: map[string]bool{tc.claimed: true}, Revisions: []v1alpha1.Revision{
				revision("a", ready, 0), revision("b", ready, 0), revision("c", building, 0), revision("d", crashing, 0),
			}}, public, start)
			if diff := cmp.Diff([]v1alpha1.Branch{tc.want}, plan.Status.Branches); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			routed := map[string]string{}
			for _, h := range plan.Route.RevisionHosts {
				routed[public.URL(h.Host)] = h.Revision
			}
			if routed[tc.want.URL] != tc.want.Revision {
				t.Errorf("the Route has %v", routed)
			}
		})
	}
}

// TestBranchThatIsLive: the head of a branch that runs what is live has no pods
// of its own, so its host leads to those of the live revision.
func TestBranchThatIsLive(t *testing.T) {
	app := newApp("a")
	app.Spec.Heads = append(app.Spec.Heads, branchHead("beta", "b"))
	same := revision("b", ready, 0)
	same.Status.SameAs = name("a")
	plan := PlanFor(Seen{App: app, Revisions: []v1alpha1.Revision{revision("a", ready, 0), same}}, public, start)
	if got := plan.Status.Branches[0].Revision; got != name("b") {
		t.Errorf("the branch is at %s", got)
	}
	for _, h := range plan.Route.RevisionHosts {
		if h.Revision != name("a") {
			t.Errorf("%s leads to %s", h.Host, h.Revision)
		}
	}
}

// TestMergeQueueHasNoHost: what it tries is wanted, and built, all the same.
func TestMergeQueueHasNoHost(t *testing.T) {
	app := newApp("a")
	app.Spec.Heads = append(app.Spec.Heads, branchHead("gh-readonly-queue/main/pr-12-a", "b"))
	plan := PlanFor(Seen{App: app, Revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", ready, 0)}}, public, start)
	if len(plan.Status.Branches) != 0 {
		t.Errorf("branches %+v", plan.Status.Branches)
	}
	if got := plan.Status.Role(name("b")); got != v1alpha1.RoleBuilt {
		t.Errorf("its revision is %s", got)
	}
}

// TestBranchesKeepTheirHosts: whoever comes later gives way, in whatever order
// the names sort.
func TestBranchesKeepTheirHosts(t *testing.T) {
	app := newApp("a")
	seen := Seen{App: app, Revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", ready, 0), revision("c", ready, 0)}}
	app.Spec.Heads = append(app.Spec.Heads, branchHead("x/y", "b"))
	app.Status.Branches = PlanFor(seen, public, start).Status.Branches
	const plain = "http://hello-x-y.localhost:8080"
	if got := app.Status.Branches[0].URL; got != plain {
		t.Fatalf("alone it has %s", got)
	}
	app.Spec.Heads = append(app.Spec.Heads, branchHead("x-y", "c"))
	for range 2 {
		app.Status.Branches = PlanFor(seen, public, start).Status.Branches
		urls := map[string]string{}
		for _, b := range app.Status.Branches {
			urls[b.Ref] = b.URL
		}
		if urls["refs/heads/x/y"] != plain || urls["refs/heads/x-y"] == plain {
			t.Errorf("%v", urls)
		}
	}
}
