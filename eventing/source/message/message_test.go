package message

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/event"
)

func from(body, contentType string, attributes map[string]string) Message {
	return Message{
		Event:      event.Event{ID: "m1", Source: "/headway/shop/sources/in", Type: "a.message", DataContentType: contentType, Data: []byte(body)},
		Attributes: attributes, Prefix: "ce-",
	}
}

func plain(body, contentType string, extensions ...event.Attribute) []event.Event {
	e := from(body, contentType, nil).Event
	if body == "" {
		e.Data = nil
	}
	e.Extensions = extensions
	return []event.Event{e}
}

const (
	structured = `{"specversion":"1.0","id":"17","source":"/shop","type":"order.created","data":{"amount":120}}`
	broken     = `{"specversion":"1.0","id":"17","type":"order.created"}`
	jsonMedia  = "application/json"
)

func TestEvents(t *testing.T) {
	read := event.Event{ID: "17", Source: "/shop", Type: "order.created", DataContentType: jsonMedia, Data: []byte(`{"amount":120}`)}
	binary := map[string]string{"ce-specversion": "1.0", "ce-id": "17", "ce-source": "/shop", "ce-type": "order.created", "other": "x"}
	without := func(name, value string) map[string]string {
		m := map[string]string{}
		for k, v := range binary {
			m[k] = v
		}
		m[name] = value
		return m
	}
	for name, tt := range map[string]struct {
		message Message
		want    []event.Event
	}{
		"text":                               {from("hello", "", nil), plain("hello", "text/plain; charset=utf-8")},
		"JSON":                               {from(`{"a": 1}`, "", nil), plain(`{"a": 1}`, jsonMedia)},
		"bytes":                              {from("\xff\x00", "", nil), plain("\xff\x00", "application/octet-stream")},
		"nothing":                            {from("", "", nil), plain("", "")},
		"said to be":                         {from("a,b", "text/csv", nil), plain("a,b", "text/csv")},
		"said to be no":                      {from("a,b", "no media type", nil), plain("a,b", "text/plain; charset=utf-8")},
		"structured":                         {from(structured, "application/cloudevents+json", nil), []event.Event{read}},
		"structured, unsaid":                 {from(structured, "", nil), []event.Event{read}},
		"batched":                            {from("["+structured+","+structured+"]", "application/cloudevents-batch+json", nil), []event.Event{read, read}},
		"batch of none":                      {from("[]", "application/cloudevents-batch+json", nil), plain("[]", jsonMedia)},
		"structured, without a source":       {from(broken, "application/cloudevents+json", nil), plain(broken, jsonMedia)},
		"structured, cut":                    {from(structured[:40], "application/cloudevents+json", nil), plain(structured[:40], "text/plain; charset=utf-8")},
		"binary":                             {from(`{"amount":120}`, jsonMedia, binary), []event.Event{read}},
		"binary, capitals":                   {from(`{"amount":120}`, jsonMedia, map[string]string{"CE-SpecVersion": "1.0", "Ce-Id": "17", "Ce-Source": "/shop", "Ce-Type": "order.created"}), []event.Event{read}},
		"binary, a percent sign is one":      {from("", "", without("ce-subject", "100%20")), []event.Event{{ID: "17", Source: "/shop", Type: "order.created", Subject: "100%20"}}},
		"binary, another version":            {from("x", "text/csv", without("ce-specversion", "0.3")), plain("x", "text/csv", event.Attribute{Name: "other", Value: "x"})},
		"binary, a bad time":                 {from("x", "text/csv", without("ce-time", "now")), plain("x", "text/csv", event.Attribute{Name: "other", Value: "x"})},
		"binary, an attribute twice":         {from("x", "text/csv", without("CE-id", "18")), plain("x", "text/csv", event.Attribute{Name: "other", Value: "x"})},
		"binary, a name that is none":        {from("x", "text/csv", without("ce-a_b", "18")), plain("x", "text/csv", event.Attribute{Name: "other", Value: "x"})},
		"attributes become extensions":       {from("x", "text/csv", map[string]string{"eventType": "OBJECT_FINALIZE", "bucket-id": "b"}), plain("x", "text/csv", event.Attribute{Name: "bucketid", Value: "b"}, event.Attribute{Name: "eventtype", Value: "OBJECT_FINALIZE"})},
		"attributes that cannot":             {from("x", "text/csv", map[string]string{"id": "1", "Source": "s", "time": "t", "é": "e", "data": "d", "nul": "\x00", "ok": "1"}), plain("x", "text/csv", event.Attribute{Name: "ok", Value: "1"})},
		"attributes that become one":         {from("x", "text/csv", map[string]string{"a-b": "1", "ab": "2"}), plain("x", "text/csv", event.Attribute{Name: "ab", Value: "1"})},
		"an attribute that is too long":      {from("x", "text/csv", map[string]string{"a": string(make([]byte, 64<<10)), "b": "2"}), plain("x", "text/csv", event.Attribute{Name: "b", Value: "2"})},
		"an event in an event is not passed": {from("x", "application/cloudevents+avro", nil), plain("x", "text/plain; charset=utf-8")},
	} {
		t.Run(name, func(t *testing.T) {
			got := Events(tt.message)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What the queue itself says is bad only if it is no queue.
func TestHostileQueue(t *testing.T) {
	for _, id := range []string{"", "a\nb", "\xff", string(make([]byte, 64<<10))} {
		m := from("x", "", nil)
		m.Event.ID, m.Event.Subject, m.Event.Time = id, "\x01", "yesterday"
		first, second := Events(m)[0], Events(m)[0]
		if err := first.Validate(); err != nil || first.ID != second.ID || string(first.Data) != "x" {
			t.Errorf("%.10q: %+v, %v", id, first, err)
		}
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte(structured), "application/cloudevents+json", "ce-id", "17", "m1")
	f.Add([]byte("["+structured+"]"), "application/cloudevents-batch+json", "ce-specversion", "1.0", "m1")
	f.Add([]byte("x"), "text/plain", "eventType", "\x00", "")
	f.Fuzz(func(t *testing.T, body []byte, contentType, name, value, id string) {
		m := from(string(body), contentType, map[string]string{name: value, "ce-type": "t"})
		m.Event.ID = id
		events := Events(m)
		if len(events) == 0 {
			t.Fatal("the message is lost")
		}
		for i := range events {
			if err := events[i].Validate(); err != nil {
				t.Fatalf("event %d: %v", i, err)
			}
		}
	})
}
