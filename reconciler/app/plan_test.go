package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/promotion"
)

var (
	start  = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	public = address.Public{Scheme: "http", Domain: "localhost", Port: 8080}
)

const production = "refs/heads/main"

var (
	ready    = condition.True(v1alpha1.ReasonRunning, "1 pod is ready")
	starting = condition.Unknown(v1alpha1.ReasonStarting, "the app is starting")
	building = condition.Unknown(v1alpha1.ReasonNotBuilt, "step \"build\" is running")
	broken   = condition.False(v1alpha1.ReasonNotBuilt, "commit bbbbbbbb: step \"build\" failed")
	crashing = condition.False(v1alpha1.ReasonStartFailed, "commit bbbbbbbb: the app exited with code 1")
)

// revision is hello-<c times 8> in the given readiness, made at start minus age.
func revision(c string, state condition.State, age time.Duration) v1alpha1.Revision {
	commit := strings.Repeat(c, 40)
	rev := v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{Name: name(c), Namespace: "default", CreationTimestamp: metav1.NewTime(start.Add(-age))},
		Spec:       v1alpha1.RevisionSpec{App: "hello", Commit: commit, Ref: production},
	}
	condition.Set(&rev.Status.Conditions, v1alpha1.ConditionReady, state, 1, start.Add(-age))
	rev.Status.EverReady = state.Status == metav1.ConditionTrue
	if state.Reason != v1alpha1.ReasonNotBuilt {
		rev.Status.Image = "registry/hello@sha256:" + c
	}
	return rev
}

func name(c string) string { return "hello-" + strings.Repeat(c, 8) }

func names(commits string) []string {
	var list []string
	for _, c := range commits {
		list = append(list, name(string(c)))
	}
	return list
}

// newApp has the given production history, newest first, its head.
func newApp(history string) *v1alpha1.App {
	app := &v1alpha1.App{
		ObjectMeta: metav1.ObjectMeta{Name: "hello", Namespace: "default", Generation: 3},
		Spec:       v1alpha1.AppSpec{Repository: "shop", ProductionRef: production, History: names(history)},
	}
	if history != "" {
		app.Spec.Heads = []v1alpha1.Head{{Ref: production, Commit: strings.Repeat(history[:1], 40), Revision: name(history[:1])}}
	}
	return app
}

// asPreview makes an App that of request 12.
func asPreview(app *v1alpha1.App) {
	app.Spec.Preview = &v1alpha1.Preview{App: "shop", Request: 12, Host: "hello-pr-12-0a1b2c3d4e5f"}
}

// routeTo sends everything to the first of commits and keeps the second.
func routeTo(commits string, hosts string) *v1alpha1.Route {
	route := &v1alpha1.Route{Spec: v1alpha1.RouteSpec{App: "hello", Hosts: []string{"hello.localhost"}}}
	for i, c := range names(commits) {
		route.Spec.Traffic = append(route.Spec.Traffic, v1alpha1.TrafficTarget{Revision: c, Weight: []int32{v1alpha1.Whole, 0}[i]})
	}
	for _, h := range names(hosts) {
		route.Spec.RevisionHosts = append(route.Spec.RevisionHosts, v1alpha1.RevisionHost{Host: h + ".localhost", Revision: h})
	}
	return route
}

func TestPlan(t *testing.T) {
	refused := func(host, summary string) *v1alpha1.Route {
		r := routeTo("a", "a")
		r.Status.Summary = summary
		condition.Set(&r.Status.Conditions, v1alpha1.ConditionReady, condition.False(v1alpha1.ReasonHostConflict, "host "+host+" belongs to x"), 1, start)
		return r
	}
	pinned := func(c string) func(*v1alpha1.App) { return func(a *v1alpha1.App) { a.Spec.Pin = name(c) } }
	role := func(c string, role v1alpha1.Role, age time.Duration) func(*v1alpha1.App) {
		return func(a *v1alpha1.App) {
			a.Status.Revisions = append(a.Status.Revisions, v1alpha1.RevisionRole{
				Name: name(c), Role: role, Since: metav1.MicroTime{Time: start.Add(-age)}, Message: "why",
			})
		}
	}
	same := func(rev v1alpha1.Revision, as string) v1alpha1.Revision {
		rev.Status.SameAs = name(as)
		return rev
	}
	crashed := func(c string, state condition.State) v1alpha1.Revision {
		rev := revision(c, state, 0)
		rev.Status.EverReady = true
		rev.Status.LastCrash = &v1alpha1.Crash{SeenAt: metav1.MicroTime{Time: start.Add(-time.Second)}, Message: "it crashed"}
		return rev
	}
	for _, tc := range []struct {
		name      string
		app       *v1alpha1.App
		change    func(*v1alpha1.App)
		revisions []v1alpha1.Revision
		route     *v1alpha1.Route
		live      string
		keep      string
		answers   map[string]promotion.Answers
		lost      bool // nothing comes by the Route
		status    metav1.ConditionStatus
		reason    string
		message   string
		hosts     string // commits with a host of their own
	}{
		{name: "before the first revision", app: newApp(""), status: "Unknown", reason: v1alpha1.ReasonWaiting, message: "first revision"},
		{name: "the first is not there yet", app: newApp("a"), status: "Unknown", reason: v1alpha1.ReasonWaiting, message: "waiting for the newest revision hello-aaaaaaaa to be made"},
		{name: "the first is built", app: newApp("a"), revisions: []v1alpha1.Revision{revision("a", building, 0)},
			status: "Unknown", reason: v1alpha1.ReasonWaiting, message: "on its way: step"},
		{name: "the first failed", app: newApp("b"), revisions: []v1alpha1.Revision{revision("b", broken, 0)},
			status: "False", reason: v1alpha1.ReasonNoReadyRevision, message: "nothing serves, the newest revision hello-bbbbbbbb failed: commit bbbbbbbb: step"},
		{name: "the first starts", app: newApp("a"), revisions: []v1alpha1.Revision{revision("a", starting, 0)},
			status: "Unknown", reason: v1alpha1.ReasonWaiting, hosts: "a"},
		{name: "the first is ready", app: newApp("a"), revisions: []v1alpha1.Revision{revision("a", ready, 0)},
			live: "a", status: "True", reason: v1alpha1.ReasonLive, message: "commit aaaaaaaa serves", hosts: "a"},
		{name: "no tag is released any more", app: newApp("a"), change: func(app *v1alpha1.App) { app.Spec.Heads = nil }, revisions: []v1alpha1.Revision{revision("a", ready, 0)}, route: routeTo("a", "a"),
			live: "a", status: "Unknown", reason: v1alpha1.ReasonWaiting, message: "revision hello-aaaaaaaa serves, and nothing is released that could follow it", hosts: "a"},
		{name: "the second is built", app: newApp("ba"), revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", building, 0)}, route: routeTo("a", "a"),
			live: "a", status: "Unknown", reason: v1alpha1.ReasonWaiting, message: "revision hello-aaaaaaaa serves, the newest revision hello-bbbbbbbb is on its way", hosts: "a"},
		{name: "the second failed", app: newApp("ba"), revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", crashing, 0)}, route: routeTo("a", "a"),
			live: "a", status: "False", reason: v1alpha1.ReasonNewestFailed, message: "revision hello-aaaaaaaa keeps serving, the newest revision hello-bbbbbbbb failed: commit bbbbbbbb: the app exited", hosts: "ab"},
		{name: "the second is ready", app: newApp("ba"), revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", ready, 0)}, route: routeTo("a", "a"),
			live: "b", keep: "a", status: "True", reason: v1alpha1.ReasonLive, message: "commit bbbbbbbb serves; aaaaaaaa is kept until it has settled", hosts: "ab"},
		{name: "the second runs the same as the first", app: newApp("ba"), revisions: []v1alpha1.Revision{revision("a", ready, 0), same(revision("b", ready, 0), "a")}, route: routeTo("a", "a"),
			live: "a", status: "True", reason: v1alpha1.ReasonLive, message: "commit bbbbbbbb serves by revision hello-aaaaaaaa, which runs the same image", hosts: "ab"},
		{name: "the second has settled", app: newApp("ba"), change: role("b", v1alpha1.RoleLive, time.Hour),
			revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", ready, 0)}, route: routeTo("ba", "ab"),
			live: "b", status: "True", reason: v1alpha1.ReasonLive, message: "commit bbbbbbbb serves", hosts: "ab"},
		{name: "the second has crashed", app: newApp("ba"), change: role("b", v1alpha1.RoleLive, time.Minute),
			revisions: []v1alpha1.Revision{revision("a", ready, 0), crashed("b", ready)}, route: routeTo("ba", "ab"),
			live: "a", status: "False", reason: v1alpha1.ReasonRolledBack, message: "revision hello-aaaaaaaa serves, as the newest revision hello-bbbbbbbb failed", hosts: "ab"},
		{name: "the second answers badly", app: newApp("ba"), change: role("b", v1alpha1.RoleLive, time.Minute),
			answers:   map[string]promotion.Answers{name("b"): {All: 100, Bad: 90}},
			revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", ready, 0)}, route: routeTo("ba", "ab"),
			live: "a", status: "False", reason: v1alpha1.ReasonRolledBack, message: "90 of its first 100 answers", hosts: "ab"},
		{name: "it stays away", app: newApp("ba"), change: role("b", v1alpha1.RoleQuarantined, time.Hour),
			revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", ready, 0)}, route: routeTo("a", "ab"),
			live: "a", status: "False", reason: v1alpha1.ReasonRolledBack, message: "headway retry hello-bbbbbbbb", hosts: "ab"},
		{name: "the first has crashed", app: newApp("b"), change: role("b", v1alpha1.RoleLive, time.Minute),
			revisions: []v1alpha1.Revision{crashed("b", ready)}, route: routeTo("b", "b"),
			live: "b", status: "Unknown", reason: v1alpha1.ReasonSettling, message: "there is none to give it back to: it crashed", hosts: "b"},
		{name: "the live one crashes", app: newApp("ba"), revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", crashing, 0)}, route: routeTo("b", "ab"),
			live: "b", status: "False", reason: v1alpha1.ReasonNoReadyRevision, message: "is live, but its pods fail", hosts: "ab"},
		{name: "the live one starts again", app: newApp("b"), revisions: []v1alpha1.Revision{revision("b", starting, 0)}, route: routeTo("b", "b"),
			live: "b", status: "Unknown", reason: v1alpha1.ReasonWaiting, message: "not all of its pods are ready", hosts: "b"},
		{name: "pinned", app: newApp("ba"), change: pinned("a"), revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", ready, 0)}, route: routeTo("b", "ab"),
			live: "a", keep: "b", status: "True", reason: v1alpha1.ReasonPinned, hosts: "ab"},
		{name: "the pinned one failed", app: newApp("a"), change: pinned("b"), revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", broken, 0)}, route: routeTo("a", "a"),
			live: "a", status: "False", reason: v1alpha1.ReasonNewestFailed, message: "the pinned revision hello-bbbbbbbb failed", hosts: "a"},
		{name: "the host is taken", app: newApp("a"), revisions: []v1alpha1.Revision{revision("a", ready, 0)}, route: refused("hello.localhost", ""),
			live: "a", lost: true, status: "False", reason: v1alpha1.ReasonHostConflict, message: "belongs to x", hosts: "a"},
		{name: "the host of a revision is taken", app: newApp("a"), revisions: []v1alpha1.Revision{revision("a", ready, 0)}, route: refused("a.localhost", "100% a"),
			live: "a", status: "False", reason: v1alpha1.ReasonHostConflict, message: "belongs to x", hosts: "a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.change != nil {
				tc.change(tc.app)
			}
			plan := PlanFor(Seen{App: tc.app, Revisions: tc.revisions, Route: tc.route, Answers: tc.answers}, public, start)
			want := routeTo(tc.live+tc.keep, tc.hosts).Spec
			if failed := name("b"); plan.Status.Role(failed) == v1alpha1.RoleQuarantined {
				want.Traffic = append(want.Traffic, v1alpha1.TrafficTarget{Revision: failed, Salt: failed})
			}
			for _, rev := range tc.revisions {
				for i := range want.RevisionHosts {
					if h := &want.RevisionHosts[i]; h.Revision == rev.Name && rev.Status.SameAs != "" {
						h.Revision = rev.Status.SameAs
					}
				}
			}
			if diff := cmp.Diff(want, plan.Route); diff != "" {
				t.Errorf("route (-want +got):\n%s", diff)
			}
			got := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady)
			if got.Status != tc.status || got.Reason != tc.reason || !strings.Contains(got.Message, tc.message) {
				t.Errorf("Ready = %+v\nwant %s %s %q", got, tc.status, tc.reason, tc.message)
			}
			wantLive, wantCommit, wantSummary := "", "", ""
			if tc.live != "" && !tc.lost {
				wantLive, wantCommit = name(tc.live), strings.Repeat(tc.live, 8)
				wantSummary = "100% " + wantCommit
			}
			s := plan.Status
			if s.Live != wantLive || s.LiveCommit != wantCommit || s.TrafficSummary != wantSummary || (s.LiveSince != nil) != (wantLive != "") {
				t.Errorf("live %q %q %q since %v", s.Live, s.LiveCommit, s.TrafficSummary, s.LiveSince)
			}
			if s.URL != "http://hello.localhost:8080" || s.ObservedGeneration != 3 {
				t.Errorf("url %q, generation %d", s.URL, s.ObservedGeneration)
			}
		})
	}
}

func TestLiveSinceStays(t *testing.T) {
	seen := Seen{App: newApp("a"), Revisions: []v1alpha1.Revision{revision("a", ready, 0)}}
	seen.App.Status = PlanFor(seen, public, start).Status
	seen.Route = routeTo("a", "a")
	again := PlanFor(seen, public, start.Add(time.Hour)).Status
	if diff := cmp.Diff(seen.App.Status, again); diff != "" {
		t.Errorf("the status of an unchanged App changed (-first +second):\n%s", diff)
	}
}

func TestSpecProblem(t *testing.T) {
	app := newApp("a")
	app.Spec.Problem = &v1alpha1.SpecProblem{Commit: "x", Reason: v1alpha1.ReasonInvalidSpec, Message: "headway.yaml:3:1: unknown key"}
	plan := PlanFor(Seen{App: app, Revisions: []v1alpha1.Revision{revision("a", ready, 0)}}, public, start)
	want := condition.False(v1alpha1.ReasonInvalidSpec, "headway.yaml:3:1: unknown key")
	if diff := cmp.Diff(want, condition.Get(plan.Status.Conditions, v1alpha1.ConditionSpecValid)); diff != "" {
		t.Error(diff)
	}
	if got := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady); got.Status != metav1.ConditionTrue {
		t.Errorf("a bad headway.yaml makes the running app %+v", got)
	}
}

// TestRevisionHostsFit: as many refs as the watcher follows, each with a host of
// its head and one of its own, are no more than a Route can have.
func TestRevisionHostsFit(t *testing.T) {
	const refs, most = 100, 512
	app, revisions := newApp("a"), []v1alpha1.Revision{revision("a", ready, time.Hour)}
	for i := range refs {
		head, before := revision("b", starting, time.Minute), revision("b", ready, time.Hour)
		head.Name, before.Name = fmt.Sprintf("hello-%08d", i), fmt.Sprintf("hello-1%07d", i)
		revisions = append(revisions, head, before)
		ref := fmt.Sprintf("refs/heads/b%d", i)
		app.Spec.Heads = append(app.Spec.Heads, v1alpha1.Head{Ref: ref, Revision: head.Name})
		app.Status.Branches = append(app.Status.Branches, v1alpha1.Branch{Ref: ref, Revision: before.Name})
	}
	plan := PlanFor(Seen{App: app, Revisions: revisions}, public, start)
	if got := len(plan.Route.RevisionHosts); got != 1+3*refs || got > most || len(plan.Status.Revisions) != 1+2*refs {
		t.Errorf("%d hosts, %d roles", got, len(plan.Status.Revisions))
	}
}
