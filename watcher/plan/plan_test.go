package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/specfile"
)

const main = "refs/heads/main"

// hash makes a commit of a short name: "a1" is a1a1a1...
func hash(short string) string { return strings.Repeat(short, 40)[:40] }

// snap is a commit with apps written as "name:key", "name:key:pin",
// "name!reason" or "!reason", each in the file <name>/headway.yaml; "file=..."
// sets another file. "file=?name!reason" is one that cannot be read and seems
// to have the name, "file={{" a model with placeholders.
func snap(commit string, apps ...string) *Snapshot {
	s := &Snapshot{Commit: hash(commit), Subject: "subject of " + commit, Author: "Ada"}
	for _, a := range apps {
		file, rest, given := strings.Cut(a, "=")
		if !given {
			file, rest = "", a
		}
		var c Candidate
		if name, reason, bad := strings.Cut(rest, "!"); bad {
			c = Candidate{Name: name, Problem: &Problem{reason, "x.yaml:1:1: " + reason}}
			if claims, unread := strings.CutPrefix(name, "?"); unread {
				c.Name, c.claims = "", claims
			}
		} else if rest == "{{" {
			c = Candidate{Template: true, Problem: &Problem{v1alpha1.ReasonInvalidSpec, "x.yaml:1:1: {{"}}
		} else {
			parts := strings.Split(rest+"::", ":")
			c = Candidate{Name: parts[0], key: parts[1], specHash: "s",
				Spec: &specfile.Spec{Pin: parts[2], Path: parts[0]}, App: &detect.App{Build: &v1alpha1.Build{Template: "go"}}}
		}
		if c.File = file; file == "" {
			c.File = c.Name + "/headway.yaml"
		}
		s.Apps = append(s.Apps, c)
	}
	markDuplicates(s.Apps)
	return s
}

// app is an App as an earlier plan made it.
func app(name string, heads []v1alpha1.Head, history ...string) *v1alpha1.App {
	return &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.AppSpec{
		Repository: "repo", Path: name + "/headway.yaml", ProductionRef: main, Heads: heads, History: history}}
}

func head(ref, commit, revision string) v1alpha1.Head {
	return v1alpha1.Head{Ref: ref, Commit: hash(commit), Revision: revision}
}

func revision(name, app, commit, key string) *v1alpha1.Revision {
	return &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.RevisionSpec{App: app, Commit: hash(commit), Source: v1alpha1.CodeSource{Key: key, SpecHash: "s"}}}
}

func apps(all ...*v1alpha1.App) map[string]*v1alpha1.App {
	out := map[string]*v1alpha1.App{}
	for _, a := range all {
		out[a.Name] = a
	}
	return out
}

// show writes a plan in a few lines.
func show(p Plan) string {
	var b strings.Builder
	for _, a := range p.Apps {
		fmt.Fprintf(&b, "app %s", a.Name)
		for _, h := range a.Spec.Heads {
			fmt.Fprintf(&b, " %s@%s=%s", v1alpha1.ShortRef(h.Ref), h.Commit[:2], h.Revision)
			for said, is := range map[string]bool{"+approved": h.Approved, "+promoted": h.Promoted} {
				if is {
					b.WriteString(said)
				}
			}
		}
		if a.Spec.ProductionRef != main {
			fmt.Fprintf(&b, " serves=%s", v1alpha1.ShortRef(a.Spec.ProductionRef))
		}
		fmt.Fprintf(&b, " history=%s", strings.Join(a.Spec.History, ","))
		if a.Spec.Pin != "" {
			fmt.Fprintf(&b, " pin=%s@%s", a.Spec.Pin, (a.Spec.PinCommit + "??")[:2])
		}
		if a.Spec.Problem != nil {
			fmt.Fprintf(&b, " problem=%s@%s", a.Spec.Problem.Reason, a.Spec.Problem.Commit[:2])
		}
		b.WriteString("\n")
		for _, r := range a.Revisions {
			fmt.Fprintf(&b, "  make %s from %s@%s\n", r.Name, v1alpha1.ShortRef(r.Ref), r.Snapshot.Commit[:2])
		}
	}
	for _, gone := range p.Remove {
		fmt.Fprintf(&b, "remove %s\n", gone.App)
	}
	for _, f := range p.Files {
		if f.Error != "" {
			fmt.Fprintf(&b, "bad %s (%s)\n", f.Path, f.Name)
		}
	}
	for _, why := range p.Problems {
		fmt.Fprintf(&b, "problem %s\n", why.Reason)
	}
	for _, file := range p.Templates {
		fmt.Fprintf(&b, "skip %s\n", file)
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	shop := app("shop", []v1alpha1.Head{head(main, "a1", "shop-a1a1a1a1")}, "shop-a1a1a1a1")
	shopA1 := revision("shop-a1a1a1a1", "shop", "a1", "k1")
	shopC3 := revision("shop-c3c3c3c3", "shop", "c3", "k3")
	tests := []struct {
		name  string
		Facts Facts
		want  string
	}{
		{"a new repository", Facts{Production: snap("a1", "shop:k1", "web:k2")}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
  make shop-a1a1a1a1 from main@a1
app web main@a1=web-a1a1a1a1 history=web-a1a1a1a1
  make web-a1a1a1a1 from main@a1
`},
		{"nothing moved", Facts{Production: snap("a1", "shop:k1"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
`},
		{"a commit that does not touch the app", Facts{Production: snap("b2", "shop:k1"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@b2=shop-a1a1a1a1 history=shop-a1a1a1a1
`},
		{"a commit that does", Facts{Production: snap("b2", "shop:k2"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@b2=shop-b2b2b2b2 history=shop-b2b2b2b2,shop-a1a1a1a1
  make shop-b2b2b2b2 from main@b2
`},
		{"the revision was deleted by hand", Facts{Production: snap("a1", "shop:k1"), Apps: apps(shop)}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
  make shop-a1a1a1a1 from main@a1
`},
		{"a revert makes a revision of its own", Facts{Production: snap("c3", "shop:k1"),
			Apps:      apps(app("shop", []v1alpha1.Head{head(main, "b2", "shop-b2b2b2b2")}, "shop-b2b2b2b2", "shop-a1a1a1a1")),
			Revisions: []*v1alpha1.Revision{shopA1, revision("shop-b2b2b2b2", "shop", "b2", "k2")}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-b2b2b2b2,shop-a1a1a1a1
  make shop-c3c3c3c3 from main@c3
`},
		{"a force-push back to an old commit", Facts{Production: snap("a1", "shop:k1"),
			Apps:      apps(app("shop", []v1alpha1.Head{head(main, "b2", "shop-b2b2b2b2")}, "shop-b2b2b2b2", "shop-a1a1a1a1")),
			Revisions: []*v1alpha1.Revision{shopA1, revision("shop-b2b2b2b2", "shop", "b2", "k2")}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1,shop-b2b2b2b2
`},
		{"the name of a revision is taken by another commit", Facts{Production: snap("b2", "shop:k2"), Apps: apps(shop),
			Revisions: []*v1alpha1.Revision{shopA1, revision("shop-b2b2b2b2", "shop", "ff", "k0")}}, `
app shop main@b2=shop-b2b2b2b2b2b2 history=shop-b2b2b2b2b2b2,shop-a1a1a1a1
  make shop-b2b2b2b2b2b2 from main@b2
`},
		{"headway.yaml is broken", Facts{Production: snap("b2", "shop/headway.yaml=!InvalidSpec"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=InvalidSpec@b2
bad shop/headway.yaml (shop)
problem InvalidSpec
`},
		{"no template fits any more", Facts{Production: snap("b2", "shop!NoTemplateFit"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=NoTemplateFit@b2
bad shop/headway.yaml (shop)
problem NoTemplateFit
`},
		{"headway.yaml is well again", Facts{Production: snap("c3", "shop:k1"), Revisions: []*v1alpha1.Revision{shopA1},
			Apps: apps(func() *v1alpha1.App {
				a := shop.DeepCopy()
				a.Spec.Problem = &v1alpha1.SpecProblem{Commit: hash("b2"), Reason: "InvalidSpec"}
				return a
			}())}, `
app shop main@c3=shop-a1a1a1a1 history=shop-a1a1a1a1
`},
		{"a new app with a broken file is not made", Facts{Production: snap("b2", "shop:k1", "new/headway.yaml=!InvalidSpec"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@b2=shop-a1a1a1a1 history=shop-a1a1a1a1
bad new/headway.yaml ()
problem InvalidSpec
`},
		{"headway.yaml is gone", Facts{Production: snap("b2", "web:k2"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app web main@b2=web-b2b2b2b2 history=web-b2b2b2b2
  make web-b2b2b2b2 from main@b2
remove shop
`},
		{"all are gone", Facts{Production: snap("b2"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
remove shop
`},
		{"a file that is moved and broken keeps its app", Facts{Production: snap("b2", "elsewhere/headway.yaml=!InvalidSpec"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=FileMissing@b2
bad elsewhere/headway.yaml ()
problem InvalidSpec
`},
		{"a file that is moved", Facts{Production: snap("b2", "elsewhere/headway.yaml=shop:k1"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@b2=shop-a1a1a1a1 history=shop-a1a1a1a1
`},
		{"two files with one name", Facts{Production: snap("b2", "shop:k2", "copy/headway.yaml=shop:k2"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=NameConflict@b2
bad shop/headway.yaml (shop)
bad copy/headway.yaml (shop)
problem NameConflict
problem NameConflict
`},
		{"a name that another Repository has", Facts{Production: snap("b2", "web:k2"), Foreign: map[string]string{"web": "other"}}, `
bad web/headway.yaml (web)
problem NameConflict
`},
		{"a further branch at the production commit", Facts{Production: snap("a1", "shop:k1"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1},
			Others: map[string]*Snapshot{"refs/heads/beta": snap("a1", "shop:k1")}}, `
app shop beta@a1=shop-a1a1a1a1 main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
`},
		{"a further branch that touches another app only", Facts{Production: snap("a1", "shop:k1"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1},
			Others: map[string]*Snapshot{"refs/heads/beta": snap("b2", "shop:k1")}}, `
app shop beta@b2=shop-a1a1a1a1 main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
`},
		{"a further branch that touches the app", Facts{Production: snap("a1", "shop:k1"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1},
			Others: map[string]*Snapshot{"refs/heads/beta": snap("b2", "shop:k2")}}, `
app shop beta@b2=shop-b2b2b2b2 main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
  make shop-b2b2b2b2 from beta@b2
`},
		{"it is merged: the revision is production's", Facts{Production: snap("b2", "shop:k2"),
			Apps:      apps(app("shop", []v1alpha1.Head{head("refs/heads/beta", "b2", "shop-b2b2b2b2"), head(main, "a1", "shop-a1a1a1a1")}, "shop-a1a1a1a1")),
			Revisions: []*v1alpha1.Revision{shopA1, revision("shop-b2b2b2b2", "shop", "b2", "k2")}}, `
app shop main@b2=shop-b2b2b2b2 history=shop-b2b2b2b2,shop-a1a1a1a1
`},
		{"a tag and a branch at one commit share a revision", Facts{Production: snap("a1", "shop:k1"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1},
			Others: map[string]*Snapshot{"refs/heads/beta": snap("b2", "shop:k2"), "refs/tags/v1": snap("b2", "shop:k2")}}, `
app shop beta@b2=shop-b2b2b2b2 main@a1=shop-a1a1a1a1 v1@b2=shop-b2b2b2b2 history=shop-a1a1a1a1
  make shop-b2b2b2b2 from beta@b2
`},
		{"an app that only a further branch has is none", Facts{Production: snap("a1", "shop:k1"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1},
			Others: map[string]*Snapshot{"refs/heads/beta": snap("b2", "shop:k1", "new:k9")}}, `
app shop beta@b2=shop-a1a1a1a1 main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
`},
		{"a further branch whose file breaks keeps its head", Facts{Production: snap("a1", "shop:k1"),
			Apps:      apps(app("shop", []v1alpha1.Head{head("refs/heads/beta", "b2", "shop-b2b2b2b2"), head(main, "a1", "shop-a1a1a1a1")}, "shop-a1a1a1a1")),
			Revisions: []*v1alpha1.Revision{shopA1, revision("shop-b2b2b2b2", "shop", "b2", "k2")},
			Others:    map[string]*Snapshot{"refs/heads/beta": snap("c3", "shop/headway.yaml=!InvalidSpec", "unknown!NoTemplateFit")}}, `
app shop beta@c3=shop-b2b2b2b2 main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
problem InvalidSpec
`},
		{"a further branch goes on while production is broken", Facts{Production: snap("b2", "shop!InvalidSpec"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1},
			Others: map[string]*Snapshot{"refs/heads/fix": snap("c3", "shop:k3")}}, `
app shop fix@c3=shop-c3c3c3c3 main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=InvalidSpec@b2
  make shop-c3c3c3c3 from fix@c3
bad shop/headway.yaml (shop)
problem InvalidSpec
`},
		{"a deleted branch is no head any more", Facts{Production: snap("a1", "shop:k1"),
			Apps:      apps(app("shop", []v1alpha1.Head{head("refs/heads/beta", "b2", "shop-b2b2b2b2"), head(main, "a1", "shop-a1a1a1a1")}, "shop-a1a1a1a1")),
			Revisions: []*v1alpha1.Revision{shopA1, revision("shop-b2b2b2b2", "shop", "b2", "k2")}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1
`},
		{"pin of a revision that is", Facts{Production: snap("b2", "shop:k2:a1a1a1a"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@b2=shop-b2b2b2b2 history=shop-b2b2b2b2,shop-a1a1a1a1 pin=shop-a1a1a1a1@a1
  make shop-b2b2b2b2 from main@b2
`},
		{"pin of a commit that did not touch the app", Facts{Production: snap("c3", "shop:k1:"+hash("b2")), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1},
			Pinned: map[string]*Snapshot{hash("b2"): snap("b2", "shop:k1")}}, `
app shop main@c3=shop-a1a1a1a1 history=shop-a1a1a1a1 pin=shop-a1a1a1a1@b2
`},
		{"pin of a commit whose revision is gone", Facts{Production: snap("c3", "shop:k1:"+hash("b2")), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1},
			Pinned: map[string]*Snapshot{hash("b2"): snap("b2", "shop:k2")}}, `
app shop main@c3=shop-a1a1a1a1 history=shop-a1a1a1a1 pin=shop-b2b2b2b2@b2
  make shop-b2b2b2b2 from main@b2
`},
		{"pin of itself", Facts{Production: snap("b2", "shop:k2:b2b2b2b2"), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@b2=shop-b2b2b2b2 history=shop-b2b2b2b2,shop-a1a1a1a1 pin=shop-b2b2b2b2@b2
  make shop-b2b2b2b2 from main@b2
`},
		{"pin of nothing", Facts{Production: snap("c3", "shop:k3:"+hash("99")), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=PinNotFound@c3
bad shop/headway.yaml (shop)
problem PinNotFound
`},
		{"pin of a commit without the app", Facts{Production: snap("c3", "shop:k3:"+hash("99")), Apps: apps(shop), Revisions: []*v1alpha1.Revision{shopA1},
			Pinned: map[string]*Snapshot{hash("99"): snap("99", "web:k1")}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=PinNotFound@c3
bad shop/headway.yaml (shop)
problem PinNotFound
`},
		{"pin that could be two", Facts{Production: snap("c3", "shop:k3:a1"), Apps: apps(shop),
			Revisions: []*v1alpha1.Revision{shopA1, revision("shop-a1a2", "shop", "a1a2", "k9")}}, `
app shop main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=PinNotFound@c3
bad shop/headway.yaml (shop)
problem PinNotFound
`},
		{"a short pin whose revision is lost is that of the commit it was", Facts{Production: snap("c3", "shop:k3:a1a1a1a1"), Apps: pinnedShop("a1"),
			Revisions: []*v1alpha1.Revision{shopC3}, Pinned: map[string]*Snapshot{hash("a1"): snap("a1", "shop:k1")}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1 pin=shop-a1a1a1a1@a1
  make shop-a1a1a1a1 from main@a1
`},
		{"and one whose commit was not remembered is searched for", Facts{Production: snap("c3", "shop:k3:a1a1a1a1"), Apps: pinnedShop(""),
			Revisions: []*v1alpha1.Revision{shopC3}, Pinned: map[string]*Snapshot{"a1a1a1a1": snap("a1", "shop:k1")}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1 pin=shop-a1a1a1a1@a1
  make shop-a1a1a1a1 from main@a1
`},
		{"a commit that was not remembered is, once its revision tells", Facts{Production: snap("c3", "shop:k3:a1a1a1a1"), Apps: pinnedShop(""),
			Revisions: []*v1alpha1.Revision{shopA1, shopC3}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1 pin=shop-a1a1a1a1@a1
`},
		{"a short pin of what production pointed at before", Facts{Production: snap("c3", "shop:k3:a1a1a1a1"), Apps: apps(shop),
			Pinned: map[string]*Snapshot{hash("a1"): snap("a1", "shop:k1")}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1 pin=shop-a1a1a1a1@a1
  make shop-c3c3c3c3 from main@c3
  make shop-a1a1a1a1 from main@a1
`},
		{"a short pin goes on meaning its commit when another begins like it", Facts{Production: snap("c3", "shop:k3:a1"), Apps: pinnedShop("a1"),
			Revisions: []*v1alpha1.Revision{shopA1, shopC3, revision("shop-a1a2", "shop", "a1a2", "k9")}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1 pin=shop-a1a1a1a1@a1
`},
		{"a pin of a commit that did not touch the app stays without reading it", Facts{Production: snap("c3", "shop:k3:b2b2b2b2"), Apps: pinnedShop("b2"),
			Revisions: []*v1alpha1.Revision{shopA1, shopC3}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1 pin=shop-a1a1a1a1@b2
`},
		{"a pin that is not found leaves the former", Facts{Production: snap("d4", "shop:k4:99999999"), Apps: pinnedShop("a1"),
			Revisions: []*v1alpha1.Revision{shopA1, shopC3}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1 pin=shop-a1a1a1a1@a1 problem=PinNotFound@d4
bad shop/headway.yaml (shop)
problem PinNotFound
`},
		{"and makes the former's revision again when it is lost", Facts{Production: snap("d4", "shop:k4:99999999"), Apps: pinnedShop("a1"),
			Revisions: []*v1alpha1.Revision{shopC3}, Pinned: map[string]*Snapshot{hash("a1"): snap("a1", "shop:k1")}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1 pin=shop-a1a1a1a1@a1 problem=PinNotFound@d4
  make shop-a1a1a1a1 from main@a1
bad shop/headway.yaml (shop)
problem PinNotFound
`},
		{"a broken headway.yaml leaves the pin", Facts{Production: snap("d4", "shop!InvalidSpec"), Apps: pinnedShop("a1"),
			Revisions: []*v1alpha1.Revision{shopC3}, Pinned: map[string]*Snapshot{hash("a1"): snap("a1", "shop:k1")}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1 pin=shop-a1a1a1a1@a1 problem=InvalidSpec@d4
  make shop-a1a1a1a1 from main@a1
bad shop/headway.yaml (shop)
problem InvalidSpec
`},
		{"no pin any more", Facts{Production: snap("c3", "shop:k3"), Apps: pinnedShop("a1"), Revisions: []*v1alpha1.Revision{shopC3}}, `
app shop main@c3=shop-c3c3c3c3 history=shop-c3c3c3c3,shop-a1a1a1a1
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := test.Facts
			f.Repository, f.ProductionRef = "repo", main
			frozen := fmt.Sprintf("%+v %+v", f.Apps, f.Revisions)
			got := show(Make(f))
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if again := show(Make(f)); again != got {
				t.Errorf("planning twice differs:\n%s\n%s", got, again)
			}
			if fmt.Sprintf("%+v %+v", f.Apps, f.Revisions) != frozen {
				t.Error("planning changed the facts")
			}
		})
	}
}

// after is what a look sees when a plan has been carried out.
func after(f Facts, p Plan) Facts {
	before := f.Apps
	f.Apps = map[string]*v1alpha1.App{}
	for _, a := range p.Apps {
		f.Apps[a.Name] = &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Name: a.Name}, Spec: a.Spec}
		if was := before[a.Name]; was != nil {
			f.Apps[a.Name].Status = was.Status
		}
		for _, r := range a.Revisions {
			f.Revisions = append(f.Revisions, &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: r.Name}, Spec: v1alpha1.RevisionSpec{
				App: a.Name, Commit: r.Snapshot.Commit, Source: r.Source()}})
		}
	}
	return f
}

// TestPlanIsStable: what a plan asks for, once done, asks for nothing more.
func TestPlanIsStable(t *testing.T) {
	f := Facts{Repository: "repo", ProductionRef: main, Production: snap("b2", "shop:k2", "web:k9"),
		Others: map[string]*Snapshot{"refs/heads/beta": snap("c3", "shop:k3", "web:k9")}}
	p := Make(f)
	f = after(f, p)
	for _, again := range Make(f).Apps {
		if diff := cmp.Diff(f.Apps[again.Name].Spec, again.Spec); diff != "" || len(again.Revisions) > 0 {
			t.Errorf("%s: makes %d revisions more, spec (-first +second)\n%s", again.Name, len(again.Revisions), diff)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var history []string
	for i := range 50 {
		history = push(history, fmt.Sprint(i))
	}
	if len(history) != maxHistory || history[0] != "49" {
		t.Errorf("history is %v", history)
	}
	if history = push(history, "40"); history[0] != "40" || len(history) != maxHistory || slices.Contains(history[1:], "40") {
		t.Errorf("an older one does not move to the front: %v", history)
	}
}

// TestHostsComeFromProduction: hosts are the app's, not a revision's. A branch
// cannot claim any, and a change of them makes nothing new.
func TestHostsComeFromProduction(t *testing.T) {
	production, beta := snap("b2", "shop:k1"), snap("c3", "shop:k1")
	production.Apps[0].Spec.Hosts = []string{"shop.example.com"}
	beta.Apps[0].Spec.Hosts = []string{"bank.example.com"}
	p := Make(Facts{
		Repository: "repo", ProductionRef: main, Production: production, Others: map[string]*Snapshot{"refs/heads/beta": beta},
		Apps:      apps(app("shop", []v1alpha1.Head{head(main, "a1", "shop-a1a1a1a1")}, "shop-a1a1a1a1")),
		Revisions: []*v1alpha1.Revision{revision("shop-a1a1a1a1", "shop", "a1", "k1")},
	})
	if diff := cmp.Diff([]string{"shop.example.com"}, p.Apps[0].Spec.Hosts); diff != "" || len(p.Apps[0].Revisions) > 0 {
		t.Errorf("%d new revisions; hosts (-want +got):\n%s", len(p.Apps[0].Revisions), diff)
	}
}
