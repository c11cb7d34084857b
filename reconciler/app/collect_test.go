package app

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/condition"
)

func TestCollect(t *testing.T) {
	old := func(commits string, state condition.State) []v1alpha1.Revision {
		var list []v1alpha1.Revision
		for _, c := range commits {
			list = append(list, revision(string(c), state, time.Hour))
		}
		return list
	}
	servedUntil := func(rev v1alpha1.Revision, ago time.Duration) v1alpha1.Revision {
		condition.Set(&rev.Status.Conditions, v1alpha1.ConditionServing, condition.False(v1alpha1.ReasonNoTraffic, ""), 1, start.Add(-ago))
		return rev
	}
	for _, tc := range []struct {
		name      string
		history   string
		change    func(*v1alpha1.App)
		revisions []v1alpha1.Revision
		route     *v1alpha1.Route
		delete    string
		again     time.Duration
	}{
		{name: "live and three for rollback", history: "fedcba", revisions: old("abcdef", ready), route: routeTo("f", "f"), delete: "ab"},
		{name: "those that never were ready do not count", history: "fedcba",
			revisions: append(old("abcf", ready), old("de", crashing)...), route: routeTo("f", "f"), delete: "de"},
		{name: "a failed head stays", history: "ba", revisions: append(old("a", ready), old("b", broken)...), route: routeTo("a", "a")},
		{name: "a superseded one goes", history: "ca", revisions: append(old("ac", ready), old("b", building)...), route: routeTo("c", "c"), delete: "b"},
		{name: "a young one stays: the App may be behind", history: "a", revisions: append(old("a", ready), revision("b", building, 20*time.Second)),
			route: routeTo("a", "a"), again: 40 * time.Second},
		{name: "a pinned one stays", history: "fedcba", change: func(a *v1alpha1.App) { a.Spec.Pin = name("a") }, revisions: old("abcdef", ready),
			route: routeTo("a", "a"), delete: "b"},
		{name: "the head of another branch stays", history: "a", change: func(a *v1alpha1.App) {
			a.Spec.Heads = append(a.Spec.Heads, v1alpha1.Head{Ref: "refs/heads/x", Revision: name("b")})
		}, revisions: old("ab", ready), route: routeTo("a", "a")},
		{name: "the head of a deleted branch goes", history: "a", revisions: old("ab", ready), route: routeTo("a", "a"), delete: "b"},
		{name: "not while the Route still gives it a host", history: "a", revisions: old("ab", ready), route: routeTo("a", "ab")},
		{name: "not while the Route still gives it traffic", history: "a", revisions: old("ab", ready), route: routeTo("b", "")},
		{name: "not in the minute in which it left traffic", history: "fedcba",
			revisions: append(old("bcdef", ready), servedUntil(revision("a", ready, time.Hour), 50*time.Second)), route: routeTo("f", "f"),
			delete: "b", again: 10 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			app := newApp(tc.history)
			if tc.change != nil {
				tc.change(app)
			}
			plan := PlanFor(Seen{App: app, Revisions: tc.revisions, Route: tc.route}, public, start)
			if diff := cmp.Diff(strings.Join(names(tc.delete), " "), strings.Join(plan.Delete, " ")); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
			if plan.RequeueAfter != tc.again {
				t.Errorf("again in %v, want %v", plan.RequeueAfter, tc.again)
			}
		})
	}
}
