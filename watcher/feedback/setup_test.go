package feedback

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestTold: what forges are told of wakes the reconciler, and numbers that change
// with each report do not.
func TestTold(t *testing.T) {
	app := func() *v1alpha1.App {
		return &v1alpha1.App{Spec: v1alpha1.AppSpec{Repository: "acme"}, Status: v1alpha1.AppStatus{
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionPromoting, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonStepping, Message: "5%"}},
			Revisions:  []v1alpha1.RevisionRole{{Name: "shop-1a", Role: v1alpha1.RoleCandidate, Weight: 500}},
			Trials:     []v1alpha1.Trial{{Revision: "shop-1a", Step: 1, Gates: []v1alpha1.GateStatus{{Name: "errors", Evidence: "1"}}}},
		}}
	}
	revision := func() *v1alpha1.Revision {
		return &v1alpha1.Revision{Status: v1alpha1.RevisionStatus{Build: &v1alpha1.BuildStatus{Run: "x"},
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionBuilt, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonQueued, Message: "1 is before it"}}}}
	}
	repository := func() *v1alpha1.Repository {
		return &v1alpha1.Repository{Status: v1alpha1.RepositoryStatus{Requests: []v1alpha1.RequestStatus{{Number: 12}}}}
	}
	for _, c := range []struct {
		name   string
		is     client.Object
		change func(client.Object)
		wakes  bool
	}{
		{"evidence", app(), func(o client.Object) { o.(*v1alpha1.App).Status.Trials[0].Gates[0].Evidence = "2" }, false},
		{"requests", app(), func(o client.Object) { o.(*v1alpha1.App).Status.Trials[0].Requests = 7 }, false},
		{"message", app(), func(o client.Object) { o.(*v1alpha1.App).Status.Conditions[0].Message = "6%" }, false},
		{"step", app(), func(o client.Object) { o.(*v1alpha1.App).Status.Trials[0].Step = 2 }, true},
		{"role", app(), func(o client.Object) { o.(*v1alpha1.App).Status.Revisions[0].Role = v1alpha1.RoleLive }, true},
		{"live", app(), func(o client.Object) { o.(*v1alpha1.App).Status.Live = "shop-1a" }, true},
		{"held", app(), func(o client.Object) { o.(*v1alpha1.App).Status.Conditions[0].Reason = v1alpha1.ReasonHeld }, true},
		{"spec", app(), func(o client.Object) { o.SetGeneration(2) }, true},
		{"pods", revision(), func(o client.Object) { o.(*v1alpha1.Revision).Status.Replicas = 3 }, false},
		{"place in a queue", revision(), func(o client.Object) { o.(*v1alpha1.Revision).Status.Conditions[0].Message = "2 are before it" }, false},
		{"begins", revision(), func(o client.Object) { o.(*v1alpha1.Revision).Status.Conditions[0].Reason = v1alpha1.ReasonBuilding }, true},
		{"retry", revision(), func(o client.Object) {
			o.SetAnnotations(map[string]string{v1alpha1.AnnotationRetriedAt: "now"})
		}, true},
		{"request", repository(), func(o client.Object) { o.(*v1alpha1.Repository).Status.Requests[0].Commit = "1a" }, true},
		{"sync", repository(), func(o client.Object) { o.(*v1alpha1.Repository).Status.LastHandledSync = "now" }, false},
	} {
		was := c.is.DeepCopyObject().(client.Object)
		c.change(c.is)
		if wakes := !equality.Semantic.DeepEqual(told(was), told(c.is)); wakes != c.wakes {
			t.Errorf("%s: wakes %t, want %t", c.name, wakes, c.wakes)
		}
	}
	if got := repositoryOf(app()).Name; got != "acme" {
		t.Errorf("the app belongs to %q", got)
	}
}
