package app

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
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
			for i := range tc.revisions { // they are settled at once
				tc.revisions[i].Spec.Health = &v1alpha1.Health{Settle: &metav1.Duration{}}
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

// FuzzCollect checks over apps of 8 revisions that nothing is deleted that a
// head, a pin, the Route in force or the next one reaches.
func FuzzCollect(f *testing.F) {
	f.Add("hgfedcba", byte(0xff), byte(0), byte(0), byte(9), uint16(3600))
	f.Add("ba", byte(0b10), byte(2), byte(1), byte(3), uint16(30))
	f.Fuzz(func(t *testing.T, history string, readyBits, serving, hosted, pin byte, age uint16) {
		const all = "abcdefgh"
		letter := func(i byte) string { return all[i%8 : i%8+1] }
		var revisions []v1alpha1.Revision
		for i := range all {
			state := starting
			if readyBits&(1<<i) != 0 {
				state = ready
			}
			revisions = append(revisions, revision(all[i:i+1], state, time.Duration(age)*time.Second))
		}
		var known string
		for _, c := range history {
			if strings.ContainsRune(all, c) && !strings.ContainsRune(known, c) {
				known += string(c)
			}
		}
		app := newApp(known)
		if pin < 8 {
			app.Spec.Pin = name(letter(pin))
		}
		seen := Seen{App: app, Revisions: revisions, Route: routeTo(letter(serving), letter(hosted))}
		plan := PlanFor(seen, public, start)
		for _, gone := range plan.Delete {
			if reaches(seen.Route, gone) || reaches(&v1alpha1.Route{Spec: plan.Route}, gone) || gone == app.Spec.Pin || gone == seen.newest() {
				t.Errorf("%s is deleted although it can be reached", gone)
			}
			if age < 60 {
				t.Errorf("%s is deleted at the age of %ds", gone, age)
			}
		}
		if left := len(revisions) - len(plan.Delete); age >= 60 && left > 3+1+1+1+2 {
			t.Errorf("%d revisions are left", left)
		}
	})
}
