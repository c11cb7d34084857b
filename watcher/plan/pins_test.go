package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// pinnedShop is the App shop at c3, pinned to its revision of a1, with the
// commit it remembers.
func pinnedShop(commit string) map[string]*v1alpha1.App {
	a := app("shop", []v1alpha1.Head{head(main, "c3", "shop-c3c3c3c3")}, "shop-c3c3c3c3", "shop-a1a1a1a1")
	a.Spec.Pin = "shop-a1a1a1a1"
	if commit != "" {
		a.Spec.PinCommit = hash(commit)
	}
	return apps(a)
}

func TestPinsToRead(t *testing.T) {
	f := Facts{Repository: "repo", ProductionRef: main,
		Production: snap("b2", "known:k1:"+hash("a1"), "head:k1:b2b2b2b", "short:k1:abcdef0", "far:k1:"+hash("99"), "same:k1:"+hash("99")),
		Revisions:  []*v1alpha1.Revision{revision("known-a1a1a1a1", "known", "a1", "k1")}}
	if diff := cmp.Diff([]string{"abcdef0", hash("99")}, f.PinsToRead()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, file := range []string{"shop:k1:a1a1a1a", "shop:k1:" + hash("a1"), "shop!InvalidSpec"} {
		f = Facts{Repository: "repo", ProductionRef: main, Production: snap("b2", file), Apps: pinnedShop("a1")}
		if diff := cmp.Diff([]string{hash("a1")}, f.PinsToRead()); diff != "" {
			t.Errorf("%s, its revision lost (-want +got)\n%s", file, diff)
		}
		f.Revisions = []*v1alpha1.Revision{revision("shop-a1a1a1a1", "shop", "a1", "k1")}
		if got := f.PinsToRead(); len(got) > 0 {
			t.Errorf("%s reads %v although the revision is there", file, got)
		}
	}
}
