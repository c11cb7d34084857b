package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// lives has an App serve what its file says.
func lives(f Facts, name string) {
	a := f.Apps[name]
	a.Status.Live = a.Spec.Heads[0].Revision
	meta.SetStatusCondition(&a.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonLive})
}

// TestHandOver: an app is renamed, and back again before anything has come of it, and
// renamed for good. Its events go to the one or to the other.
func TestHandOver(t *testing.T) {
	named := func(name string) content {
		spec := strings.Replace(orders, "name: shop", "name: "+name, 1)
		return content{"shop": strings.Replace(spec, "}}]\n", "}}, {name: report, cron: 0 3 * * *, to: /report}]\n", 1)}
	}
	asShop := `channel orders 168h0m0s
channel shop-report of shop 24h0m0s
source shop-report of shop: cron 0 3 * * * -> shop-report
subscription shop-orders of shop: orders -> shop/events
subscription shop-big of shop: orders -> big
subscription shop-report of shop: shop-report -> shop/report
`
	asStore := `channel orders 168h0m0s
channel store-report of store 24h0m0s
source store-report of store: cron 0 3 * * * -> store-report
subscription store-orders of store: orders -> store/events, continues shop-orders
subscription store-big of store: orders -> big, continues shop-big
subscription store-report of store: store-report -> store/report
`
	shopWaits := "channel orders 168h0m0s\napp shop stays as it is\n"
	shopGoes := "channel shop-report goes\nsource shop-report goes\nsubscription shop-big goes\nsubscription shop-orders goes\nsubscription shop-report goes\n"
	f := Facts{Repository: "repo", ProductionRef: main}
	for i, step := range []struct {
		name, live, want string
	}{
		{"shop", "", asShop},
		{"store", "shop", shopWaits},
		{"shop", "", asShop},
		{"store", "", shopWaits},
		{"store", "", shopWaits},
		{"store", "store", asStore + shopGoes},
		{"store", "", asStore},
		{"shop", "", strings.ReplaceAll(shopWaits, "shop", "store")},
	} {
		if step.live != "" {
			lives(f, step.live)
		}
		f.Production = commitOf(t, fmt.Sprintf("a%d", i), named(step.name))
		statuses := f.Apps
		p := Make(f)
		if diff := cmp.Diff(step.want, outline(p)); diff != "" {
			t.Errorf("step %d (-want +got)\n%s", i, diff)
		}
		f = nextLook(f, p)
		for name, a := range f.Apps {
			if before := statuses[name]; before != nil {
				a.Status = before.Status
			}
		}
		f.Eventing = carriedOut(f.Eventing, p)
	}
}

// TestWithhold: what of the new App could not be made keeps the one before, with its
// events; a commit that does not count does, too.
func TestWithhold(t *testing.T) {
	f := Facts{Repository: "repo", ProductionRef: main}
	for i, name := range []string{"shop", "store"} {
		f.Production = commitOf(t, fmt.Sprintf("a%d", i), content{"shop": strings.Replace(orders, "name: shop", "name: "+name, 1)})
		p := Make(f)
		f = nextLook(f, p)
		f.Eventing = carriedOut(f.Eventing, p)
	}
	lives(f, "store")
	for _, tt := range []struct {
		unmade string
		want   int
	}{{"orders", 1}, {"store", 0}} {
		p := Make(f)
		p.Withhold(f.Eventing, map[string]bool{tt.unmade: true})
		if len(p.Remove) != tt.want || len(p.RemoveSubscriptions) != 2*tt.want {
			t.Errorf("%s unmade: %v and %v go", tt.unmade, p.Remove, p.RemoveSubscriptions)
		}
	}
	f.Production = f.Unsigned(hash("b2"), NewProblem(v1alpha1.ReasonUnsigned, "it is not signed"))
	if p := Make(f); len(p.Remove)+len(p.RemoveSubscriptions) > 0 {
		t.Errorf("unsigned: %v and %v go", p.Remove, p.RemoveSubscriptions)
	}
}
