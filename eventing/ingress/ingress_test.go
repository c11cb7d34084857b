package ingress

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/story"
)

// memory is a Log that keeps events in memory, or refuses them.
type memory struct {
	refuse error
	sender string        // of the last Append
	came   chan struct{} // gets one for each Append, if there is block
	block  chan struct{} // closed: Append goes on; nil: at once

	mu       sync.Mutex
	events   []event.Event
	now, top int // Appends at a time
}

func (m *memory) Append(ctx context.Context, events []event.Event) error {
	m.mu.Lock()
	m.sender = story.Sender(ctx)
	m.now++
	m.top = max(m.top, m.now)
	m.mu.Unlock()
	if m.block != nil {
		m.came <- struct{}{}
		<-m.block
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now--
	if m.refuse != nil {
		return m.refuse
	}
	m.events = append(m.events, events...)
	return nil
}

const limit = 100 << 10

var orders = types.NamespacedName{Namespace: "shop", Name: "orders"}

// serve runs a handler with the channel shop/orders on a real server.
func serve(t *testing.T, log Log) (*Handler, string) {
	t.Helper()
	h := New(access.NewGuard(nobody{}, time.Now), slog.New(slog.DiscardHandler))
	h.Open(orders, Door{Log: log, MaxEvent: limit, Rule: ruleOf(nil)})
	h.Ready()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return h, server.URL
}

// headers of a valid event in binary mode, with others added or changed; an empty
// value takes one away.
func headers(others ...string) http.Header {
	h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/till"}, "Ce-Type": {"order.created"}, "Content-Type": {"application/json"}}
	for i := 0; i < len(others); i += 2 {
		h.Del(others[i])
		if others[i+1] != "" {
			h.Set(others[i], others[i+1])
		}
	}
	return h
}

// answer is what a sender gets.
type answer struct {
	status int
	header http.Header
	text   string
}

func send(t *testing.T, method, url string, header http.Header, body io.Reader) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

func TestAccepts(t *testing.T) {
	structured := headers("Ce-Specversion", "", "Ce-Id", "", "Ce-Source", "", "Ce-Type", "", "Content-Type", "application/cloudevents+json")
	batched := structured.Clone()
	batched.Set("Content-Type", "application/cloudevents-batch+json")
	one := event.Event{ID: "1", Source: "/till", Type: "order.created", DataContentType: "application/json", Data: []byte(`{"n":1}`)}
	two := one
	two.ID = "2"
	for _, tc := range []struct {
		name   string
		header http.Header
		body   io.Reader
		want   []event.Event
	}{
		{"binary", headers(), strings.NewReader(`{"n":1}`), []event.Event{one}},
		{"chunked", headers(), io.MultiReader(strings.NewReader(`{"n":1}`)), []event.Event{one}},
		{"structured", structured, strings.NewReader(`{"specversion":"1.0","id":"1","source":"/till","type":"order.created","datacontenttype":"application/json","data":{"n":1}}`), []event.Event{one}},
		{"batched", batched, strings.NewReader(`[{"specversion":"1.0","id":"1","source":"/till","type":"order.created","datacontenttype":"application/json","data":{"n":1}},
			{"specversion":"1.0","id":"2","source":"/till","type":"order.created","datacontenttype":"application/json","data":{"n":1}}]`), []event.Event{one, two}},
		{"an empty batch", batched, strings.NewReader(`[]`), nil},
		{"an event without data", headers("Content-Type", ""), nil, []event.Event{{ID: "1", Source: "/till", Type: "order.created"}}},
		{"as large as it may be", headers(), bytes.NewReader(make([]byte, limit)), []event.Event{{ID: "1", Source: "/till", Type: "order.created", DataContentType: "application/json", Data: make([]byte, limit)}}},
		{"the same, chunked", headers(), io.MultiReader(bytes.NewReader(make([]byte, limit))), []event.Event{{ID: "1", Source: "/till", Type: "order.created", DataContentType: "application/json", Data: make([]byte, limit)}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := &memory{}
			_, url := serve(t, log)
			if got := send(t, http.MethodPost, url+"/shop/orders", tc.header, tc.body); got.status != http.StatusAccepted || got.text != "" {
				t.Errorf("answered %d: %s", got.status, got.text)
			}
			if diff := cmp.Diff(tc.want, log.events, cmp.Transformer("Data", func(b []byte) string { return string(b) })); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}

// document is what a refusal says.
type document struct {
	Title, Detail, Attribute, Reason string
	Status                           int
	Event                            *int
}

func TestRefuses(t *testing.T) {
	second := 1
	for _, tc := range []struct {
		name   string
		method string
		path   string
		header http.Header
		body   io.Reader
		log    error
		want   document
		also   http.Header // of the answer
	}{
		{name: "no channel in the path", path: "/shop", want: document{Status: 404, Detail: "Events are sent to /<namespace>/<channel>."}},
		{name: "more than a channel", path: "/shop/orders/1", want: document{Status: 404, Detail: "Events are sent to /<namespace>/<channel>."}},
		{name: "a channel that does not exist", path: "/shop/order", want: document{Status: 404, Detail: "There is no such channel. The path is /<namespace>/<channel>; `headway events channels` lists those of a namespace. From outside of the cluster only those are there that have access.outside."}},
		{name: "another method", method: http.MethodPut, want: document{Status: 405, Detail: `Events are sent by POST, not by "PUT".`}, also: http.Header{"Allow": {"POST, OPTIONS"}}},
		{name: "no id", header: headers("Ce-Id", ""), want: document{Status: 400, Detail: "The event is refused: attribute id is missing.", Attribute: "id", Reason: "is missing"}},
		{name: "one of a batch", header: http.Header{"Content-Type": {"application/cloudevents-batch+json"}},
			body: strings.NewReader(`[{"specversion":"1.0","id":"1","source":"/till","type":"order.created"},{"specversion":"1.0","id":"2","source":"/till"}]`),
			want: document{Status: 400, Detail: "The event is refused: event 1: attribute type is missing.", Attribute: "type", Reason: "is missing", Event: &second}},
		{name: "a form that is not read", header: headers("Content-Type", "application/cloudevents+avro"), want: document{Status: 415,
			Detail: "The request cannot be read: " + (&event.Unsupported{ContentType: "application/cloudevents+avro"}).Error() + "."}},
		{name: "a compressed body", header: headers("Content-Encoding", "gzip"), want: document{Status: 415, Detail: `The body has the Content-Encoding "gzip". Send it without one.`}, also: http.Header{"Accept-Encoding": {"identity"}}},
		{name: "too large", body: bytes.NewReader(make([]byte, limit+1)), want: document{Status: 413, Detail: "The body is larger than 102400 bytes, the maxEvent of this channel. Keep large data elsewhere and send where it is."}},
		{name: "too large in chunks", body: io.MultiReader(bytes.NewReader(make([]byte, limit+1))), want: document{Status: 413, Detail: "The body is larger than 102400 bytes, the maxEvent of this channel. Keep large data elsewhere and send where it is."}},
		{name: "too large for the log", log: &channel.TooLarge{Reason: "it is too much"}, want: document{Status: 413, Detail: "The events are refused: it is too much."}},
		{name: "full", log: fmt.Errorf("appending: %w", &channel.Full{RetryAfter: 90 * time.Second}), want: document{Status: 503,
			Detail: "Channel shop/orders is full: its oldest events have to be out of its keep first. Raise its size, or send again later."}, also: http.Header{"Retry-After": {"90"}}},
		{name: "unavailable", log: &channel.Unavailable{RetryAfter: time.Millisecond}, want: document{Status: 503,
			Detail: "Channel shop/orders takes no events right now. Send again later."}, also: http.Header{"Retry-After": {"1"}}},
		{name: "failed", log: io.ErrUnexpectedEOF, want: document{Status: 503, Detail: "The events may not be on disk. Send them again."}, also: http.Header{"Retry-After": {"1"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := &memory{refuse: tc.log}
			_, url := serve(t, log)
			if tc.method == "" {
				tc.method = http.MethodPost
			}
			if tc.path == "" {
				tc.path = "/shop/orders"
			}
			if tc.header == nil {
				tc.header = headers()
			}
			if tc.body == nil {
				tc.body = strings.NewReader("{}")
			}
			answered := send(t, tc.method, url+tc.path, tc.header, tc.body)
			var got document
			if err := json.Unmarshal([]byte(answered.text), &got); err != nil {
				t.Fatalf("answered %d: %q: %v", answered.status, answered.text, err)
			}
			tc.want.Title = http.StatusText(tc.want.Status)
			if diff := cmp.Diff(tc.want, got); diff != "" || answered.status != tc.want.Status {
				t.Errorf("answered %d (-want +got):\n%s", answered.status, diff)
			}
			if kind := answered.header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("Content-Type %s", kind)
			}
			for name := range tc.also {
				if diff := cmp.Diff(tc.also[name], answered.header[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			if len(log.events) != 0 {
				t.Errorf("%d events were kept", len(log.events))
			}
		})
	}
}

// TestChannelsComeAndGo: a channel is unknown before it is opened and after it is
// shut; until all are known, senders are told to ask again.
func TestChannelsComeAndGo(t *testing.T) {
	h := New(access.NewGuard(nobody{}, time.Now), slog.New(slog.DiscardHandler))
	server := httptest.NewServer(h)
	defer server.Close()
	want := func(status int) {
		t.Helper()
		if got := send(t, http.MethodPost, server.URL+"/shop/orders", headers(), nil); got.status != status {
			t.Errorf("answered %d, want %d: %s", got.status, status, got.text)
		}
	}
	want(http.StatusServiceUnavailable)
	if h.IsReady() == nil {
		t.Error("ready before Ready")
	}
	h.Open(orders, Door{Log: &memory{}, MaxEvent: limit, Rule: ruleOf(nil)})
	want(http.StatusAccepted)
	h.Ready()
	if err := h.IsReady(); err != nil {
		t.Error(err)
	}
	h.Shut(orders)
	want(http.StatusNotFound)
}

// TestHandshake of senders that ask before they send.
func TestHandshake(t *testing.T) {
	_, url := serve(t, &memory{})
	answered := send(t, http.MethodOptions, url+"/shop/orders", http.Header{"Webhook-Request-Origin": {"events.example.com"}}, nil)
	got := []string{strconv.Itoa(answered.status), answered.header.Get("WebHook-Allowed-Origin"), answered.header.Get("WebHook-Allowed-Rate"), answered.header.Get("Allow")}
	if want := []string{"200", "events.example.com", "*", "POST, OPTIONS"}; !slices.Equal(got, want) {
		t.Errorf("answered %q, want %q", got, want)
	}
}

// TestTooLargeIsNotRead: the answer comes before any byte of the body.
func TestTooLargeIsNotRead(t *testing.T) {
	_, url := serve(t, &memory{})
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := fmt.Fprintf(connection, "POST /shop/orders HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nCe-Id: 1\r\n\r\n", limit+1); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
		t.Errorf("answered %s, closes: %v", response.Status, response.Close)
	}
}

// TestBodiesAreBounded: what is in flight never exceeds the room; what finds none
// waits for it.
func TestBodiesAreBounded(t *testing.T) {
	log := &memory{came: make(chan struct{}, 6), block: make(chan struct{})}
	h, url := serve(t, log)
	h.inside.room = newRoom(2 * limit)
	var sent sync.WaitGroup
	for range 6 {
		sent.Go(func() {
			if got := send(t, http.MethodPost, url+"/shop/orders", headers(), bytes.NewReader(make([]byte, limit))); got.status != http.StatusAccepted {
				t.Errorf("answered %d: %s", got.status, got.text)
			}
		})
	}
	for range 2 {
		<-log.came // and no third one, as there is no room for it before they have gone
	}
	close(log.block)
	sent.Wait()
	if len(log.events) != 6 || log.top != 2 || !h.inside.room.free.TryAcquire(2*limit) {
		t.Errorf("%d events are kept, %d at a time, or room was not given back", len(log.events), log.top)
	}
}
