//go:build integration

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// grantHosts sets what the namespace of the reconcilers may have.
func grantHosts(t *testing.T, hosts string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: reconciled}}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationHosts, hosts)
	if err := api.Patch(t.Context(), ns, client.RawPatch("application/merge-patch+json", patch)); err != nil {
		t.Fatal(err)
	}
}

// TestHostsAreGranted: an App has the hosts that its namespace may have, from
// the moment it may and no longer.
func TestHostsAreGranted(t *testing.T) {
	s := newShop(t, "hosted")
	s.revision("hosted-1", "tree1")
	mustApply(t, in(reconciled, app(fields{
		"metadata.name": "hosted", "spec.history": []any{"hosted-1"}, "spec.heads": []any{head("refs/heads/main", "hosted-1")},
		"spec.hosts": []any{"hosted.example.com", "www.hosted.example.com"},
	})), watcher)
	s.build("hosted-1", sha)
	s.start("hosted-1")
	s.waitLive("hosted-1")
	for _, step := range []struct{ grant, want, reason string }{
		{"", "", v1alpha1.ReasonHostNotAllowed},
		{"hosted.example.com", "hosted.example.com", v1alpha1.ReasonHostNotAllowed},
		{"hosted.example.com,*.hosted.example.com", "hosted.example.com www.hosted.example.com", v1alpha1.ReasonLive},
		{"other.example.com", "", v1alpha1.ReasonHostNotAllowed},
	} {
		grantHosts(t, step.grant)
		eventually(t, "hosts with the grant "+step.grant, func() error {
			app, err := get(t, reconciled, "hosted", &v1alpha1.App{})
			if err != nil {
				return err
			}
			route, err := get(t, reconciled, "hosted", &v1alpha1.Route{})
			if err != nil {
				return err
			}
			ready := meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionReady)
			if got := strings.Join(route.Spec.Hosts[1:], " "); got != step.want || ready.Reason != step.reason {
				return fmt.Errorf("the Route has %q, the App is %s: %s", got, ready.Reason, ready.Message)
			}
			return nil
		})
	}
}

// TestBranchGivesWayToAnApp: a branch has <app>-<branch>, until an app comes
// that is called so.
func TestBranchGivesWayToAnApp(t *testing.T) {
	s := newShop(t, "ours")
	s.revision("ours-1", "tree1")
	s.revision("ours-2", "tree2")
	mustApply(t, in(reconciled, app(fields{
		"metadata.name": "ours", "spec.history": []any{"ours-1"},
		"spec.heads": []any{head("refs/heads/beta", "ours-2"), head("refs/heads/main", "ours-1")},
	})), watcher)
	s.waitBranch("http://ours-beta.reconciled.localhost:8080")
	newShop(t, "ours-beta")
	s.waitBranch("http://ours-beta-f08561.reconciled.localhost:8080")
	eventually(t, "the other app has its host", func() error {
		route, err := get(t, reconciled, "ours-beta", &v1alpha1.Route{})
		if err != nil {
			return err
		}
		if ready := meta.FindStatusCondition(route.Status.Conditions, v1alpha1.ConditionReady); ready == nil || ready.Reason == v1alpha1.ReasonHostConflict {
			return fmt.Errorf("its Route is %+v", ready)
		}
		return nil
	})
}

// waitBranch waits until the first branch of the App answers at a URL, and its
// Route says so too.
func (s shop) waitBranch(url string) {
	s.Helper()
	eventually(s.T, "a branch at "+url, func() error {
		app, err := get(s.T, reconciled, s.name, &v1alpha1.App{})
		if err != nil {
			return err
		}
		if len(app.Status.Branches) != 1 || app.Status.Branches[0].URL != url {
			return fmt.Errorf("branches %+v", app.Status.Branches)
		}
		route, err := get(s.T, reconciled, s.name, &v1alpha1.Route{})
		if err != nil {
			return err
		}
		host := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), ":8080")
		if !slices.Contains(route.Spec.RevisionHosts, v1alpha1.RevisionHost{Host: host, Revision: app.Status.Branches[0].Revision}) {
			return fmt.Errorf("the Route has %+v", route.Spec.RevisionHosts)
		}
		return nil
	})
}
