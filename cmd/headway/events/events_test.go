package events

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/eventing/event"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestEventOfFlags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "order.json")
	if err := os.WriteFile(file, []byte(`{"n":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	const at = "2026-05-04T12:00:00Z"
	for _, tc := range []struct {
		name  string
		flags message
		want  event.Event
		err   string
	}{
		{"JSON", message{kind: "a", source: "/s", id: "1", data: `{"n":1}`}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "application/json", Data: []byte(`{"n":1}`)}, ""},
		{"text", message{kind: "a", source: "/s", id: "1", data: `hello`}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "text/plain; charset=utf-8", Data: []byte("hello")}, ""},
		{"a file", message{kind: "a", source: "/s", id: "1", data: "@" + file}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "application/json", Data: []byte(`{"n":2}`)}, ""},
		{"what comes in, with a type", message{kind: "a", source: "/s", id: "1", data: "-", contentType: "text/csv"}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "text/csv", Data: []byte("\xff,2")}, ""},
		{"bytes", message{kind: "a", source: "/s", id: "1", data: "\xff"}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "application/octet-stream", Data: []byte("\xff")}, ""},
		{"no data, and attributes", message{kind: "a", source: "/s", id: "1", subject: "b", set: []string{"partitionkey=c=d"}},
			event.Event{ID: "1", Source: "/s", Type: "a", Time: at, Subject: "b", Extensions: []event.Attribute{{Name: "partitionkey", Value: "c=d"}}, Data: []byte{}}, ""},
		{"no file", message{kind: "a", source: "/s", data: "@" + file + "x"}, event.Event{}, "reading the data: open "},
		{"a wrong pair", message{kind: "a", source: "/s", set: []string{"partitionkey"}}, event.Event{}, `--set takes attribute=value, not "partitionkey"`},
		{"a wrong attribute", message{kind: "a", source: "/s", set: []string{"Key=1"}}, event.Event{}, "this is no event: attribute Key has a name with"},
		{"no source", message{kind: "a"}, event.Event{}, "this is no event: attribute source is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.flags.event(strings.NewReader("\xff,2"), noon)
			if tc.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tc.err) {
					t.Errorf("error %v, want %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
	first, _ := (&message{kind: "a", source: "/s"}).event(nil, noon)
	second, _ := (&message{kind: "a", source: "/s"}).event(nil, noon)
	if first.ID == "" || first.ID == second.ID {
		t.Errorf("ids %q and %q", first.ID, second.ID)
	}
}

// server is an API server that answers like this and tells what it was asked.
func server(t *testing.T, status int, answer string, header ...string) (*cli.Cluster, *http.Request) {
	t.Helper()
	var asked http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = *r.Clone(context.WithoutCancel(r.Context()))
		asked.Body = io.NopCloser(strings.NewReader(string(body)))
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	typed, err := kubernetes.NewForConfig(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return &cli.Cluster{Typed: typed, Namespace: "shop"}, &asked
}

func TestPost(t *testing.T) {
	c, asked := server(t, http.StatusAccepted, "")
	sent := &event.Event{ID: "1", Source: "/s", Type: "a", Subject: "Euro €", DataContentType: "application/json", Data: []byte(`{"n": 1}`)}
	if err := post(t.Context(), c, "orders", sent); err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(asked.Body)
	got, err := event.ReadHTTP(asked.Header, body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]event.Event{*sent}, got); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
	if want := "/api/v1/namespaces/headway-system/services/headway-events:80/proxy/shop/orders"; asked.URL.Path != want || asked.Method != http.MethodPost {
		t.Errorf("asked for %s %s, want POST %s", asked.Method, asked.URL.Path, want)
	}
}

func TestPostRefused(t *testing.T) {
	const problem, plain = "application/problem+json", "application/json"
	for _, tc := range []struct {
		name   string
		status int
		kind   string
		answer string
		want   string
	}{
		{"no channel", 404, problem, `{"status":404,"detail":"There is no such channel."}`, "there is no channel orders in namespace shop; headway events channels lists those there are"},
		{"not taken", 503, problem, `{"status":503,"detail":"Channel shop/orders is full."}`, "the event was not taken: Channel shop/orders is full."},
		{"no ingress", 404, plain, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"services \"headway-events\" not found"}`, "this cluster takes no events: there is no Service headway-events"},
		{"no pod", 503, plain, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"ServiceUnavailable","code":503,"message":"no endpoints available"}`, "the eventing program does not run, or starts: kubectl get pods --namespace headway-system shows it: "},
		{"another server", 502, "text/html", `<html>`, "sending to channel orders: the API server answers 502 Bad Gateway"},
		{"half an answer", 503, problem, `{"det`, "the event was not taken: 503 Service Unavailable"},
		{"no right", 403, plain, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"services is forbidden"}`, "sending to channel orders: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := server(t, tc.status, tc.answer, "Retry-After", "1", "Content-Type", tc.kind)
			err := post(t.Context(), c, "orders", &event.Event{ID: "1", Source: "/s", Type: "a"})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}

func ready(status metav1.ConditionStatus, reason, message string) []metav1.Condition {
	return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message}}
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "shop", Name: name} }

func TestChannels(t *testing.T) {
	spec := v1alpha1.ChannelSpec{Keep: metav1.Duration{Duration: time.Hour}, Size: resource.MustParse("1Gi")}
	var b strings.Builder
	writeChannels(&b, false, "shop", []v1alpha1.Channel{
		{ObjectMeta: named("orders"), Spec: spec, Status: v1alpha1.ChannelStatus{Events: 12, Bytes: 3 << 19, URL: "http://headway-events.headway-system/shop/orders", Conditions: ready("True", "Accepting", "")}},
		{ObjectMeta: named("full"), Spec: spec, Status: v1alpha1.ChannelStatus{Events: 3, Bytes: 1000, Conditions: ready("False", "Full", "events are\nrefused \x1b[2J")}},
		{ObjectMeta: named("new"), Spec: spec},
	})
	want := `CHANNEL   STATE       EVENTS   BYTES   OF    KEEP     URL
orders    Accepting   12       1.5Mi   1Gi   1h0m0s   http://headway-events.headway-system/shop/orders
full      Full        3        1000    1Gi   1h0m0s   -
new       Waiting     0        0       1Gi   1h0m0s   -

full: events are refused ·[2J
new: the eventing program has not seen it yet; kubectl get pods --namespace headway-system shows whether it runs
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Reset()
	writeChannels(&b, false, "shop", nil)
	if want := "There is no channel in namespace shop. The key channels of a headway.yaml makes one.\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

func TestSubscriptions(t *testing.T) {
	var b strings.Builder
	writeSubscriptions(&b, false, "shop", []v1alpha1.Subscription{
		{ObjectMeta: named("mail-orders"), Spec: v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{App: "mail", Path: "/events"}},
			Status: v1alpha1.SubscriptionStatus{Lag: 3, Retrying: 1, Delivered: 9, Filtered: 2, Dead: 1, Conditions: ready("True", "Delivering", "1 event is tried again"),
				LastFailure: &v1alpha1.DeliveryFailure{Event: "4711", At: metav1.NewTime(noon.Add(-time.Minute)), Message: "503 Service Unavailable"}}},
		{ObjectMeta: named("big"), Spec: v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{Channel: "large"}}, Status: v1alpha1.SubscriptionStatus{Conditions: ready("True", "Delivering", "")}},
		{ObjectMeta: named("out"), Spec: v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{URL: "https://example.com/in"}}, Status: v1alpha1.SubscriptionStatus{Conditions: ready("False", "FilterInvalid", "filter.cesql: no")}},
	}, noon)
	want := `SUBSCRIPTION   STATE           CHANNEL   TO                       LAG   RETRYING   DELIVERED   FILTERED   DEAD
mail-orders    Delivering      orders    mail/events              3     1          9           2          1
big            Delivering      orders    channel large            0     0          0           0          0
out            FilterInvalid   orders    https://example.com/in   0     0          0           0          0

mail-orders: 1 event is tried again
mail-orders: last failure 60s ago, event 4711: 503 Service Unavailable
out: filter.cesql: no
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSendNeedsAType before it asks for a cluster.
func TestSendNeedsAType(t *testing.T) {
	c := newSend(cli.Streams{}, &cli.Access{})
	if err := c.PreRunE(c, nil); err == nil || !strings.Contains(err.Error(), "--type") {
		t.Errorf("error %v", err)
	}
}
