package status

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/explain"
)

// TestWriteEvent is what a person reads about an event.
func TestWriteEvent(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 5, 4, 12, 0, s, 0, time.UTC) }
	story := &explain.EventStory{Namespace: "default", ID: "17", Earlier: 3, Events: []explain.StoredEvent{
		{Channel: "orders", Sequence: 204, Accepted: at(0), By: "service account default/till", Source: "/till", Type: "order.created", Bytes: 15,
			Attributes: map[string]string{"subject": "47\x1b11"}, Deliveries: []explain.EventDelivery{
				{Subscription: "shop-charge", State: explain.EventDead, Target: "shop/charge", Tried: 1, DeadLetter: "orders-dead", Attempts: []explain.EventAttempt{
					{Number: 1, At: at(0), Milliseconds: 12.5, Status: 422, Said: "answered 422", Revision: "shop-1a2b3c4d", Then: explain.EventDead, Reason: "answered 422"},
					{Number: 1, At: at(50), Milliseconds: 8, Status: 200, Said: "answered 200", Revision: "shop-5e6f7081", Then: explain.EventDelivered, Run: "redrive monday"},
				}},
				{Subscription: "shop-mail", State: explain.EventRetrying, Target: "shop/mail", Filter: "type=order.created", Tried: 17, Next: at(90), Problem: "TargetFailing: the target fails",
					Attempts: []explain.EventAttempt{
						{Number: 8, At: at(1), Milliseconds: 1, Said: "no answer in time", Then: explain.EventRetrying, Next: at(2)},
						{Number: 16, At: at(9), Milliseconds: 1, Said: "no answer in time", Then: explain.EventRetrying, Next: at(10)},
					}},
				{Subscription: "shop-uk", State: explain.EventFiltered, Target: "shop/uk", Filter: "region=uk", Verdict: `exact: region is missing`},
				{Subscription: "shop-wait", State: explain.EventWaiting, Target: "shop/wait", Before: 1200},
			}},
	}}
	var out bytes.Buffer
	eventStory{story}.write(&out, view{now: at(30)})
	want := `event 17 is number 204 of channel orders; of its subscriptions given up on by 1, is tried again by 1, waits for 1, is filtered out by 1
3 earlier events with this id are not shown.

Channel     orders, number 204
Accepted    2026-05-04T12:00:00Z, by service account default/till
Event       order.created from /till, 15 B of data
  subject   47·11

  shop-charge to shop/charge: given up on, and put into channel orders-dead
    1  2026-05-04 12:00:00.000  answered 422 after 12.5ms by shop-1a2b3c4d; given up on
    1  2026-05-04 12:00:50.000  answered 200 after 8ms by shop-5e6f7081, in redrive monday

  shop-mail to shop/mail: failed after 17 attempts; tried again in 1m
    filter type=order.created: matches
    now: TargetFailing: the target fails
    8  2026-05-04 12:00:01.000  no answer in time after 1ms; next at 12:00:02
    …
    16  2026-05-04 12:00:09.000  no answer in time after 1ms; next at 12:00:10

  shop-uk to shop/uk: filtered out: exact: region is missing
    filter region=uk: exact: region is missing

  shop-wait to shop/wait: waits; at most 1,200 events are before it
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUnknownEvent(t *testing.T) {
	err := unknownEvent(eventStory{&explain.EventStory{Namespace: "default", ID: "18", Channels: []explain.KeptChannel{
		{Name: "empty"}, {Name: "orders", Events: 7, Oldest: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)},
	}}})
	want := `no event 18 is known in namespace default: it was never accepted, or is older than what is kept, or belongs to another namespace (-n)
  channel empty has no event
  channel orders has events from 2026-05-04T12:00:00Z on`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := unknownEvent(eventStory{&explain.EventStory{Namespace: "default", ID: "18"}}); !strings.HasSuffix(err.Error(), "No channel there has an event") {
		t.Errorf("error %v", err)
	}
}
