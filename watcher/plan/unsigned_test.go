package plan

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestUnsigned: a commit on production that does not count changes no App,
// whatever it holds; other refs go on.
func TestUnsigned(t *testing.T) {
	const beta = "refs/heads/beta"
	shop := app("shop", []v1alpha1.Head{head(main, "a1", "shop-a1a1a1a1"), head(beta, "a1", "shop-a1a1a1a1")}, "shop-a1a1a1a1")
	old := app("old", []v1alpha1.Head{head(main, "a1", "old-a1a1a1a1")}, "old-a1a1a1a1")
	old.Spec.Path = shop.Spec.Path
	old.Spec.Problem = &v1alpha1.SpecProblem{Commit: hash("a1"), Reason: v1alpha1.ReasonRenamed, Message: "shop now"}
	f := Facts{ProductionRef: main, Apps: apps(shop, old), Others: map[string]*Snapshot{beta: snap("b2", "shop:k2")},
		Revisions: []*v1alpha1.Revision{revision("shop-a1a1a1a1", "shop", "a1", "k1"), revision("old-a1a1a1a1", "old", "a1", "k1")}}
	f.Production = f.Unsigned(hash("e9"), NewProblem(v1alpha1.ReasonUnsigned, "it is not signed"))
	want := `app old main@a1=old-a1a1a1a1 history=old-a1a1a1a1 problem=Renamed@e9
app shop beta@b2=shop-b2b2b2b2 main@a1=shop-a1a1a1a1 history=shop-a1a1a1a1 problem=Unsigned@e9
  make shop-b2b2b2b2 from beta@b2
problem Unsigned
`
	if diff := cmp.Diff(want, show(Make(f))); diff != "" {
		t.Errorf("plan (-want +got)\n%s", diff)
	}
}

// TestDecisions: of all tags that approve or promote, those are to be checked that
// name a commit which matters and have not counted before.
func TestDecisions(t *testing.T) {
	shop := app("shop", []v1alpha1.Head{head(main, "a1", "shop-a1a1a1a1")}, "shop-a1a1a1a1")
	shop.Spec.Heads[0].Approved = true
	decisions := []string{"headway/approve/shop/a1a1a1a@a1", "headway/promote/shop/a1a1a1a@a1", "headway/approve/shop/b2b2b2b@b2",
		"headway/approve/web/b2b2b2b2@b2", "headway/approve/shop/c3c3c3c@c3", "headway/approve/web/d4d4d4d@d4", "headway/approve/shop/d4d4d4d@d4"}
	f := Facts{ProductionRef: main, Apps: apps(shop), Tags: tags(decisions...), Production: snap("b2", "shop:k2", "web:k1"),
		Others: map[string]*Snapshot{"refs/heads/beta": snap("c3", "shop:k3")},
		Revisions: []*v1alpha1.Revision{revision("shop-a1a1a1a1", "shop", "a1", "k1"),
			revision("web-d4d4d4d4", "web", "d4", "k1")}}
	var got []string
	for _, d := range f.Decisions() {
		got = append(got, fmt.Sprintf("%s@%s", v1alpha1.ShortRef(d.Ref), d.Commit[:2]))
	}
	want := []string{"headway/approve/shop/b2b2b2b@b2", "headway/approve/shop/c3c3c3c@c3", "headway/approve/web/b2b2b2b2@b2",
		"headway/approve/web/d4d4d4d@d4", "headway/promote/shop/a1a1a1a@a1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decisions (-want +got)\n%s", diff)
	}
	f.Tags.Ignore(f.Decisions()[0])
	spec := Make(f).Apps[0].Spec
	for _, h := range spec.Heads {
		if is := h.Ref != main; h.Approved != is {
			t.Errorf("%s: approved %v, want %v", h.Ref, h.Approved, is)
		}
	}
}
