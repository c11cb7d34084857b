package watch

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
)

// turned is when the condition of readiness changed.
var turned = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// readiness is a revision, stripped, with a Ready condition.
func readiness(t *testing.T, status metav1.ConditionStatus, reason string) *v1alpha1.Revision {
	t.Helper()
	r := newRevision("shop-1", "uid-1")
	r.Spec.Scale.Limit = 0
	r.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionServing, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNoTraffic},
		{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: "long", LastTransitionTime: metav1.NewTime(turned)},
	}
	stripped, err := strip(r)
	if err != nil {
		t.Fatal(err)
	}
	return stripped.(*v1alpha1.Revision)
}

func TestHopeless(t *testing.T) {
	for _, tc := range []struct {
		status metav1.ConditionStatus
		reason string
		ago    time.Duration
		grace  time.Duration
		want   bool
	}{
		{metav1.ConditionFalse, v1alpha1.ReasonNotBuilt, 0, 0, true},
		{metav1.ConditionFalse, v1alpha1.ReasonSuperseded, 0, 0, true},
		{metav1.ConditionFalse, v1alpha1.ReasonReferenceMissing, 0, 0, true},
		{metav1.ConditionFalse, v1alpha1.ReasonStartFailed, 0, restartGrace, true},
		{metav1.ConditionFalse, v1alpha1.ReasonStartFailed, 2 * time.Second, restartGrace - 2*time.Second, true},
		{metav1.ConditionFalse, v1alpha1.ReasonStartFailed, time.Hour, 0, true},
		{metav1.ConditionFalse, v1alpha1.ReasonStartFailed, -time.Hour, restartGrace, true}, // a clock is wrong
		{metav1.ConditionFalse, "SomethingNew", 0, 0, false},
		{metav1.ConditionUnknown, v1alpha1.ReasonNotBuilt, 0, 0, false},
		{metav1.ConditionUnknown, v1alpha1.ReasonStarting, 0, 0, false},
		{metav1.ConditionTrue, v1alpha1.ReasonStarting, 0, 0, false},
		{metav1.ConditionTrue, v1alpha1.ReasonIdle, 0, 0, false},
	} {
		reason, grace := hopeless(readiness(t, tc.status, tc.reason), turned.Add(tc.ago))
		if (reason == tc.reason) != tc.want || (reason != "") != tc.want || grace != tc.grace {
			t.Errorf("Ready=%s, %s for %s: %q after %s; want %v after %s", tc.status, tc.reason, tc.ago, reason, grace, tc.want, tc.grace)
		}
	}
}

// TestStateFollowsTheCondition from a revision that failed before it was
// known, to one that waits, and back.
func TestStateFollowsTheCondition(t *testing.T) {
	s, resolve := newTestState(t)
	ask := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		lease, err := resolve("shop.localhost").Revision.Acquire(ctx)
		if err == nil {
			lease.Release()
		}
		return err
	}
	s.setRoute(newRoute("shop-1"))
	for _, step := range []struct {
		status metav1.ConditionStatus
		reason string
		want   error
	}{
		{metav1.ConditionFalse, v1alpha1.ReasonReferenceMissing, &backend.CannotStart{Reason: v1alpha1.ReasonReferenceMissing}},
		{metav1.ConditionUnknown, v1alpha1.ReasonStarting, context.DeadlineExceeded},
		{metav1.ConditionFalse, v1alpha1.ReasonNotBuilt, &backend.CannotStart{Reason: v1alpha1.ReasonNotBuilt}},
	} {
		s.setRevision(readiness(t, step.status, step.reason))
		s.publish()
		if got := ask(); !errors.Is(got, step.want) && got.Error() != step.want.Error() {
			t.Errorf("Ready=%s, %s: %v, want %v", step.status, step.reason, got, step.want)
		}
	}
	s.setPod(newPod("a", "shop-1", "10.0.0.1", "True"))
	s.publish()
	if err := ask(); err != nil {
		t.Errorf("with a pod that is ready: %v", err)
	}
}
