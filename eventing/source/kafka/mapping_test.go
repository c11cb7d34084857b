package kafka

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headway-dev/headway/eventing/event"
)

const origin = "/headway/shop/sources/in"

func record(value, key string, headers ...string) *kgo.Record {
	r := &kgo.Record{
		Topic: "orders", Partition: 3, Offset: 17, Value: []byte(value), Key: []byte(key),
		Timestamp: time.Date(2026, 5, 12, 12, 0, 0, 5e8, time.UTC),
	}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return r
}

func asIs(value, media string, extensions ...event.Attribute) event.Event {
	e := event.Event{
		ID: "orders/3/17", Source: origin, Type: TypeRecord, Subject: "orders", Time: "2026-05-12T12:00:00.5Z",
		DataContentType: media, Extensions: extensions,
	}
	if value != "" {
		e.Data = []byte(value)
	}
	return e
}

func TestMapping(t *testing.T) {
	ours := event.Event{ID: "17", Source: "/shop", Type: "order.created", DataContentType: "application/json", Data: []byte(`{"a":1}`)}
	for name, tt := range map[string]struct {
		record *kgo.Record
		want   event.Event
	}{
		"text":                 {record("hello", ""), asIs("hello", "text/plain; charset=utf-8")},
		"JSON":                 {record(`{"a":1}`, "c7"), asIs(`{"a":1}`, "application/json", event.Attribute{Name: "partitionkey", Value: "c7"})},
		"a key of bytes":       {record("x", "\x00\x00\x00\x07"), asIs("x", "text/plain; charset=utf-8", event.Attribute{Name: "partitionkey", Value: "AAAABw=="})},
		"a tombstone":          {record("", "c7"), asIs("", "", event.Attribute{Name: "partitionkey", Value: "c7"})},
		"headers":              {record("a,b", "", "content-type", "text/csv", "region", "us", "region", "eu", "raw", "\xff"), asIs("a,b", "text/csv", event.Attribute{Name: "region", Value: "eu"})},
		"an event, binary":     {record(`{"a":1}`, "", "ce_specversion", "1.0", "ce_id", "17", "ce_source", "/shop", "ce_type", "order.created", "content-type", "application/json"), ours},
		"an event, structured": {record(`{"specversion":"1.0","id":"17","source":"/shop","type":"order.created","data":{"a":1}}`, "", "Content-Type", "application/cloudevents+json; charset=UTF-8"), ours},
		"an event, cut":        {record(`{"specversion"`, "", "content-type", "application/cloudevents+json"), asIs(`{"specversion"`, "text/plain; charset=utf-8")},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]event.Event{tt.want}, eventsOf(tt.record, origin)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
