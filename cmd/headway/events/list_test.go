package events

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func cluster(objects ...client.Object) *cli.Cluster {
	return &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(objects...).Build(), Namespace: "team"}
}

func ready(status metav1.ConditionStatus, reason, message string) []metav1.Condition {
	return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message}}
}

func channel(namespace, name string, status v1alpha1.ChannelStatus) *v1alpha1.Channel {
	return &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.ChannelSpec{Keep: metav1.Duration{Duration: 168 * time.Hour}, Size: resource.MustParse("1Gi")}, Status: status}
}

func subscription(name string, spec v1alpha1.SubscriptionSpec, status v1alpha1.SubscriptionStatus) *v1alpha1.Subscription {
	return &v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name}, Spec: spec, Status: status}
}

func channels() *cli.Cluster {
	return cluster(
		channel("team", "orders", v1alpha1.ChannelStatus{Conditions: ready("True", "Accepting", ""), Events: 1200, Bytes: 3 << 20, URL: "http://headway-events.headway-system/team/orders"}),
		channel("team", "orders-dead", v1alpha1.ChannelStatus{Conditions: ready("False", "Full", "1073741824 of 1073741824 bytes are taken.\x1b[2J Raise size, or lower keep"), Events: 3, Bytes: 1 << 30}),
		channel("team", "new", v1alpha1.ChannelStatus{}),
		channel("other", "theirs", v1alpha1.ChannelStatus{}))
}

func subscriptions() *cli.Cluster {
	return cluster(
		subscription("shop-charge", v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{App: "shop", Path: "/charge"}, Filter: &v1alpha1.EventFilter{Exact: map[string]string{"type": "order.created"}}},
			v1alpha1.SubscriptionStatus{Conditions: ready("True", "Delivering", "2 of the events are tried again"), Lag: 7, Retrying: 2, Dead: 1,
				LastFailure: &v1alpha1.DeliveryFailure{Event: "e7", At: metav1.NewTime(noon.Add(-5 * time.Second)), Message: "answered 503"}}),
		subscription("shop-mail", v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{App: "shop", Path: "/mail"}},
			v1alpha1.SubscriptionStatus{Conditions: ready("True", "Delivering", "")}),
		subscription("shop-big", v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{Channel: "big"}, Filter: &v1alpha1.EventFilter{CESQL: "amount > "}},
			v1alpha1.SubscriptionStatus{Conditions: ready("False", "FilterInvalid", "filter.cesql: the expression ends too early. Events wait in the channel until it is right"), Lag: 9}))
}

func TestChannels(t *testing.T) {
	var out, errs bytes.Buffer
	if err := channelKind.print(context.Background(), cli.Streams{Out: &out, Err: &errs}, "", channels(), noon); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`CHANNEL       STATE       EVENTS   BYTES      OF    KEEP   URL
new           Pending     0        0 B        1Gi   168h   -
orders        Accepting   1200     3.00 MiB   1Gi   168h   http://headway-events.headway-system/team/orders
orders-dead   Full        3        1.00 GiB   1Gi   168h   -

channel new: Pending
  the eventing program has not seen it yet
  kubectl get pods --namespace headway-system shows whether it runs
channel orders-dead: Full
  1073741824 of 1073741824 bytes are taken.·[2J Raise size, or lower keep
`, out.String()); diff != "" || errs.Len() > 0 {
		t.Errorf("(-want +got)\n%s\n%s", diff, &errs)
	}
}

func TestSubscriptions(t *testing.T) {
	var out, errs bytes.Buffer
	if err := subscriptionKind.print(context.Background(), cli.Streams{Out: &out, Err: &errs}, "", subscriptions(), noon); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`SUBSCRIPTION   STATE           CHANNEL   FILTER               TO            LAG   RETRYING   DEAD   LAST FAILURE
shop-big       FilterInvalid   orders    (amount > )          channel big   9     0          0      -
shop-charge    Delivering      orders    type=order.created   shop/charge   7     2          1      5s ago: answered 503 (event e7)
shop-mail      Delivering      orders    -                    shop/mail     0     0          0      -

subscription shop-big: FilterInvalid
  filter.cesql: the expression ends too early. Events wait in the channel until it is right
subscription shop-charge: Delivering
  2 of the events are tried again
`, out.String()); diff != "" || errs.Len() > 0 {
		t.Errorf("(-want +got)\n%s\n%s", diff, &errs)
	}
}

func sources() *cli.Cluster {
	source := func(name string, spec v1alpha1.SourceSpec, status v1alpha1.SourceStatus) *v1alpha1.Source {
		return &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name}, Spec: spec, Status: status}
	}
	last := metav1.NewTime(noon.Add(-9 * time.Hour))
	return cluster(
		source("shop-nightly", v1alpha1.SourceSpec{Channel: "shop-nightly", Cron: &v1alpha1.CronSource{Schedule: "0 3 * * *", TimeZone: "Europe/Berlin"}},
			v1alpha1.SourceStatus{Conditions: ready("True", "Taking", ""), Events: 12, LastEvent: &last}),
		source("pushes", v1alpha1.SourceSpec{Channel: "git", GitHub: &v1alpha1.WebhookSource{Events: []string{"push", "release"}}},
			v1alpha1.SourceStatus{Conditions: ready("False", "SecretNotFound", "Secret \"hook\" does not exist in namespace team"), URL: "https://events.example.com/hooks/team/pushes"}),
		source("uploads", v1alpha1.SourceSpec{Channel: "uploads", Paused: true, SQS: &v1alpha1.SQSSource{Queue: "https://sqs.eu-central-1.amazonaws.com/123456789012/uploads-of-everybody"}},
			v1alpha1.SourceStatus{Conditions: ready("False", "Paused", "paused by its spec"), Events: 3}))
}

func TestSources(t *testing.T) {
	var out, errs bytes.Buffer
	if err := sourceKind.print(context.Background(), cli.Streams{Out: &out, Err: &errs}, "", sources(), noon); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`SOURCE         STATE            FROM                                                 CHANNEL        EVENTS   LAST     URL
pushes         SecretNotFound   github push, release                                 git            0        -        https://events.example.com/hooks/team/pushes
shop-nightly   Taking           cron 0 3 * * * Europe/Berlin                         shop-nightly   12       9h ago   -
uploads        Paused           sqs https://sqs.eu-central-1.amazonaws.com/123456…   uploads        3        -        -

source pushes: SecretNotFound
  Secret "hook" does not exist in namespace team
source uploads: Paused
  paused by its spec
`, out.String()); diff != "" || errs.Len() > 0 {
		t.Errorf("(-want +got)\n%s\n%s", diff, &errs)
	}
}

// TestListDocuments checks what scripts rely on: one list, never null, with kinds,
// and nothing else on either stream.
func TestListDocuments(t *testing.T) {
	print := map[string]func(*cli.Cluster) (string, string){
		"Channel": func(c *cli.Cluster) (string, string) {
			var out, errs bytes.Buffer
			if err := channelKind.print(context.Background(), cli.Streams{Out: &out, Err: &errs}, "json", c, noon); err != nil {
				t.Error(err)
			}
			return out.String(), errs.String()
		},
		"Subscription": func(c *cli.Cluster) (string, string) {
			var out, errs bytes.Buffer
			if err := subscriptionKind.print(context.Background(), cli.Streams{Out: &out, Err: &errs}, "json", c, noon); err != nil {
				t.Error(err)
			}
			return out.String(), errs.String()
		},
		"Source": func(c *cli.Cluster) (string, string) {
			var out, errs bytes.Buffer
			if err := sourceKind.print(context.Background(), cli.Streams{Out: &out, Err: &errs}, "json", c, noon); err != nil {
				t.Error(err)
			}
			return out.String(), errs.String()
		},
	}
	for kind, c := range map[string]*cli.Cluster{"Channel": channels(), "Subscription": subscriptions(), "Source": sources()} {
		out, errs := print[kind](c)
		var got struct {
			Channels, Subscriptions, Sources []struct{ metav1.TypeMeta }
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || errs != "" {
			t.Fatalf("%s: %v, notes %q", kind, err, errs)
		}
		if all := slices.Concat(got.Channels, got.Subscriptions, got.Sources); len(all) != 3 || all[0].Kind != kind || all[0].APIVersion != "headway.dev/v1alpha1" {
			t.Errorf("%s: %+v", kind, all)
		}
	}
	if out, errs := print["Channel"](cluster()); out != "{\n  \"channels\": []\n}\n" || errs != "" {
		t.Errorf("no channel: %q, notes %q", out, errs)
	}
	if out, errs := print["Subscription"](cluster()); out != "{\n  \"subscriptions\": []\n}\n" || errs != "" {
		t.Errorf("no subscription: %q, notes %q", out, errs)
	}
	if out, errs := print["Source"](cluster()); out != "{\n  \"sources\": []\n}\n" || errs != "" {
		t.Errorf("no source: %q, notes %q", out, errs)
	}
}

func TestListNothing(t *testing.T) {
	var out, errs bytes.Buffer
	s := cli.Streams{Out: &out, Err: &errs}
	if err := channelKind.print(context.Background(), s, "", cluster(), noon); err != nil {
		t.Fatal(err)
	}
	if err := subscriptionKind.print(context.Background(), s, "", cluster(), noon); err != nil {
		t.Fatal(err)
	}
	if err := sourceKind.print(context.Background(), s, "", cluster(), noon); err != nil {
		t.Fatal(err)
	}
	want := "No channel in namespace team. A headway.yaml declares one: channels: [{name: orders}].\n" +
		"No subscription in namespace team. The headway.yaml of an app declares one: events: [{from: orders, to: /events}].\n" +
		"No source in namespace team. docs/events.md, Sources, says how to declare one.\n"
	if out.Len() > 0 || errs.String() != want {
		t.Errorf("out %q, notes %q", &out, &errs)
	}
}

func TestChannelNames(t *testing.T) {
	if diff := cmp.Diff([]string{"new\tPending", "orders\tAccepting", "orders-dead\tFull"}, channelNames(context.Background(), channels())); diff != "" {
		t.Error(diff)
	}
}
