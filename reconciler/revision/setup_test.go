package revision

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestAppWakes those revisions of which an App says something else.
func TestAppWakes(t *testing.T) {
	a, b, c := newRevision(commitA), newRevision(commitB), newRevision("cccccccc3333")
	all := []string{a.Name, b.Name, c.Name}
	bench := newBench(t, a, b, c)
	app := func(roles ...v1alpha1.RevisionRole) *v1alpha1.App {
		app := newApp()
		app.Status.Revisions = roles
		return app
	}
	role := func(rev *v1alpha1.Revision, role v1alpha1.RevisionRole) v1alpha1.RevisionRole {
		role.Name = rev.Name
		return role
	}
	kept, branch := v1alpha1.RevisionRole{Role: v1alpha1.RoleKept}, v1alpha1.RevisionRole{Role: v1alpha1.RoleBranch}
	restarted := app(role(a, live))
	restarted.Annotations = map[string]string{v1alpha1.AnnotationRestartedAt: "now"}
	prepared, going := app(role(a, live)), app(role(a, live))
	condition.Set(&prepared.Status.Conditions, v1alpha1.ConditionPrepared, condition.True(v1alpha1.ReasonSetUp, ""), 1, start)
	going.DeletionTimestamp = &metav1.Time{Time: start}
	told := kept
	told.Message = "why"
	for _, tc := range []struct {
		name     string
		was, is  *v1alpha1.App
		expected []string
	}{
		{"nothing", app(role(a, live)), app(role(a, live)), nil},
		{"a reason", app(role(a, kept)), app(role(a, told)), nil},
		{"a new one", app(role(a, live)), app(role(a, live), role(b, branch)), []string{b.Name}},
		{"one has another role", app(role(a, live), role(b, branch)), app(role(a, live), role(b, replaced)), []string{b.Name}},
		{"one is not spoken of any more", app(role(a, live), role(b, branch)), app(role(a, live)), []string{b.Name}},
		{"another is live", app(role(a, live), role(b, kept)), app(role(a, kept), role(b, live)), all},
		{"one is kept no more", app(role(a, live), role(b, kept)), app(role(a, live), role(b, replaced)), all},
		{"none is live", app(role(a, live)), app(role(a, kept)), all},
		{"a restart", app(role(a, live)), restarted, all},
		{"a setup has succeeded", app(role(a, live)), prepared, all},
		{"it is going", app(role(a, live)), going, all},
	} {
		queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
		bench.appHandler().Update(t.Context(), event.UpdateEvent{ObjectOld: tc.was, ObjectNew: tc.is}, queue)
		var woken []string
		for queue.Len() > 0 {
			request, _ := queue.Get()
			woken = append(woken, request.Name)
		}
		slices.Sort(woken)
		if diff := cmp.Diff(tc.expected, woken); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		queue.ShutDown()
	}
}
