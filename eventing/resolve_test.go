package eventing

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/delivery"
)

func subscription(change func(*v1alpha1.Subscription)) *v1alpha1.Subscription {
	s := &v1alpha1.Subscription{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "mail-orders", Generation: 3},
		Spec:       v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{App: "mail", Path: "/events"}, Reply: "answers", DeadLetter: "dead"},
	}
	if change != nil {
		change(s)
	}
	return s
}

func TestResolve(t *testing.T) {
	all := func(change func(*seenSubscription)) seenSubscription {
		s := seenSubscription{channels: map[string]bool{"orders": true, "answers": true, "dead": true}, kept: true, host: "mail.shop.example.com"}
		if change != nil {
			change(&s)
		}
		return s
	}
	const activator = "http://headway-activator.headway-system"
	for _, tc := range []struct {
		name    string
		object  *v1alpha1.Subscription
		seen    seenSubscription
		want    delivery.Target
		problem condition.State
	}{
		{"an app", subscription(nil), all(nil), delivery.Target{URL: activator + "/events", Host: "mail.shop.example.com", App: "mail"}, condition.State{}},
		{"an app without a path", subscription(func(s *v1alpha1.Subscription) { s.Spec.To.Path = "" }), all(nil),
			delivery.Target{URL: activator + "/", Host: "mail.shop.example.com", App: "mail"}, condition.State{}},
		{"a URL", subscription(func(s *v1alpha1.Subscription) { s.Spec.To = v1alpha1.EventTarget{URL: "https://example.com/in"} }), all(nil),
			delivery.Target{URL: "https://example.com/in"}, condition.State{}},
		{"a channel", subscription(func(s *v1alpha1.Subscription) { s.Spec.To = v1alpha1.EventTarget{Channel: "answers"} }), all(nil), delivery.Target{}, condition.State{}},
		{"no channel", subscription(nil), all(func(s *seenSubscription) { s.channels["orders"], s.kept = false, false }), delivery.Target{},
			condition.False("ChannelNotFound", `channel names channel "orders", which does not exist in namespace shop; add it to channels in a headway.yaml there. There are no events before that`)},
		{"a channel that was deleted", subscription(nil), all(func(s *seenSubscription) { s.channels["orders"] = false }), delivery.Target{},
			condition.False("ChannelNotFound", `channel names channel "orders", which does not exist in namespace shop; add it to channels in a headway.yaml there. Events wait in the channel meanwhile`)},
		{"no channel to go to", subscription(func(s *v1alpha1.Subscription) { s.Spec.To = v1alpha1.EventTarget{Channel: "big"} }), all(nil), delivery.Target{},
			condition.False("ChannelNotFound", `to names channel "big", which does not exist in namespace shop; add it to channels in a headway.yaml there. Events wait in the channel meanwhile`)},
		{"no channel for replies", subscription(nil), all(func(s *seenSubscription) { delete(s.channels, "answers") }), delivery.Target{},
			condition.False("ChannelNotFound", `reply names channel "answers", which does not exist in namespace shop; add it to channels in a headway.yaml there. Events wait in the channel meanwhile`)},
		{"no channel for dead letters", subscription(nil), all(func(s *seenSubscription) { delete(s.channels, "dead") }), delivery.Target{},
			condition.False("ChannelNotFound", `deadLetter names channel "dead", which does not exist in namespace shop; add it to channels in a headway.yaml there. Events wait in the channel meanwhile`)},
		{"no app", subscription(nil), all(func(s *seenSubscription) { s.host = "" }), delivery.Target{},
			condition.False("AppNotFound", "app \"mail\" does not exist in namespace shop, or has no address yet; `headway status mail` says which. Events wait in the channel meanwhile")},
		{"the host of another app", subscription(nil), all(func(s *seenSubscription) { s.lostTo = "a/mail" }), delivery.Target{},
			condition.False("HostConflict", `host mail.shop.example.com of app "mail" belongs to the older route a/mail, whose app must not get its events; rename one of the apps. Events wait in the channel meanwhile`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, problem := resolve(tc.object, tc.seen, activator)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("target (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.problem, problem); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompile(t *testing.T) {
	wrong := &v1alpha1.SubscriptionSpec{Filter: &v1alpha1.EventFilter{CESQL: "amount >"}}
	worse := condition.False(v1alpha1.ReasonAppNotFound, "no app")
	if compiled, problem := compile(wrong, condition.State{}); compiled != nil || problem.Reason != v1alpha1.ReasonFilterInvalid {
		t.Errorf("%v, %+v", compiled, problem)
	} else if want := "filter.cesql: "; problem.Message[:len(want)] != want {
		t.Errorf("it says %q", problem.Message)
	}
	if _, problem := compile(wrong, worse); problem != worse {
		t.Errorf("%+v hides the other problem", problem)
	}
	right := &v1alpha1.SubscriptionSpec{Filter: &v1alpha1.EventFilter{Exact: map[string]string{"type": "order.created"}}}
	if compiled, problem := compile(right, worse); compiled == nil || problem != worse {
		t.Errorf("%v, %+v", compiled, problem)
	}
}
