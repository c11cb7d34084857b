package eventing

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/delivery"
)

// subscriptionStatus is the status of a Subscription: problem is why nothing is
// delivered, or the zero State; progress is nil while the dispatcher does not know
// it. It is pure.
func subscriptionStatus(object *v1alpha1.Subscription, problem condition.State, progress *delivery.Status, now time.Time) v1alpha1.SubscriptionStatus {
	status := *object.Status.DeepCopy()
	status.ObservedGeneration = object.Generation
	if progress != nil {
		status.Cursor, status.Lag, status.Retrying = int64(progress.Floor), int64(progress.Lag), int64(progress.Retrying)
		status.Delivered, status.Filtered, status.Dead = int64(progress.Delivered), int64(progress.Filtered), int64(progress.Dead)
		if f := progress.LastFailure; !f.At.IsZero() { // else that of the process before
			status.LastFailure = &v1alpha1.DeliveryFailure{Event: f.Event, At: metav1.NewTime(f.At.Truncate(time.Second)), Message: f.Message}
		}
	}
	condition.Set(&status.Conditions, v1alpha1.ConditionReady, judgeSubscription(object, &status, problem, progress, now), object.Generation, now)
	return status
}

// onlyCounts reports whether two statuses differ in nothing but what changes with every
// event.
func onlyCounts(a, b v1alpha1.SubscriptionStatus) bool {
	a.Cursor, a.Lag, a.Delivered, a.Filtered = b.Cursor, b.Lag, b.Delivered, b.Filtered
	return equality.Semantic.DeepEqual(a, b)
}

func judgeSubscription(object *v1alpha1.Subscription, status *v1alpha1.SubscriptionStatus, problem condition.State, progress *delivery.Status, now time.Time) condition.State {
	last := ""
	if f := status.LastFailure; f != nil {
		last = fmt.Sprintf("; the newest failure, event %s: %s", f.Event, f.Message)
	}
	switch {
	case problem != (condition.State{}):
		return problem
	case object.Spec.Paused:
		return condition.False(v1alpha1.ReasonPaused, "paused by its spec; events wait in the channel for as long as that keeps them")
	case progress != nil && failing(object, progress, now):
		return condition.False(v1alpha1.ReasonTargetFailing, "the target fails again and again, and gets one event at a time until it does not"+last)
	case status.Retrying > 0:
		return condition.True(v1alpha1.ReasonDelivering, fmt.Sprintf("%d of the events are tried again%s", status.Retrying, last))
	}
	return condition.True(v1alpha1.ReasonDelivering, "")
}

// failing reports whether a target is left alone because it fails, or was and has
// taken nothing since: between two attempts it looks as if it were not.
func failing(object *v1alpha1.Subscription, progress *delivery.Status, now time.Time) bool {
	before := condition.Get(object.Status.Conditions, v1alpha1.ConditionReady)
	return progress.HeldUntil.After(now) ||
		before.Reason == v1alpha1.ReasonTargetFailing && progress.Retrying > 0 && int64(progress.Delivered) == object.Status.Delivered
}
