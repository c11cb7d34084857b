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
)

// told are roles in one line, such as "live f, kept cde".
func told(roles []v1alpha1.RevisionRole) string {
	var parts []string
	var last v1alpha1.Role
	for _, r := range roles {
		if r.Role != last {
			parts = append(parts, string(r.Role)+" ")
		}
		last = r.Role
		parts[len(parts)-1] += r.Name[len(r.Name)-1:]
		if r.Warm {
			parts[len(parts)-1] += "!"
		}
	}
	return strings.Join(parts, ", ")
}

func TestRoles(t *testing.T) {
	old := func(commits string, state condition.State) []v1alpha1.Revision {
		var list []v1alpha1.Revision
		for _, c := range commits {
			list = append(list, revision(string(c), state, time.Hour))
		}
		return list
	}
	branch := func(heads ...string) func(*v1alpha1.App) {
		return func(a *v1alpha1.App) {
			for _, c := range heads {
				a.Spec.Heads = append(a.Spec.Heads, v1alpha1.Head{Ref: "refs/heads/x", Commit: strings.Repeat(c, 40), Revision: name(c)})
			}
		}
	}
	was := func(c string, role v1alpha1.Role, ago time.Duration) func(*v1alpha1.App) {
		return func(a *v1alpha1.App) {
			a.Status.Revisions = append(a.Status.Revisions, v1alpha1.RevisionRole{Name: name(c), Role: role, Since: metav1.NewMicroTime(start.Add(-ago))})
		}
	}
	of := func(ref string, revisions ...v1alpha1.Revision) []v1alpha1.Revision {
		for i := range revisions {
			revisions[i].Spec.Ref = ref
		}
		return revisions
	}
	for _, tc := range []struct {
		name      string
		history   string
		change    []func(*v1alpha1.App)
		revisions []v1alpha1.Revision
		serves    string
		settles   bool
		roles     string
		message   string // of the last
		delete    string
		again     time.Duration
	}{
		{name: "live and three for rollback", history: "fedcba", revisions: old("abcdef", ready), serves: "f",
			roles: "live f, kept cde, replaced ab", message: "commit ffffffff replaced it on refs/heads/main", again: time.Minute},
		{name: "a preview keeps none for rollback", history: "fedcba", revisions: old("abcdef", ready), serves: "f", change: []func(*v1alpha1.App){asPreview},
			roles: "live f, replaced abcde", message: "commit ffffffff replaced it on refs/heads/main", again: time.Minute},
		{name: "a new one is warm until the next has settled", history: "cba", revisions: append(old("abc", ready)[:2], revision("c", ready, time.Minute)), serves: "b", settles: true,
			roles: "live c, kept ab!", message: "takes the traffic back if hello-cccccccc fails before it has settled", again: 2 * time.Minute},
		{name: "those that never were ready do not count", history: "fedcba",
			revisions: append(old("abcf", ready), old("de", crashing)...), serves: "f",
			roles: "live f, kept abc, replaced de", message: "commit ffffffff replaced it on refs/heads/main", again: time.Minute},
		{name: "a failed head stays", history: "ba", revisions: append(old("a", ready), old("b", broken)...), serves: "a",
			roles: "live a, candidate b", message: "the head of refs/heads/main"},
		{name: "a pinned one takes the traffic", history: "fedcba", change: []func(*v1alpha1.App){func(a *v1alpha1.App) { a.Spec.Pin = name("a") }},
			revisions: old("abcdef", ready), serves: "a", roles: "live a, candidate f, kept cde, replaced b", again: time.Minute},
		{name: "quarantined as long as the App names it", history: "cba", change: []func(*v1alpha1.App){
			was("c", v1alpha1.RoleQuarantined, time.Hour), was("d", v1alpha1.RoleQuarantined, time.Hour)},
			revisions: old("abcd", ready), serves: "b", roles: "live b, kept a, quarantined c, replaced d", again: time.Minute},
		{name: "before it was built", history: "cba", revisions: append(old("ac", ready), old("b", building)...), serves: "c",
			roles: "live c, kept a, replaced b", message: "commit cccccccc replaced it on refs/heads/main before it was built", again: time.Minute},
		{name: "replaced for less than a minute", history: "ca", change: []func(*v1alpha1.App){was("b", v1alpha1.RoleReplaced, 50*time.Second)},
			revisions: append(old("ac", ready), old("b", building)...), serves: "c", roles: "live c, kept a, replaced b", again: 10 * time.Second},
		{name: "replaced for a minute", history: "ca", change: []func(*v1alpha1.App){was("b", v1alpha1.RoleReplaced, time.Minute)},
			revisions: append(old("ac", ready), old("b", building)...), serves: "c", roles: "live c, kept a, replaced b", delete: "b"},
		{name: "wanted again", history: "bca", change: []func(*v1alpha1.App){was("b", v1alpha1.RoleReplaced, time.Hour)},
			revisions: append(old("ac", ready), old("b", building)...), serves: "c", roles: "live c, candidate b, kept a"},
		{name: "the App may be about to name it", history: "a", revisions: append(old("a", ready), revision("b", building, 4*time.Second)), serves: "a",
			roles: "live a", again: 6 * time.Second},
		{name: "it has not for long", history: "a", revisions: append(old("a", ready), of("refs/heads/y", revision("b", building, 10*time.Second))...), serves: "a",
			roles: "live a, replaced b", message: "its ref refs/heads/y is gone, so it is not built", again: time.Minute},
		{name: "it has named a younger one", history: "ca", serves: "a",
			revisions: append(old("a", ready), revision("b", building, 4*time.Second), revision("c", building, 2*time.Second)),
			roles:     "live a, candidate c, replaced b", again: time.Minute},
		{name: "the head of a branch", history: "a", change: []func(*v1alpha1.App){branch("b")}, revisions: old("ab", ready), serves: "a",
			roles: "live a, branch b", message: "answers for refs/heads/x"},
		{name: "the one before answers for a branch", history: "a", change: []func(*v1alpha1.App){branch("c"), func(a *v1alpha1.App) {
			a.Status.Branches = []v1alpha1.Branch{{Ref: "refs/heads/x", Revision: name("b")}}
		}}, revisions: append(old("ab", ready), old("c", building)...), serves: "a", roles: "live a, branch bc", message: "the head of refs/heads/x"},
		{name: "one that never was ready does not", history: "a", change: []func(*v1alpha1.App){branch("c"), func(a *v1alpha1.App) {
			a.Status.Branches = []v1alpha1.Branch{{Ref: "refs/heads/x", Revision: name("b")}}
		}}, revisions: append(old("a", ready), of("refs/heads/x", old("bc", building)...)...), serves: "a", roles: "live a, branch c, replaced b",
			message: "commit cccccccc replaced it on refs/heads/x before it was built", again: time.Minute},
		{name: "the head of a deleted branch", history: "a", revisions: append(old("a", ready), of("refs/heads/x", old("b", ready)...)...), serves: "a",
			roles: "live a, replaced b", message: "its ref refs/heads/x is gone", again: time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			app := newApp(tc.history)
			for _, change := range tc.change {
				change(app)
			}
			if !tc.settles {
				for i := range tc.revisions {
					tc.revisions[i].Spec.Health = &v1alpha1.Health{Settle: &metav1.Duration{}}
				}
			}
			plan := PlanFor(Seen{App: app, Revisions: tc.revisions, Route: routeTo(tc.serves, "")}, public, start)
			roles := plan.Status.Revisions
			if got := told(roles); got != tc.roles {
				t.Errorf("roles %s\nwant  %s", got, tc.roles)
			}
			if got := roles[len(roles)-1].Message; tc.message != "" && got != tc.message {
				t.Errorf("message %q\nwant    %q", got, tc.message)
			}
			for _, r := range roles {
				if r.Message == "" && app.Status.Role(r.Name) != r.Role || (r.Weight > 0) != (r.Role == v1alpha1.RoleLive) {
					t.Errorf("message or weight of %+v", r)
				}
			}
			if diff := cmp.Diff(strings.Join(names(tc.delete), " "), strings.Join(plan.Delete, " ")); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
			if plan.RequeueAfter != tc.again {
				t.Errorf("again in %v, want %v", plan.RequeueAfter, tc.again)
			}
		})
	}
}

// TestRolesAreBounded: those that the status has no place for go at once.
func TestRolesAreBounded(t *testing.T) {
	revisions := []v1alpha1.Revision{revision("a", ready, time.Hour)}
	for i := range maxRoles {
		rev := revision("b", building, time.Hour)
		rev.Name = fmt.Sprintf("hello-%08d", i)
		revisions = append(revisions, rev)
	}
	plan := PlanFor(Seen{App: newApp("a"), Revisions: revisions, Route: routeTo("a", "")}, public, start)
	if got := len(plan.Status.Revisions); got != maxRoles || plan.Status.Role(name("a")) != v1alpha1.RoleLive {
		t.Errorf("%d roles, the first is %+v", got, plan.Status.Revisions[0])
	}
	if diff := cmp.Diff([]string{"hello-00000511"}, plan.Delete); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

// FuzzRoles checks over apps of 8 revisions that every one has a role once it is
// old enough, and that nothing goes that a head, a pin or the Route reaches, nor
// before it has been replaced for a minute.
func FuzzRoles(f *testing.F) {
	f.Add("hgfedcba", byte(0xff), byte(0), byte(9), uint16(3600))
	f.Add("ba", byte(0b10), byte(2), byte(3), uint16(30))
	f.Fuzz(func(t *testing.T, history string, readyBits, serving, pin byte, age uint16) {
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
		seen := Seen{App: app, Revisions: revisions, Route: routeTo(letter(serving), "")}
		plan := PlanFor(seen, public, start)
		if got := len(plan.Status.Revisions); age >= 10 && got != len(revisions) {
			t.Errorf("%d roles of %d revisions", got, len(revisions))
		}
		if len(plan.Delete) > 0 {
			t.Errorf("%v go at once", plan.Delete)
		}
		seen.App.Status, seen.Route = plan.Status, &v1alpha1.Route{Spec: plan.Route}
		plan = PlanFor(seen, public, start.Add(linger))
		reached := map[string]bool{app.Spec.Pin: true, seen.newest(): true}
		for _, target := range plan.Route.Traffic {
			reached[target.Revision] = true
		}
		for _, host := range plan.Route.RevisionHosts {
			reached[host.Revision] = true
		}
		for _, gone := range plan.Delete {
			if reached[gone] {
				t.Errorf("%s is deleted although it can be reached", gone)
			}
		}
		if left := len(revisions) - len(plan.Delete); age >= 10 && left > 3+1+1+1+1 {
			t.Errorf("%d revisions are left", left)
		}
	})
}

func TestDeployments(t *testing.T) {
	seen := Seen{App: newApp("a"), Revisions: []v1alpha1.Revision{revision("a", ready, time.Hour)}}
	seen.Revisions[0].Spec.Subject, seen.Revisions[0].Spec.Author = "Begin", "Ann"
	now := start
	step := func(change func()) {
		change()
		plan := PlanFor(seen, public, now)
		seen.App.Status, seen.Route = plan.Status, &v1alpha1.Route{Spec: plan.Route}
		now = now.Add(time.Minute)
	}
	push := func(history string) func() {
		return func() {
			status := seen.App.Status
			seen.App = newApp(history)
			seen.App.Status = status
			if c := history[:1]; seen.revision(name(c)) == nil {
				seen.Revisions = append(seen.Revisions, revision(c, ready, 0))
			}
		}
	}
	step(func() {})
	step(func() {}) // nothing changes
	step(push("ba"))
	step(func() {
		seen.revision(name("b")).Status.LastCrash = &v1alpha1.Crash{SeenAt: metav1.NewMicroTime(now), Message: "the app exited with code 1"}
	})
	step(func() { seen.revision(name("b")).Annotations = map[string]string{v1alpha1.AnnotationRetriedAt: "now"} })
	step(func() { seen.App.Spec.Pin = name("a") })
	step(func() { seen.App.Spec.Pin = "" })
	step(push("cba"))
	step(push("acb"))
	step(func() { seen.Revisions = nil })
	var got []string
	for _, d := range seen.App.Status.Deployments {
		if d.Until == nil || d.Commit != strings.Repeat(d.Revision[6:7], 40) {
			t.Errorf("%+v", d)
			continue
		}
		got = append(got, fmt.Sprintf("%s %v-%v %s; %s", d.Revision[6:7], d.From.Sub(start), d.Until.Sub(start), d.Cause, d.End))
	}
	want := []string{
		"a 8m0s-9m0s pushed again; no revision can take the traffic",
		"c 7m0s-8m0s pushed; replaced by hello-aaaaaaaa",
		"b 6m0s-7m0s unpinned; replaced by hello-cccccccc",
		"a 5m0s-6m0s pinned; replaced by hello-bbbbbbbb",
		"b 4m0s-5m0s retried; replaced by hello-aaaaaaaa, which is pinned",
		"a 3m0s-4m0s rolled back to, as hello-bbbbbbbb failed; replaced by hello-bbbbbbbb",
		"b 2m0s-3m0s pushed; failed: the app exited with code 1",
		"a 0s-2m0s first; replaced by hello-bbbbbbbb",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first := seen.App.Status.Deployments[7]; first.Subject != "Begin" || first.Author != "Ann" {
		t.Errorf("%+v", first)
	}
}
