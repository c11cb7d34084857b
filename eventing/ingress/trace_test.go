package ingress

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/event"
)

// TestJoinsTrace: an event without a trace belongs to that of its request.
func TestJoinsTrace(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	of := func(extensions ...event.Attribute) []event.Event {
		return []event.Event{{ID: "1", Source: "/till", Type: "order.created", DataContentType: "application/json", Extensions: extensions}}
	}
	for name, tc := range map[string]struct {
		header http.Header
		want   []event.Event
	}{
		"none":      {headers(), of()},
		"one":       {headers("Traceparent", parent, "Tracestate", "a=1"), of(event.Attribute{Name: "traceparent", Value: parent}, event.Attribute{Name: "tracestate", Value: "a=1"})},
		"malformed": {headers("Traceparent", "1"), of()},
		"its own":   {headers("Traceparent", parent, "Ce-Traceparent", "mine"), of(event.Attribute{Name: "traceparent", Value: "mine"})},
	} {
		log := &memory{}
		_, url := serve(t, log)
		if got := send(t, http.MethodPost, url+"/shop/orders", tc.header, nil); got.status != http.StatusAccepted {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
		if diff := cmp.Diff(tc.want, log.events); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
