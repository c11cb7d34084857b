package eventing

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/delivery"
)

func TestSubscriptionStatus(t *testing.T) {
	failure := delivery.Failure{Event: "4711", At: noon.Add(-time.Second), Message: "503 Service Unavailable"}
	counts := cursor.Counts{Floor: 7, Above: 1, Delivered: 5, Filtered: 2, Dead: 1}
	retrying := counts
	retrying.Retrying = 2
	was := func(reason string, delivered int64) func(*v1alpha1.Subscription) {
		return func(s *v1alpha1.Subscription) {
			s.Status = v1alpha1.SubscriptionStatus{Delivered: delivered, Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: "False", Reason: reason}}}
		}
	}
	const failing = "the target fails again and again, and gets one event at a time until it does not; the newest failure, event 4711: 503 Service Unavailable"
	const again = "2 of the events are tried again; the newest failure, event 4711: 503 Service Unavailable"
	for _, tc := range []struct {
		name     string
		object   *v1alpha1.Subscription
		problem  condition.State
		progress *delivery.Status
		want     condition.State
	}{
		{"all is well", subscription(nil), condition.State{}, &delivery.Status{Counts: counts}, condition.True("Delivering", "")},
		{"all is well again", subscription(was("TargetFailing", 5)), condition.State{}, &delivery.Status{Counts: counts, LastFailure: failure}, condition.True("Delivering", "")},
		{"a problem is worse than anything", subscription(func(s *v1alpha1.Subscription) { s.Spec.Paused = true }), condition.False("AppNotFound", "no app"),
			&delivery.Status{Counts: retrying, HeldUntil: noon.Add(time.Second)}, condition.False("AppNotFound", "no app")},
		{"paused", subscription(func(s *v1alpha1.Subscription) { s.Spec.Paused = true }), condition.State{}, &delivery.Status{Counts: retrying},
			condition.False("Paused", "paused by its spec; events wait in the channel for as long as that keeps them")},
		{"some fail", subscription(nil), condition.State{}, &delivery.Status{Counts: retrying, LastFailure: failure}, condition.True("Delivering", again)},
		{"all fail", subscription(nil), condition.State{}, &delivery.Status{Counts: retrying, LastFailure: failure, HeldUntil: noon.Add(time.Second)}, condition.False("TargetFailing", failing)},
		{"between two attempts", subscription(was("TargetFailing", 5)), condition.State{}, &delivery.Status{Counts: retrying, LastFailure: failure, HeldUntil: noon}, condition.False("TargetFailing", failing)},
		{"one has arrived", subscription(was("TargetFailing", 4)), condition.State{}, &delivery.Status{Counts: retrying, LastFailure: failure, HeldUntil: noon}, condition.True("Delivering", again)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := subscriptionStatus(tc.object, tc.problem, tc.progress, noon)
			if diff := cmp.Diff(tc.want, condition.Get(got.Conditions, v1alpha1.ConditionReady)); diff != "" {
				t.Errorf("Ready (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSubscriptionStatusKeeps what a process that has just begun does not know.
func TestSubscriptionStatusKeeps(t *testing.T) {
	last := &v1alpha1.DeliveryFailure{Event: "4711", At: metav1.NewTime(noon), Message: "gone"}
	object := subscription(func(s *v1alpha1.Subscription) {
		s.Status = v1alpha1.SubscriptionStatus{Cursor: 7, Delivered: 5, LastFailure: last}
	})
	got := subscriptionStatus(object, condition.State{}, nil, noon)
	got.Conditions = nil
	if diff := cmp.Diff(v1alpha1.SubscriptionStatus{ObservedGeneration: 3, Cursor: 7, Delivered: 5, LastFailure: last}, got); diff != "" {
		t.Errorf("without the dispatcher (-want +got):\n%s", diff)
	}
	got = subscriptionStatus(object, condition.State{}, &delivery.Status{Counts: cursor.Counts{Floor: 9, Delivered: 6, Filtered: 1, Dead: 2, Retrying: 3}, Lag: 4}, noon)
	got.Conditions = nil
	want := v1alpha1.SubscriptionStatus{ObservedGeneration: 3, Cursor: 9, Lag: 4, Retrying: 3, Delivered: 6, Filtered: 1, Dead: 2, LastFailure: last}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with it (-want +got):\n%s", diff)
	}
}

// TestCountsArePaced: what only counts is written ten times a second for all together,
// and anything else at once.
func TestCountsArePaced(t *testing.T) {
	was := v1alpha1.SubscriptionStatus{Cursor: 7, Lag: 1, Delivered: 5, Filtered: 2}
	for change, only := range map[string]bool{"": true, "delivered": true, "dead": false, "retrying": false, "condition": false} {
		now := *was.DeepCopy()
		switch change {
		case "delivered":
			now.Cursor, now.Lag, now.Delivered, now.Filtered = 9, 0, 6, 3
		case "dead":
			now.Dead = 1
		case "retrying":
			now.Retrying = 1
		case "condition":
			now.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady}}
		}
		if onlyCounts(was, now) != only {
			t.Errorf("%s: only counts is %v", change, !only)
		}
	}
	clock := noon
	r := &subscriptions{now: func() time.Time { return clock }, wired: map[types.NamespacedName]wiring{}, counted: map[types.NamespacedName]time.Time{}}
	for n := range 1000 {
		r.rewire(types.NamespacedName{Name: strconv.Itoa(n)}, wiring{generation: 1})
	}
	one := types.NamespacedName{Name: "7"}
	for after, due := range map[time.Duration]bool{99 * time.Second: false, 100 * time.Second: true} {
		clock = noon
		r.wrote(one)
		if clock = noon.Add(after); r.due(one) != due {
			t.Errorf("after %s due is %v", after, !due)
		}
	}
}
