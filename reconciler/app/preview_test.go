package app

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestPreviewHasOneHost that is its own: what can be guessed leads nowhere.
func TestPreviewHasOneHost(t *testing.T) {
	app := newApp("ba")
	asPreview(app)
	app.Spec.Heads = append(app.Spec.Heads, v1alpha1.Head{Ref: "refs/heads/other", Revision: name("a")})
	seen := Seen{App: app, Revisions: []v1alpha1.Revision{revision("a", ready, time.Hour), revision("b", ready, time.Minute)}}
	plan := PlanFor(seen, public, start)
	if hosts := strings.Join(plan.Route.Hosts, " "); hosts != "hello-pr-12-0a1b2c3d4e5f.localhost" || len(plan.Route.RevisionHosts) != 0 || len(plan.Status.Branches) != 0 {
		t.Errorf("hosts %s, of revisions %v, branches %v", hosts, plan.Route.RevisionHosts, plan.Status.Branches)
	}
	if plan.Status.URL != "http://hello-pr-12-0a1b2c3d4e5f.localhost:8080" || plan.Status.Live != name("b") || plan.Status.LiveCommit != "bbbbbbbb" {
		t.Errorf("%+v", plan.Status)
	}
}

// TestPreviewSwitchesAtOnce to the revision of the newest push when that is
// ready, and keeps nothing when it has settled.
func TestPreviewSwitchesAtOnce(t *testing.T) {
	app := newApp("ba")
	asPreview(app)
	seen := Seen{App: app, Route: routeTo("a", ""), Revisions: []v1alpha1.Revision{revision("a", ready, time.Hour), revision("b", starting, time.Minute)}}
	for i, step := range []struct {
		b    condition.State
		live string
	}{{starting, "a"}, {ready, "b"}} {
		seen.Revisions[1] = revision("b", step.b, time.Minute)
		plan := PlanFor(seen, public, start.Add(time.Duration(i)*time.Second))
		if plan.Status.Live != name(step.live) || len(plan.Status.Trials) != 0 {
			t.Errorf("step %d: %s is live; trials %v", i, plan.Status.Live, plan.Status.Trials)
		}
		seen.App.Status, seen.Route = plan.Status, &v1alpha1.Route{Spec: plan.Route}
	}
	plan := PlanFor(seen, public, start.Add(time.Hour))
	if role := plan.Status.Role(name("a")); role != v1alpha1.RoleReplaced {
		t.Errorf("the one before is %s", role)
	}
}

// TestSetupShows on the App, which says why nothing serves.
func TestSetupShows(t *testing.T) {
	app := newApp("a")
	asPreview(app)
	app.Spec.Preview.Setup = []string{"/migrate"}
	failed := condition.False(v1alpha1.ReasonSetupFailed, "commit aaaaaaaa: the setup failed: it exited with code 1")
	seen := Seen{App: app, Revisions: []v1alpha1.Revision{revision("a", failed, time.Minute)}}
	plan := PlanFor(seen, public, start)
	prepared := condition.Get(plan.Status.Conditions, v1alpha1.ConditionPrepared)
	if prepared.Status != metav1.ConditionUnknown || plan.Setup.Start == nil {
		t.Errorf("Prepared = %+v; the pod to start: %v", prepared, plan.Setup.Start)
	}
	state := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady)
	if state.Reason != v1alpha1.ReasonNoReadyRevision || !strings.Contains(state.Message, "it exited with code 1") || plan.Status.Live != "" {
		t.Errorf("Ready = %+v, live %q", state, plan.Status.Live)
	}
	if plan := PlanFor(Seen{App: newApp("a")}, public, start); plan.Setup.Prepared != nil || condition.Get(plan.Status.Conditions, v1alpha1.ConditionPrepared).Status != "" {
		t.Error("an App without a setup has a condition for it")
	}
}

// TestMergeQueueIsOnlyBuilt: a commit that a merge queue tries is wanted, and has
// no URL and no share, also where a rule names it. Once it is merged it is what
// production goes on to.
func TestMergeQueueIsOnlyBuilt(t *testing.T) {
	const queued = "refs/heads/gh-readonly-queue/main/pr-7-0123456789012345678901234567890123456789"
	app := newApp("a")
	app.Spec.Heads = append(app.Spec.Heads, v1alpha1.Head{Ref: queued, Commit: strings.Repeat("b", 40), Revision: name("b")})
	app.Spec.Release = []v1alpha1.Rule{{Refs: "*/*/*", Weight: v1alpha1.Whole / 10}}
	seen := Seen{App: app, Route: routeTo("a", "a"), Revisions: []v1alpha1.Revision{revision("a", ready, time.Hour), revision("b", ready, time.Minute)}}
	for i := range seen.Revisions {
		seen.Revisions[i].Status.Scaling = &v1alpha1.Scaling{Carries: v1alpha1.Whole}
	}
	plan := PlanFor(seen, public, start)
	if role := plan.Status.Role(name("b")); role != v1alpha1.RoleBuilt || len(plan.Status.Branches) != 0 || len(plan.Status.Trials) != 0 || len(plan.Route.Traffic) != 1 {
		t.Errorf("it is %s; branches %v, trials %v, traffic %v", role, plan.Status.Branches, plan.Status.Trials, plan.Route.Traffic)
	}
	if hosts := plan.Route.RevisionHosts; len(hosts) != 1 || hosts[0].Revision != name("a") {
		t.Errorf("hosts of revisions %v", hosts)
	}
	for _, tc := range []struct {
		name string
		head v1alpha1.Head
		want v1alpha1.Role
	}{
		{"it is merged", v1alpha1.Head{Ref: production, Revision: name("b")}, v1alpha1.RoleCandidate},
		{"it is the head of a branch, too", v1alpha1.Head{Ref: "refs/heads/feat", Revision: name("b")}, v1alpha1.RoleBranch},
	} {
		app := newApp("a")
		app.Spec.Heads = append([]v1alpha1.Head{{Ref: queued, Revision: name("b")}}, tc.head)
		seen.App = app
		plan := PlanFor(seen, public, start)
		if role := plan.Status.Role(name("b")); role != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, role, tc.want)
		}
	}
}
