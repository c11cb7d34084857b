package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
)

// story is an App over time, each plan carried out at once.
type story struct {
	Seen
	now  time.Time
	plan Plan
}

// newStory has hello-aaaaaaaa live for an hour, and a canary for the rest.
func newStory(rules ...v1alpha1.Rule) *story {
	s := &story{Seen: Seen{App: newApp("a"), Revisions: []v1alpha1.Revision{revision("a", ready, time.Hour)}}, now: start.Add(-time.Hour)}
	s.step(0)
	s.App.Spec.Release = rules
	s.step(time.Hour)
	return s
}

var gates = v1alpha1.Gates{Errors: 10_000, MinRequests: 200}

func canary() v1alpha1.Rule {
	return v1alpha1.Rule{Refs: "main", Canary: &v1alpha1.Canary{Steps: []int32{100, 2500}, Every: metav1.Duration{Duration: 2 * time.Minute}}, Gates: &gates}
}

func (s *story) push(history string) {
	app := newApp(history)
	app.Spec.Release, app.Status = s.App.Spec.Release, s.App.Status
	s.App, s.Revisions = app, append(s.Revisions, revision(history[:1], ready, 0))
	s.Revisions[len(s.Revisions)-1].Status.Scaling = &v1alpha1.Scaling{Carries: v1alpha1.Whole}
}

// step plans after a time.
func (s *story) step(after time.Duration) {
	s.now = s.now.Add(after)
	s.plan = PlanFor(s.Seen, public, s.now)
	s.App.Status, s.Route = s.plan.Status, &v1alpha1.Route{Spec: s.plan.Route}
}

// read has the gates say something of a revision.
func (s *story) read(revision string, verdict v1alpha1.Verdict, requests int64) {
	step := s.App.Status.Trial(revision).Step
	s.Readings = map[string]promotion.Reading{revision: {
		Gates: []v1alpha1.GateStatus{{Name: "errors", Verdict: verdict, Message: "errors: 4% of 812 requests"}}, Requests: requests, Step: step,
	}}
}

// tell is what people see of the App.
func (s *story) tell() string {
	promoting, ready := condition.Get(s.App.Status.Conditions, v1alpha1.ConditionPromoting), condition.Get(s.App.Status.Conditions, v1alpha1.ConditionReady)
	return fmt.Sprintf("%s; Ready %s %s; Promoting %s %s: %s", s.App.Status.TrafficSummary, ready.Status, ready.Reason, promoting.Status, promoting.Reason, promoting.Message)
}

func TestCanary(t *testing.T) {
	s := newStory(canary())
	expect := func(want string) {
		t.Helper()
		if got := s.tell(); !strings.HasPrefix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	expect("100% aaaaaaaa; Ready True Live; Promoting  : ")
	s.push("ba")
	s.step(0)
	expect("99% aaaaaaaa, 1% bbbbbbbb; Ready True Live; Promoting True Stepping: revision hello-bbbbbbbb has 1% of the traffic, step 1 of 2; it waits until ")
	if live, deployments := s.App.Status.Live, len(s.App.Status.Deployments); live != name("a") || deployments != 1 {
		t.Errorf("%s is live, %d deployments", live, deployments)
	}
	if len(s.plan.Runs) == 0 {
		t.Fatal("nobody is judged")
	}
	run := s.plan.Runs[0]
	if run.Revision != name("b") || run.Stable != name("a") || run.Step != 1 || run.Weight != 100 || run.StableWeight != 9900 || run.Settings.MinRequests != 200 {
		t.Errorf("judged as %+v", run)
	}
	if about := s.plan.Subjects[0]; about.Revision != name("b") || about.Step != 1 || about.App.Name != "hello" || about.Gates.MinRequests != 200 {
		t.Errorf("asked about %+v", about)
	}
	s.read(name("b"), v1alpha1.VerdictWaiting, 12)
	s.step(3 * time.Minute)
	expect("99% aaaaaaaa, 1% bbbbbbbb; Ready True Live; Promoting True Waiting: revision hello-bbbbbbbb has 1% of the traffic, step 1 of 2; it waits 12 of 200 requests")
	s.App.Spec.Hold = true
	s.step(0)
	expect("99% aaaaaaaa, 1% bbbbbbbb; Ready True Live; Promoting True Held: ")
	s.App.Spec.Hold = false
	s.read(name("b"), v1alpha1.VerdictPassing, 220)
	s.step(0)
	expect("75% aaaaaaaa, 25% bbbbbbbb; Ready True Live; Promoting True Stepping")
	s.read(name("b"), v1alpha1.VerdictFailed, 300)
	s.step(time.Second)
	expect("100% aaaaaaaa; Ready False RolledBack; Promoting False RolledBack: revision hello-bbbbbbbb has no traffic any more: errors: 4% of 812 requests")
	if len(s.plan.Runs) != 0 || s.App.Status.Role(name("b")) != v1alpha1.RoleQuarantined {
		t.Errorf("%d are judged, %+v", len(s.plan.Runs), s.App.Status.Revisions)
	}
	s.push("cba")
	s.step(0)
	s.read(name("c"), v1alpha1.VerdictPassing, 220)
	s.step(3 * time.Minute)
	s.read(name("c"), v1alpha1.VerdictPassing, 220)
	s.step(3 * time.Minute)
	expect("100% cccccccc; Ready True Live; Promoting False Idle: nothing is on its way")
	if d := s.App.Status.Deployments; len(d) != 2 || d[0].Revision != name("c") || !d[0].From.Time.Equal(s.now) {
		t.Errorf("deployments %+v", d)
	}
	// A revert to what has settled waits for nothing.
	s.push("acb")
	s.Revisions = s.Revisions[:3]
	s.step(3 * time.Minute)
	expect("100% aaaaaaaa; Ready True Live; Promoting False Idle")
}

// TestKeptEvidence: a process that starts goes on from what the status has.
func TestKeptEvidence(t *testing.T) {
	s := newStory(canary())
	s.push("ba")
	s.step(0)
	evidence := gate.Evidence{Bad: 3, Step: gate.Counts{Requests: 150}}
	evidence.Errors = gate.New(s.plan.Runs[0].Settings, gate.Evidence{}).Evidence().Errors
	evidence.Errors.Candidate = gate.Counts{Requests: 150, Bad: 3}
	trial := s.App.Status.Trial(name("b"))
	s.Readings = map[string]promotion.Reading{trial.Revision: {Gates: evidence.Status(s.plan.Runs[0].Settings), Requests: 150, Step: trial.Step}}
	s.step(11 * time.Second)
	s.Readings = nil
	s.step(time.Second)
	if diff := cmp.Diff(uint64(150), s.plan.Runs[0].Kept.Step.Requests); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(evidence.Errors.Candidate, s.plan.Runs[0].Kept.Errors.Candidate); diff != "" {
		t.Error(diff)
	}
	s.App.Status.Trials[0].Began = metav1.NewMicroTime(s.now.Add(-time.Hour))
	s.plan.Status.Trials = nil
	s.App.Status.Trials = nil // all of it is lost
	s.step(time.Second)
	if kept := s.plan.Runs[0].Kept; kept.Step.Requests != 0 || kept.Bad != 0 {
		t.Errorf("a trial that begins anew has kept %+v", kept)
	}
}

func TestShares(t *testing.T) {
	s := newStory(
		v1alpha1.Rule{Refs: "b*", Weight: 1000, Gates: &gates},
		v1alpha1.Rule{Refs: "x", Match: &v1alpha1.Match{Header: map[string]string{"X-Beta": "yes"}}},
	)
	s.App.Spec.Sticky = &v1alpha1.Sticky{}
	for _, c := range []string{"b", "c", "d"} {
		rev := revision(c, ready, time.Minute)
		rev.Status.Scaling = &v1alpha1.Scaling{Carries: v1alpha1.Whole}
		s.Revisions = append(s.Revisions, rev)
	}
	s.App.Spec.Heads = append(s.App.Spec.Heads,
		v1alpha1.Head{Ref: "refs/heads/x", Revision: name("d")}, v1alpha1.Head{Ref: "refs/heads/b2", Revision: name("c")}, v1alpha1.Head{Ref: "refs/heads/b1", Revision: name("b")})
	s.step(0)
	want := v1alpha1.RouteSpec{
		Traffic: []v1alpha1.TrafficTarget{
			{Revision: name("a"), Weight: 8000},
			{Revision: name("b"), Weight: 1000, Salt: "refs/heads/b1"}, {Revision: name("c"), Weight: 1000, Salt: "refs/heads/b2"},
		},
		Matches: []v1alpha1.RouteMatch{{Match: v1alpha1.Match{Header: map[string]string{"X-Beta": "yes"}}, Revision: name("d")}},
		Sticky:  &v1alpha1.Sticky{},
	}
	got := s.plan.Route
	got.App, got.Hosts, got.RevisionHosts = "", nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for c, want := range map[string]v1alpha1.Role{"a": v1alpha1.RoleLive, "b": v1alpha1.RoleShare, "c": v1alpha1.RoleShare, "d": v1alpha1.RoleShare} {
		if got := s.App.Status.Role(name(c)); got != want {
			t.Errorf("%s is %s, want %s", c, got, want)
		}
	}
	if _, known := s.promoting(&s.App.Status, s.now); known {
		t.Error("a share is on its way to all of the traffic")
	}
}

// TestBranchGone: a canary whose branch is deleted is no version without a rule.
func TestBranchGone(t *testing.T) {
	s := newStory(canary())
	s.push("ba")
	s.step(time.Second)
	s.App.Spec.Heads = nil
	s.step(time.Second)
	if got := s.App.Status.TrafficSummary; got != "99% aaaaaaaa, 1% bbbbbbbb" {
		t.Errorf("traffic: %s", got)
	}
}

func TestFrozen(t *testing.T) {
	saturday := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	head := v1alpha1.Head{Ref: production}
	for _, tc := range []struct {
		freeze string
		until  time.Time
	}{
		{"fri 16:00 - mon 08:00 UTC", time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC)},
		{"daily 22:00 - 06:00 UTC", time.Time{}},
		{"whenever", saturday.Add(unreadable)},
	} {
		if got := headOf(head, &v1alpha1.Rule{Freeze: []string{tc.freeze}}, saturday).Frozen; !got.Until.Equal(tc.until) || (got.Window == "") != tc.until.IsZero() {
			t.Errorf("%s: %+v, want until %s", tc.freeze, got, tc.until)
		}
	}
}

// TestServed: going back to what has settled is no promotion.
func TestServed(t *testing.T) {
	at := func(minutes int) metav1.MicroTime {
		return metav1.NewMicroTime(start.Add(time.Duration(minutes) * time.Minute))
	}
	until := at(10)
	short := at(1)
	for _, tc := range []struct {
		what       string
		deployment v1alpha1.Deployment
		change     func(*Seen)
		want       bool
	}{
		{"it has settled", v1alpha1.Deployment{Revision: name("a"), From: at(0), Until: &until}, nil, true},
		{"it is live, and settles", v1alpha1.Deployment{Revision: name("a"), From: at(19)}, nil, false},
		{"it is live, and has settled", v1alpha1.Deployment{Revision: name("a"), From: at(10)}, nil, true},
		{"it failed before it had settled", v1alpha1.Deployment{Revision: name("a"), From: at(0), Until: &short}, nil, false},
		{"another one has", v1alpha1.Deployment{Revision: name("b"), From: at(0), Until: &until}, nil, false},
		{"one that runs the same has", v1alpha1.Deployment{Revision: name("b"), From: at(0), Until: &until},
			func(s *Seen) { s.Revisions[1].Status.Image = s.Revisions[0].Status.Image }, true},
		{"that is quarantined", v1alpha1.Deployment{Revision: name("b"), From: at(0), Until: &until}, func(s *Seen) {
			s.Revisions[1].Status.Image = s.Revisions[0].Status.Image
			s.App.Status.Revisions = []v1alpha1.RevisionRole{{Name: name("b"), Role: v1alpha1.RoleQuarantined}}
		}, false},
	} {
		s := Seen{App: newApp("ab"), Revisions: []v1alpha1.Revision{revision("a", ready, 0), revision("b", ready, 0)}}
		s.App.Status.Deployments = []v1alpha1.Deployment{tc.deployment}
		if tc.change != nil {
			tc.change(&s)
		}
		if got := s.served(&s.Revisions[0], at(20).Time); got != tc.want {
			t.Errorf("%s: served %v", tc.what, got)
		}
	}
}
