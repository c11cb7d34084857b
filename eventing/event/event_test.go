package event

import (
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// full is an event with everything that an event can have.
func full() *Event {
	return &Event{
		ID: "1234-é", Source: "/orders", Type: "order.created", Subject: `Euro € 100% "x"`,
		DataSchema: "https://example.org/order#1", DataContentType: "application/json; charset=utf-8",
		Time:       "2026-05-04T12:00:00.120+02:00",
		Extensions: []Attribute{{"empty", ""}, {"partitionkey", "customer 7"}, {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}},
		Data:       []byte("{\"a\": 1}\n"),
	}
}

func TestGetSet(t *testing.T) {
	e := &Event{}
	for _, name := range []string{"zone", "id", "subject", "alpha", "specversion", "time", "source", "type", "dataschema", "datacontenttype", "middle"} {
		if _, found := e.Get(name); found != (name == "specversion") {
			t.Errorf("before Set, Get(%s) finds it: %v", name, found)
		}
		e.Set(name, "first")
		e.Set(name, name+" value")
		want := name + " value"
		if name == "specversion" {
			want = "1.0"
		}
		if got, found := e.Get(name); got != want || !found {
			t.Errorf("Get(%s) = %q, %v", name, got, found)
		}
	}
	want := []Attribute{{"alpha", "alpha value"}, {"middle", "middle value"}, {"zone", "zone value"}}
	if diff := cmp.Diff(want, e.Extensions); diff != "" {
		t.Error(diff)
	}
	e.Set("subject", "")
	e.Set("zone", "")
	_, subject := e.Get("subject")
	zone, found := e.Get("zone")
	if subject || zone != "" || !found {
		t.Errorf("emptied: subject there: %v, zone %q there: %v", subject, zone, found)
	}
}

func TestKey(t *testing.T) {
	key := func(source, id string) [16]byte { return (&Event{Source: source, ID: id, Type: "t"}).Key() }
	first := key("/a", "b")
	if key("/a", "b") != first {
		t.Error("equal events have two keys")
	}
	for _, other := range [][2]string{{"/", "ab"}, {"/ab", ""}, {"/a", "B"}, {"b", "/a"}} {
		if key(other[0], other[1]) == first {
			t.Errorf("%q has the key of another event", other)
		}
	}
	dead := func(id, by string) [16]byte {
		return (&Event{Source: "/a", ID: id, Type: "t", Extensions: []Attribute{{AttrDeadSubscription, by}}}).Key()
	}
	if mail := dead("b", "mail"); mail == dead("b", "charge") || mail == first || dead("b", "") == first {
		t.Error("dead letters are not known by who gave up")
	}
	// Keys outlive the program, in the log: printf '\x02/ab' | sha256sum
	if got := hex.EncodeToString(first[:]); got != "d585dbf44997bbb2b265d08526f7236e" {
		t.Errorf("the key is %s now", got)
	}
}

func TestRoundTrips(t *testing.T) {
	for name, e := range map[string]*Event{
		"full":    full(),
		"minimal": {ID: "1", Source: "s", Type: "t"},
	} {
		record := e.Append([]byte("before"))
		got, err := Decode(record[len("before"):])
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("%s: record: %s", name, diff)
		}
		header := http.Header{}
		body := e.WriteHTTP(header)
		events, err := ReadHTTP(header, body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]Event{*e}, events); diff != "" {
			t.Errorf("%s: HTTP: %s", name, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	record := full().Append(nil)
	size := len(record) - len(full().Data)
	for n := range size {
		if _, err := Decode(record[:n]); err == nil {
			t.Errorf("a record of %d bytes instead of %d is read", n, len(record))
		}
	}
	for name, record := range map[string]string{
		"another version":       "\x02\x00",
		"too long a head":       "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"a number over 64 bit":  "\x01\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02a",
		"bytes after the head":  "\x01\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"too many extensions":   "\x01\x09\x00\x00\x00\x00\x00\x00\x00\xff\x7f",
		"extensions that lack":  "\x01\x0b\x00\x00\x00\x00\x00\x00\x00\x01\x01a\x05",
		"a value over the head": "\x01\x02\x05a data",
	} {
		if e, err := Decode([]byte(record)); err == nil {
			t.Errorf("%s: read as %+v", name, e)
		}
	}
}
