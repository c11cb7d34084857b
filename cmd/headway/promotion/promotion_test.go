package promotion

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
)

// shop is an app whose deployments are given, newest first, as revisions that are
// named like their commits.
func shop(deployments string, roles ...v1alpha1.RevisionRole) *v1alpha1.App {
	app := &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop"}}
	for _, name := range strings.Fields(deployments) {
		app.Status.Deployments = append(app.Status.Deployments, v1alpha1.Deployment{Revision: name, Commit: name})
	}
	app.Status.Revisions = roles
	return app
}

func TestBefore(t *testing.T) {
	quarantined := v1alpha1.RevisionRole{Name: "2", Role: v1alpha1.RoleQuarantined}
	for _, c := range []struct {
		name string
		app  *v1alpha1.App
		want string
	}{
		{"the one before", shop("3 2 1"), "2"},
		{"not one that has failed", shop("3 2 1", quarantined), "1"},
		{"not the same again", shop("3 2 3 1", quarantined), "1"},
		{"away from a candidate with traffic", shop("3 2 1", v1alpha1.RevisionRole{Name: "4", Role: v1alpha1.RoleCandidate, Weight: 100}), "3"},
		{"a candidate without traffic is not live", shop("3 2 1", v1alpha1.RevisionRole{Name: "4", Role: v1alpha1.RoleCandidate}), "2"},
		{"the first one", shop("1"), "error: no deployment before 1 is known"},
		{"nothing", shop(""), "error: nothing of shop has been live"},
	} {
		got, err := before(c.app)
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTarget(t *testing.T) {
	const main, beta = "refs/heads/main", "refs/heads/beta"
	candidate := v1alpha1.Trial{Revision: "shop-5e6f7081", Ref: main}
	share := v1alpha1.Trial{Revision: "shop-66666666", Ref: beta}
	approval := v1alpha1.Rule{Refs: "main", Approve: true}
	shared := v1alpha1.Rule{Refs: "beta", Weight: 1000, Approve: true}
	head := v1alpha1.Head{Ref: main, Commit: "abc", Revision: "shop-5e6f7081"}
	yes := head
	yes.Approved, yes.Promoted = true, true
	for _, c := range []struct {
		name   string
		verb   verb
		trials []v1alpha1.Trial
		rules  []v1alpha1.Rule
		head   v1alpha1.Head
		want   string
	}{
		{"the candidate", promote, []v1alpha1.Trial{share, candidate}, nil, head, "5e6f7081"},
		{"not one that the head has left behind", promote, []v1alpha1.Trial{{Revision: "shop-00000000", Ref: main}}, nil, head, "5e6f7081"},
		{"no candidate", promote, []v1alpha1.Trial{share}, nil, head, "error: no revision of shop is on its way"},
		{"promoted already", promote, []v1alpha1.Trial{candidate}, nil, yes, "error: shop-5e6f7081 is promoted already"},
		{"one that waits", approve, []v1alpha1.Trial{share, candidate}, []v1alpha1.Rule{approval}, head, "5e6f7081"},
		{"no rule asks", approve, []v1alpha1.Trial{candidate}, nil, head, "error: no revision of shop waits for approval"},
		{"a share waits", approve, []v1alpha1.Trial{share, candidate}, []v1alpha1.Rule{approval, shared}, yes, "66666666"},
		{"two wait", approve, []v1alpha1.Trial{share, candidate}, []v1alpha1.Rule{approval, shared}, head, "error: several revisions wait: shop-66666666 and shop-5e6f7081; name the COMMIT"},
		{"approved already", approve, []v1alpha1.Trial{candidate}, []v1alpha1.Rule{approval}, yes, "error: shop-5e6f7081 is approved already"},
	} {
		app := shop("")
		app.Spec = v1alpha1.AppSpec{ProductionRef: main, Release: c.rules, Heads: []v1alpha1.Head{c.head, {Ref: beta, Commit: "def", Revision: "shop-66666666"}}}
		app.Status.Trials = c.trials
		objects := fake.NewClientBuilder().WithScheme(cli.Scheme())
		for _, commit := range []string{"5e6f7081", "66666666"} {
			objects.WithObjects(&v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop-" + commit}, Spec: v1alpha1.RevisionSpec{Commit: commit}})
		}
		got, err := c.verb.target(context.Background(), &cli.Cluster{Client: objects.Build(), Namespace: "default"}, app)
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
