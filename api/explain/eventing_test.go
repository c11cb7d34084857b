package explain

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func ready(status metav1.ConditionStatus, reason, message string) []metav1.Condition {
	return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message}}
}

func TestForChannel(t *testing.T) {
	for name, tt := range map[string]struct {
		conditions []metav1.Condition
		state      State
		findings   []Finding
	}{
		"new": {nil, State{Underway, "Pending"},
			[]Finding{{Underway, "channel", "team", "orders", "Pending", "the eventing program has not seen it yet", "kubectl get pods --namespace headway-system shows whether it runs"}}},
		"accepting": {ready("True", "Accepting", ""), State{Good, "Accepting"}, nil},
		"full": {ready("False", "Full", "raise size"), State{Failed, "Full"},
			[]Finding{{Failed, "channel", "team", "orders", "Full", "raise size", ""}}},
		"lost": {ready("True", "EventsLost", "3 events were lost"), State{Underway, "EventsLost"},
			[]Finding{{Underway, "channel", "team", "orders", "EventsLost", "3 events were lost", ""}}},
	} {
		c := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "orders"}, Status: v1alpha1.ChannelStatus{Conditions: tt.conditions}}
		state, findings := ForChannel(c)
		if diff := cmp.Diff(tt.state, state); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(tt.findings, findings); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestForSource(t *testing.T) {
	for name, tt := range map[string]struct {
		conditions []metav1.Condition
		state      State
		findings   []Finding
	}{
		"taking": {ready("True", "Taking", ""), State{Good, "Taking"}, nil},
		"paused": {ready("False", "Paused", "paused by its spec"), State{Underway, "Paused"},
			[]Finding{{Underway, "source", "team", "nightly", "Paused", "paused by its spec", ""}}},
		"failing": {ready("False", "SourceFailing", "the queue does not answer"), State{Failed, "SourceFailing"},
			[]Finding{{Failed, "source", "team", "nightly", "SourceFailing", "the queue does not answer", ""}}},
	} {
		s := &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "nightly"}, Status: v1alpha1.SourceStatus{Conditions: tt.conditions}}
		state, findings := ForSource(s)
		if diff := cmp.Diff(tt.state, state); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(tt.findings, findings); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOrigin(t *testing.T) {
	for want, spec := range map[string]v1alpha1.SourceSpec{
		"":                              {},
		"cron 0 3 * * *":                {Cron: &v1alpha1.CronSource{Schedule: "0 3 * * *"}},
		"github push, release":          {GitHub: &v1alpha1.WebhookSource{Events: []string{"push", "release"}}},
		"gitlab":                        {GitLab: &v1alpha1.WebhookSource{}},
		"gitea":                         {Gitea: &v1alpha1.WebhookSource{}},
		"sqs https://sqs/a":             {SQS: &v1alpha1.SQSSource{Queue: "https://sqs/a"}},
		"pubsub projects/a":             {PubSub: &v1alpha1.PubSubSource{Subscription: "projects/a"}},
		"kafka orders":                  {Kafka: &v1alpha1.KafkaSource{Topics: []string{"orders"}}},
		"kubernetes Pod":                {Kubernetes: &v1alpha1.KubernetesSource{Kinds: []string{"Pod"}}},
		"container registry.example/ca": {Container: &v1alpha1.ContainerSource{Image: "registry.example/ca"}},
	} {
		if got := Origin(&spec); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestForSubscription(t *testing.T) {
	for name, tt := range map[string]struct {
		conditions []metav1.Condition
		retrying   int64
		state      State
		findings   []Finding
	}{
		"new": {nil, 0, State{Underway, "Pending"},
			[]Finding{{Underway, "subscription", "team", "shop-mail", "Pending", "the eventing program has not seen it yet", "kubectl get pods --namespace headway-system shows whether it runs"}}},
		"delivering": {ready("True", "Delivering", ""), 0, State{Good, "Delivering"}, nil},
		"retrying": {ready("True", "Delivering", "2 of the events are tried again"), 2, State{Underway, "Delivering"},
			[]Finding{{Underway, "subscription", "team", "shop-mail", "Delivering", "2 of the events are tried again", ""}}},
		"paused": {ready("False", "Paused", "paused by its spec"), 0, State{Underway, "Paused"},
			[]Finding{{Underway, "subscription", "team", "shop-mail", "Paused", "paused by its spec", ""}}},
		"no app": {ready("False", "AppNotFound", "there is no app"), 0, State{Failed, "AppNotFound"},
			[]Finding{{Failed, "subscription", "team", "shop-mail", "AppNotFound", "there is no app", ""}}},
		"waiting": {ready("Unknown", "Waiting", "the channel is being opened"), 0, State{Underway, "Waiting"},
			[]Finding{{Underway, "subscription", "team", "shop-mail", "Waiting", "the channel is being opened", ""}}},
	} {
		s := &v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-mail"},
			Status: v1alpha1.SubscriptionStatus{Conditions: tt.conditions, Retrying: tt.retrying}}
		state, findings := ForSubscription(s)
		if diff := cmp.Diff(tt.state, state); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(tt.findings, findings); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestProgress(t *testing.T) {
	s := &v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Name: "shop-mail"},
		Spec:   v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{App: "shop", Path: "/mail"}},
		Status: v1alpha1.SubscriptionStatus{Conditions: ready("True", "Delivering", "")}}
	if got := Progress(s, noon); got != "shop-mail from orders to shop/mail: Delivering" {
		t.Error(got)
	}
	s.Status.Lag, s.Status.Retrying, s.Status.Dead = 1200, 2, 1
	s.Status.LastFailure = &v1alpha1.DeliveryFailure{Event: "e7", At: metav1.NewTime(noon.Add(-5 * time.Second)), Message: "answered 503"}
	if got := Progress(s, noon); got != "shop-mail from orders to shop/mail: Delivering, 1,200 behind, 2 tried again, 1 dead; last failure 5s ago: answered 503 (event e7)" {
		t.Error(got)
	}
}

func TestFailure(t *testing.T) {
	f := &v1alpha1.DeliveryFailure{Event: "e1", At: metav1.NewTime(noon.Add(-3 * time.Minute)), Message: "400 Bad Request"}
	if got := Failure(f, noon); got != "3m ago: 400 Bad Request (event e1)" {
		t.Error(got)
	}
	if got := Failure(nil, noon); got != "" {
		t.Error(got)
	}
}

func TestTarget(t *testing.T) {
	for want, to := range map[string]v1alpha1.EventTarget{
		"shop/":                 {App: "shop"},
		"shop/mail":             {App: "shop", Path: "/mail"},
		"channel big":           {Channel: "big"},
		"https://example.com/x": {URL: "https://example.com/x"},
	} {
		if got := Target(to); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFilter(t *testing.T) {
	type values = map[string]string
	for want, f := range map[string]*v1alpha1.EventFilter{
		"":                                {},
		"type=order.created":              {Exact: values{"type": "order.created"}},
		"source=/shop and type=a":         {Exact: values{"type": "a", "source": "/shop"}},
		`subject="a b*"`:                  {Exact: values{"subject": "a b*"}},
		"type=order.* and subject=*/eu":   {Prefix: values{"type": "order."}, Suffix: values{"subject": "/eu"}},
		"(amount > 100)":                  {CESQL: "amount > 100"},
		"type=a and subject=b":            {All: []v1alpha1.EventFilter{{Exact: values{"type": "a"}}, {Exact: values{"subject": "b"}}}},
		"(type=a or anything)":            {Any: []v1alpha1.EventFilter{{Exact: values{"type": "a"}}, {}}},
		"not (subject=b and type=a)":      {Not: &v1alpha1.EventFilter{Exact: values{"type": "a", "subject": "b"}}},
		"(type=a or (type=b and x=1))":    {Any: []v1alpha1.EventFilter{{Exact: values{"type": "a"}}, {Exact: values{"type": "b", "x": "1"}}}},
		"type=a and not (type=b or x=*1)": {Exact: values{"type": "a"}, Not: &v1alpha1.EventFilter{Any: []v1alpha1.EventFilter{{Exact: values{"type": "b"}}, {Suffix: values{"x": "1"}}}}},
	} {
		if got := Filter(f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := Filter(nil); got != "" {
		t.Error(got)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.00 KiB", 1536: "1.50 KiB", 10 << 20: "10.0 MiB", 128 << 20: "128 MiB",
		1<<30 - 1: "1.00 GiB", 5 << 50: "5120 TiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
