package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// ruled gives the file of shop in a commit rules, such as "beta: {weight: 10}".
func ruled(s *Snapshot, rules ...string) *Snapshot {
	spec, err := specfile.Parse("shop/headway.yaml", []byte("name: shop\nrelease:\n  "+strings.Join(rules, "\n  ")))
	if err != nil {
		panic(err)
	}
	s.App("shop").Spec = spec
	return s
}

// tags are written as "v1.0.0@a1", from refs/tags/ on.
func tags(all ...string) Tags {
	refs := map[string]string{}
	for _, tag := range all {
		name, commit, _ := strings.Cut(tag, "@")
		refs["refs/tags/"+name] = hash(commit)
	}
	return ReadTags(refs)
}

// TestReleases: each step is a look at what git has by then, after what the
// steps before have made.
func TestReleases(t *testing.T) {
	const beta, v1, v2 = "refs/heads/beta", "refs/tags/v1.0.0", "refs/tags/v2.0.0"
	type step struct {
		name  string
		facts Facts
		want  string
	}
	for _, story := range []struct {
		name  string
		steps []step
	}{
		{"tags", []step{
			{"no tag yet: the branch has a revision, and nothing serves", Facts{Production: ruled(snap("a1", "shop:k1"), `"v*": {instant: true}`)}, `
app shop main@a1=shop-a1a1a1a1 serves=v* history= problem=NoRelease@a1
  make shop-a1a1a1a1 from main@a1
`},
			{"a tag on the branch's head, which did not touch the app: nothing is made", Facts{Production: ruled(snap("a9", "shop:k1"), `"v*": {instant: true}`), Tags: tags("v1.0.0@a9", "latest@a1"),
				Others: map[string]*Snapshot{v1: snap("a9", "shop:k1")}}, `
app shop main@a9=shop-a1a1a1a1 v1.0.0@a9=shop-a1a1a1a1 serves=v1.0.0 history=shop-a1a1a1a1
`},
			{"the branch goes on, and does not serve", Facts{Production: ruled(snap("b2", "shop:k2"), `"v*": {instant: true}`), Tags: tags("v1.0.0@a9"),
				Others: map[string]*Snapshot{v1: snap("a9", "shop:k1")}}, `
app shop main@b2=shop-b2b2b2b2 v1.0.0@a9=shop-a1a1a1a1 serves=v1.0.0 history=shop-a1a1a1a1
  make shop-b2b2b2b2 from main@b2
`},
			{"a newer tag, on a commit that does not touch the app", Facts{Production: ruled(snap("c3", "shop:k2"), `"v*": {instant: true}`), Tags: tags("v1.0.0@a9", "v2.0.0@c3"),
				Others: map[string]*Snapshot{v2: snap("c3", "shop:k2")}}, `
app shop main@c3=shop-b2b2b2b2 v2.0.0@c3=shop-b2b2b2b2 serves=v2.0.0 history=shop-b2b2b2b2,shop-a1a1a1a1
`},
			{"it is deleted: the one before serves, and nothing is made", Facts{Production: ruled(snap("c3", "shop:k2"), `"v*": {instant: true}`), Tags: tags("v1.0.0@a9"),
				Others: map[string]*Snapshot{v1: snap("a9", "shop:k1")}}, `
app shop main@c3=shop-b2b2b2b2 v1.0.0@a9=shop-a1a1a1a1 serves=v1.0.0 history=shop-a1a1a1a1,shop-b2b2b2b2
`},
			{"it is moved by force: another commit", Facts{Production: ruled(snap("c3", "shop:k2"), `"v*": {instant: true}`), Tags: tags("v1.0.0@d4"),
				Others: map[string]*Snapshot{v1: snap("d4", "shop:k4")}}, `
app shop main@c3=shop-b2b2b2b2 v1.0.0@d4=shop-d4d4d4d4 serves=v1.0.0 history=shop-d4d4d4d4,shop-a1a1a1a1,shop-b2b2b2b2
  make shop-d4d4d4d4 from v1.0.0@d4
`},
			{"a newer one without the app: what serves goes on", Facts{Production: ruled(snap("c3", "shop:k2"), `"v*": {instant: true}`), Tags: tags("v1.0.0@d4", "v2.0.0@e5"),
				Others: map[string]*Snapshot{v2: snap("e5", "web:k9")}}, `
app shop main@c3=shop-b2b2b2b2 v1.0.0@d4=shop-d4d4d4d4 serves=v1.0.0 history=shop-d4d4d4d4,shop-a1a1a1a1,shop-b2b2b2b2 problem=NoRelease@c3
`},
			{"the file on the branch breaks: what serves goes on", Facts{Production: snap("f6", "shop!InvalidSpec"), Tags: tags("v1.0.0@d4", "v2.0.0@e5"),
				Others: map[string]*Snapshot{v2: snap("e5", "shop:k5")}}, `
app shop main@c3=shop-b2b2b2b2 v1.0.0@d4=shop-d4d4d4d4 serves=v1.0.0 history=shop-d4d4d4d4,shop-a1a1a1a1,shop-b2b2b2b2 problem=InvalidSpec@f6
bad shop/headway.yaml (shop)
problem InvalidSpec
`},
			{"all tags are gone: what is live stays", Facts{Production: ruled(snap("c3", "shop:k2"), `"v*": {instant: true}`)}, `
app shop main@c3=shop-b2b2b2b2 serves=v* history=shop-d4d4d4d4,shop-a1a1a1a1,shop-b2b2b2b2 problem=NoRelease@c3
`},
			{"live shop-a1a1a1a1: what was on its way to that is on none", Facts{Production: ruled(snap("c3", "shop:k2"), `"v*": {instant: true}`)}, `
app shop main@c3=shop-b2b2b2b2 serves=v* history=shop-a1a1a1a1,shop-b2b2b2b2 problem=NoRelease@c3
`},
			{"the rule goes: the branch serves", Facts{Production: snap("c3", "shop:k2"), Tags: tags("v1.0.0@d4")}, `
app shop main@c3=shop-b2b2b2b2 history=shop-b2b2b2b2,shop-a1a1a1a1
`},
		}},
		{"from the branch to tags", []step{
			{"the branch serves", Facts{Production: snap("a1", "shop:k1")}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
  make shop-a1a1a1a1 from main@a1
`},
			{"no tag yet: what is live stays", Facts{Production: ruled(snap("b2", "shop:k2"), `"v*": {instant: true}`)}, `
app shop main@b2=shop-b2b2b2b2 serves=v* history=shop-a1a1a1a1 problem=NoRelease@b2
  make shop-b2b2b2b2 from main@b2
`},
			{"a tag before the branch's head", Facts{Production: ruled(snap("b2", "shop:k2"), `"v*": {instant: true}`), Tags: tags("v1.0.0@a1"),
				Others: map[string]*Snapshot{v1: snap("a1", "shop:k1")}}, `
app shop main@b2=shop-b2b2b2b2 v1.0.0@a1=shop-a1a1a1a1 serves=v1.0.0 history=shop-a1a1a1a1
`},
			{"one that cannot be read", Facts{Production: ruled(snap("b2", "shop:k2"), `"v*": {instant: true}`), Tags: tags("v1.0.0@a1", "v2.0.0@b2"),
				Unread: map[string]*Problem{v2: {v1alpha1.ReasonTooLarge, "it is large"}}}, `
app shop main@b2=shop-b2b2b2b2 v1.0.0@a1=shop-a1a1a1a1 serves=v1.0.0 history=shop-a1a1a1a1 problem=NoRelease@b2
`},
		}},
		{"a release that reverts one", []step{
			{"the first", Facts{Production: ruled(snap("a1", "shop:k1"), `"v*": {instant: true}`), Tags: tags("v1.0.0@a1"),
				Others: map[string]*Snapshot{v1: snap("a1", "shop:k1")}}, `
app shop main@a1=shop-a1a1a1a1 v1.0.0@a1=shop-a1a1a1a1 serves=v1.0.0 history=shop-a1a1a1a1
  make shop-a1a1a1a1 from main@a1
`},
			{"the second", Facts{Production: ruled(snap("b2", "shop:k2"), `"v*": {instant: true}`), Tags: tags("v1.0.1@b2"),
				Others: map[string]*Snapshot{"refs/tags/v1.0.1": snap("b2", "shop:k2")}}, `
app shop main@b2=shop-b2b2b2b2 v1.0.1@b2=shop-b2b2b2b2 serves=v1.0.1 history=shop-b2b2b2b2,shop-a1a1a1a1
  make shop-b2b2b2b2 from main@b2
`},
			{"a newer one with the files of the first, from another branch, is a revision of its own", Facts{Production: ruled(snap("b2", "shop:k2"), `"v*": {instant: true}`), Tags: tags("v2.0.0@d4"),
				Others: map[string]*Snapshot{v2: snap("d4", "shop:k1")}}, `
app shop main@b2=shop-b2b2b2b2 v2.0.0@d4=shop-d4d4d4d4 serves=v2.0.0 history=shop-d4d4d4d4,shop-b2b2b2b2,shop-a1a1a1a1
  make shop-d4d4d4d4 from v2.0.0@d4
`},
		}},
		{"a share", []step{
			{"a branch that only the rule of one app names", Facts{Production: ruled(snap("a1", "shop:k1", "web:w1"), `beta: {weight: 10}`),
				Others: map[string]*Snapshot{beta: snap("b2", "shop:k2", "web:w2")}, Ruled: map[string]bool{beta: true}}, `
app shop beta@b2=shop-b2b2b2b2 main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
  make shop-a1a1a1a1 from main@a1
  make shop-b2b2b2b2 from beta@b2
app web main@a1=web-a1a1a1a1 history=web-a1a1a1a1
  make web-a1a1a1a1 from main@a1
`},
			{"the file on production breaks: the branch goes on by the rules from before", Facts{Production: snap("c3", "shop!InvalidSpec", "web:w1"),
				Others: map[string]*Snapshot{beta: snap("b2", "shop:k2")}, Ruled: map[string]bool{beta: true}}, `
app shop beta@b2=shop-b2b2b2b2 main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=InvalidSpec@c3
app web main@c3=web-a1a1a1a1 history=web-a1a1a1a1
bad shop/headway.yaml (shop)
problem InvalidSpec
`},
			{"it is merged: its share goes on until production has it", Facts{Production: ruled(snap("d4", "shop:k2"), `beta: {weight: 10}`),
				Others: map[string]*Snapshot{beta: snap("b2", "shop:k2")}, Ruled: map[string]bool{beta: true}}, `
app shop beta@b2=shop-b2b2b2b2 main@d4=shop-d4d4d4d4 history=shop-d4d4d4d4,shop-a1a1a1a1
  make shop-d4d4d4d4 from main@d4
remove web
`},
			{"live shop-d4d4d4d4", Facts{Production: ruled(snap("d4", "shop:k2"), `beta: {weight: 10}`),
				Others: map[string]*Snapshot{beta: snap("b2", "shop:k2")}, Ruled: map[string]bool{beta: true}}, `
app shop beta@b2=shop-d4d4d4d4 main@d4=shop-d4d4d4d4 history=shop-d4d4d4d4,shop-a1a1a1a1
`},
			{"it is deleted", Facts{Production: ruled(snap("d4", "shop:k2"), `beta: {weight: 10}`)}, `
app shop main@d4=shop-d4d4d4d4 history=shop-d4d4d4d4,shop-a1a1a1a1
`},
			{"the rule is gone, and the branch is still read", Facts{Production: snap("d4", "shop:k2"),
				Others: map[string]*Snapshot{beta: snap("b2", "shop:k2")}, Ruled: map[string]bool{beta: true}}, `
app shop main@d4=shop-d4d4d4d4 history=shop-d4d4d4d4,shop-a1a1a1a1
`},
		}},
		{"approval", []step{
			{"none", Facts{Production: snap("a1", "shop:k1"), Tags: tags("headway/approve/web/a1a1a1a@a1", "headway/approve/shop/a1a1a1a@b2", "headway/approve/shop/a1a1a1@a1", "headway/promote/shop/b2b2b2b@b2")}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
  make shop-a1a1a1a1 from main@a1
`},
			{"of the commit", Facts{Production: snap("a1", "shop:k1"), Tags: tags("headway/approve/shop/a1a1a1a@a1")}, `
app shop main@a1=shop-a1a1a1a1+approved history=shop-a1a1a1a1
`},
			{"of the commit before, which the newest does not change for the app", Facts{Production: snap("b2", "shop:k1"), Tags: tags("headway/approve/shop/a1a1a1a@a1")}, `
app shop main@b2=shop-a1a1a1a1+approved history=shop-a1a1a1a1
`},
			{"of the newest, by its whole hash", Facts{Production: snap("b2", "shop:k1"), Tags: tags("headway/promote/shop/" + hash("b2") + "@b2")}, `
app shop main@b2=shop-a1a1a1a1+promoted history=shop-a1a1a1a1
`},
			{"the next commit is not", Facts{Production: snap("c3", "shop:k3"), Tags: tags("headway/approve/shop/a1a1a1a@a1", "headway/promote/shop/b2b2b2b@b2")}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1
  make shop-c3c3c3c3 from main@c3
`},
			{"of a branch", Facts{Production: snap("c3", "shop:k3"), Tags: tags("headway/approve/shop/d4d4d4d@d4"), Others: map[string]*Snapshot{beta: snap("d4", "shop:k4")}}, `
app shop beta@d4=shop-d4d4d4d4+approved main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1
  make shop-d4d4d4d4 from beta@d4
`},
		}},
	} {
		t.Run(story.name, func(t *testing.T) {
			var f Facts
			for _, step := range story.steps {
				next := step.facts
				next.Repository, next.ProductionRef = "repo", main
				next.Apps, next.Revisions = f.Apps, f.Revisions
				for ref := range next.Others {
					if strings.HasPrefix(ref, tagPrefix) {
						next.Ruled = map[string]bool{ref: true}
					}
				}
				if live, said := strings.CutPrefix(step.name, "live "); said {
					f.Apps["shop"].Status.Live, _, _ = strings.Cut(live, ":")
				}
				p := Make(next)
				if diff := cmp.Diff(strings.TrimPrefix(step.want, "\n"), show(p)); diff != "" {
					t.Fatalf("%s (-want +got)\n%s", step.name, diff)
				}
				f = after(next, p)
				again := Make(f)
				for i := range p.Apps {
					if diff := cmp.Diff(p.Apps[i].Spec, again.Apps[i].Spec); diff != "" || again.Apps[i].Revisions != nil {
						t.Fatalf("%s: planned again, it is other (-first +second)\n%s", step.name, diff)
					}
				}
			}
		})
	}
}

// TestNothingFollowsWhatIsLive where no tag is released any more: neither what
// was on its way nor, should it come again, what failed.
func TestNothingFollowsWhatIsLive(t *testing.T) {
	shop := app("shop", []v1alpha1.Head{head("refs/tags/v4.0.0", "d4", "shop-d4d4d4d4")}, "shop-d4d4d4d4", "shop-c3c3c3c3", "shop-b2b2b2b2", "shop-a1a1a1a1")
	shop.Spec.ProductionRef, shop.Status.Live = "refs/tags/v4.0.0", "shop-b2b2b2b2"
	shop.Status.Revisions = []v1alpha1.RevisionRole{{Name: "shop-d4d4d4d4", Role: v1alpha1.RoleCandidate}, {Name: "shop-c3c3c3c3", Role: v1alpha1.RoleQuarantined}}
	for name, f := range map[string]Facts{
		"no tag":             {},
		"one without a head": {Tags: tags("v1.0.0@a1")},
	} {
		shop := shop.DeepCopy()
		f.Repository, f.ProductionRef, f.Apps = "repo", main, apps(shop)
		f.Production = ruled(snap("b2", "shop:k2"), `"v*": {canary: {steps: [1]}}`)
		if f.Tags.versions != nil {
			shop.Spec.Heads = nil
		}
		if diff := cmp.Diff([]string{"shop-c3c3c3c3", "shop-b2b2b2b2", "shop-a1a1a1a1"}, Make(f).Apps[0].Spec.History); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestNoReleaseSaysWhatToDo(t *testing.T) {
	for _, test := range []struct{ rules, others, want string }{
		{`"v*": {instant: true}`, "", "no tag that is a version matches v*, so that no new version goes live. Push one: git tag v1.0.0 && git push origin v1.0.0"},
		{`"shop/[0-9]*": {instant: true}`, "", "no tag that is a version matches shop/[0-9]*, so that no new version goes live. Push one: git tag shop/1.0.0 && git push origin shop/1.0.0"},
		{`shop/v1.2.3: {instant: true}`, "", "no tag that is a version matches shop/v1.2.3, so that no new version goes live. Push one: git tag shop/v1.2.3 && git push origin shop/v1.2.3"},
		{`"v7*": {instant: true}`, "", "no tag that is a version matches v7*, so that no new version goes live. Push one"},
		{`"v*": {instant: true}`, "web:k1", `v1.0.0 cannot be released: its commit has no usable headway.yaml with the name "shop"`},
		{`"v*": {instant: true}`, "shop!InvalidSpec", "v1.0.0 cannot be released: x.yaml:1:1: InvalidSpec"},
		{`"v*": {instant: true}`, "nothing", "v1.0.0 cannot be released: it points at no commit"},
	} {
		f := Facts{Repository: "repo", ProductionRef: main, Production: ruled(snap("b2", "shop:k2"), test.rules)}
		if test.others != "" {
			f.Tags = tags("v1.0.0@a1")
			if test.others != "nothing" {
				f.Others = map[string]*Snapshot{"refs/tags/v1.0.0": snap("a1", test.others)}
			}
		}
		if got := Make(f).Apps[0].Spec.Problem; got == nil || got.Message != test.want {
			t.Errorf("%s, %s:\ngot  %+v\nwant %s", test.rules, test.others, got, test.want)
		}
	}
}

// TestRulesComeFromProduction: a branch, or the commit of a tag, says how it is
// built and run, and nothing about whose requests it gets.
func TestRulesComeFromProduction(t *testing.T) {
	const beta, v1 = "refs/heads/beta", "refs/tags/v1.0.0"
	for _, production := range []string{`beta: {weight: 10}`, `"v*": {canary: {steps: [1]}}`} {
		own := ruled(snap("c3", "shop:k3"), `beta: {weight: 90}`, `main: {instant: true}`)
		own.App("shop").Spec.Hold, own.App("shop").Spec.Sticky = true, &v1alpha1.Sticky{}
		f := Facts{Repository: "repo", ProductionRef: main, Tags: tags("v1.0.0@c3"),
			Production: ruled(snap("b2", "shop:k2"), production), Others: map[string]*Snapshot{beta: own, v1: own}}
		spec := Make(f).Apps[0].Spec
		if diff := cmp.Diff(f.Production.App("shop").Spec.Release, spec.Release); diff != "" || spec.Hold || spec.Sticky != nil {
			t.Errorf("%s: hold %v, sticky %v, release (-want +got)\n%s", production, spec.Hold, spec.Sticky, diff)
		}
		f.Production.App("shop").Spec.Hold, f.Production.App("shop").Spec.Sticky = true, &v1alpha1.Sticky{Header: "X-User"}
		if spec = Make(f).Apps[0].Spec; !spec.Hold || spec.Sticky == nil || spec.Sticky.Header != "X-User" {
			t.Errorf("%s: hold %v, sticky %v", production, spec.Hold, spec.Sticky)
		}
	}
}

func TestMisruled(t *testing.T) {
	for _, test := range []struct {
		rules []string
		want  string
	}{
		{[]string{`main: {canary: {steps: [1]}}`, `beta: {weight: 10, promote: {to: main, after: 24h}}`}, ""},
		{[]string{`"*": {canary: {steps: [1]}}`, `"feat/*": {weight: 10}`}, ""},
		{[]string{`"*": {weight: 10}`}, ""},
		{[]string{`"v*": {bluegreen: {}}`, `"nightly-*": {instant: true}`, `beta: {weight: 10}`}, ""},
		{[]string{`main: {instant: true}`, `"v*": {bluegreen: {}}`},
			"shop/headway.yaml:4:3: release.v*: ends at 100% and is for tags, while main is for the production branch main; a version comes from one of the two: keep main to release each push, or v* to release tags. To give a branch a share, write weight: 10"},
		{[]string{`mian: {canary: {steps: [1]}}`},
			"shop/headway.yaml:3:3: release.mian: is not the production branch, which is main, and cannot be the version of a tag; give a branch a share, such as weight: 10"},
		{[]string{`main: {instant: true}`, `"m*": {bluegreen: {}}`}, "shop/headway.yaml:4:3: release.m*: never applies, as main before it is for the production branch main already"},
		{[]string{`main: {weight: 10}`}, "shop/headway.yaml:3:3: release.main: is the production branch; a share is for other branches"},
		{[]string{`"v*": {instant: true}`, `"m*": {weight: 10}`}, "shop/headway.yaml:4:3: release.m*: also names the production branch main, which has no traffic where tags are released; write a narrower glob"},
		{[]string{`beta: {weight: 10, promote: {to: master, after: 24h}}`}, "shop/headway.yaml:3:36: release.beta.promote.to: master is not the production branch, which is main"},
	} {
		s := ruled(snap("a1", "shop:k1"), test.rules...)
		got := s.App("shop").Misruled(main)
		if diff := cmp.Diff(test.want, got.Error()); diff != "" {
			t.Errorf("%q (-want +got)\n%s", test.rules, diff)
		}
		p := Make(Facts{Repository: "repo", ProductionRef: main, Production: s})
		if made := len(p.Apps) == 1; made != (test.want == "") {
			t.Errorf("%q: the plan has %d apps", test.rules, len(p.Apps))
		}
	}
}

func globs(all ...string) (rules []v1alpha1.Rule) {
	for _, refs := range all {
		rules = append(rules, v1alpha1.Rule{Refs: refs})
	}
	return rules
}

// TestNewestVersion: of each list, the first is the newest.
func TestNewestVersion(t *testing.T) {
	for _, list := range [][]string{
		{"v2.0.0", "v2.0.0-rc.10", "v2.0.0-rc.9", "v1.10.0", "v1.9.9", "v1.9", "v1", "v0.0.1"},
		{"10.0.0", "9.0.0", "1.2.3-alpha"},
		{"shop/v1.2.0", "shop/v1.1.9"},
		{"v3.0.0+build.1", "v2.9.9"},
	} {
		var named []string
		for i := range list {
			named = append(named, list[len(list)-1-i]+"@a1")
		}
		named = append(named, "latest@a1", "v1.2.3.4@a1", "version-9@a1", "vv9.0.0@a1", "headway/approve/shop/9999999@a1")
		for i := range list {
			if got, _ := tags(named[:len(list)-i]...).newest(globs("*", "*/*")); got.ref != "refs/tags/"+list[i] {
				t.Errorf("of %v: %s", named[:len(list)-i], got.ref)
			}
		}
		if got, _ := tags(named...).newest(globs("x", "*", "*/*", "*/*/*/*")); got.ref != "refs/tags/"+list[0] {
			t.Errorf("of %v: %s", named, got.ref)
		}
	}
	if got, found := tags("v1.0.0@a1", "w2.0.0@a1").newest(globs("w*")); found {
		t.Errorf("%s is no version", got.ref)
	}
}

func TestAsked(t *testing.T) {
	refs := map[string]string{}
	for _, ref := range []string{"heads/main", "heads/beta", "heads/feat/cart", "heads/feat/cart/2", "heads/old", "tags/v1.0.0", "tags/v2.0.0", "tags/shop/v3.0.0", "tags/beta", "pull/1/head"} {
		refs["refs/"+ref] = hash("a1")
	}
	old := app("web", nil)
	old.Spec.Release = []v1alpha1.Rule{{Refs: "old", Weight: 100}}
	for _, test := range []struct {
		rules []string
		want  string
	}{
		{nil, "[refs/heads/old] []"},
		{[]string{`beta: {weight: 10}`, `"feat/*": {match: {method: GET}}`}, "[refs/heads/beta refs/heads/feat/cart refs/heads/old] []"},
		{[]string{`"*": {weight: 10}`}, "[refs/heads/beta refs/heads/old] []"},
		{[]string{`"v*": {instant: true}`}, "[refs/heads/old] [refs/tags/v2.0.0]"},
		{[]string{`"shop/v*": {instant: true}`, `"v1*": {instant: true}`}, "[refs/heads/old] [refs/tags/shop/v3.0.0]"},
		{[]string{`main: {canary: {steps: [1]}}`}, "[refs/heads/old] []"},
	} {
		f := Facts{ProductionRef: main, Tags: ReadTags(refs), Apps: apps(old), Production: snap("a1", "shop:k1", "bad!InvalidSpec")}
		if test.rules != nil {
			ruled(f.Production, test.rules...)
		}
		branches, releases := f.Asked(refs)
		if got := fmt.Sprint(branches, releases); got != test.want {
			t.Errorf("%q asks for %s, want %s", test.rules, got, test.want)
		}
	}
}
