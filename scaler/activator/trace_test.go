package activator

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"golang.org/x/net/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

const (
	clientTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpan  = "00f067aa0ba902b7"
	sampled     = "00-" + clientTrace + "-" + clientSpan + "-01"
	unsampled   = "00-" + clientTrace + "-" + clientSpan + "-00"
)

// seenHeaders is an app that notes what headers of a trace it gets.
type seenHeaders struct {
	mu            sync.Mutex
	parent, state []string
}

func (s *seenHeaders) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parent, s.state = r.Header["Traceparent"], r.Header["Tracestate"]
	_, _ = io.WriteString(w, "hello")
}

// ways are the hot path, net/http with HTTP/1.1, and with HTTP/2. They send a
// GET with the header lines.
var ways = map[string]func(f *fixture, path string, lines ...string) int{
	"hot path": func(f *fixture, path string, lines ...string) int { return rawGet(f, path, lines...) },
	"net/http": func(f *fixture, path string, lines ...string) int {
		return rawGet(f, path, append(lines, "Connection: keep-alive, x")...)
	},
	"HTTP/2": func(f *fixture, path string, lines ...string) int {
		req, _ := http.NewRequest("GET", "http://"+appHost+path, nil)
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			req.Header.Add(name, value)
		}
		resp, err := f.client(true).Do(req)
		if err != nil {
			f.t.Fatal(err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	},
}

func rawGet(f *fixture, path string, lines ...string) int {
	conn, r := f.raw()
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, appHost, strings.Join(append(lines, ""), "\r\n"))
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func TestTraceOfARequest(t *testing.T) {
	c := newCollector(t, map[string]string{"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"})
	app := new(seenHeaders)
	f := newTracedFixture(t, c.tracer, backend.Settings{}, app)
	for name, get := range ways {
		t.Run(name, func(t *testing.T) {
			get(f, "/a/b?token=secret", "Traceparent: "+sampled, "Tracestate: a=1", "Tracestate: b=2", "X-Forwarded-For: 192.0.2.7, 10.0.0.1")
			s := c.spans(1)[0]
			if s.Name != "GET" || s.Kind != tracepb.Span_SPAN_KIND_SERVER || hex.EncodeToString(s.TraceId) != clientTrace ||
				hex.EncodeToString(s.ParentSpanId) != clientSpan || s.TraceState != "a=1,b=2" {
				t.Errorf("span %v", s)
			}
			if len(app.parent) != 1 || app.parent[0] != parentOf(s) || len(app.state) != 1 || app.state[0] != "a=1,b=2" {
				t.Errorf("the app got %q %q, want %q", app.parent, app.state, parentOf(s))
			}
			has(t, s, "http.request.method=GET", "url.path=/a/b", "url.scheme=http", "server.address="+appHost, "client.address=192.0.2.7",
				"network.peer.address=127.0.0.1", "http.response.status_code=200", "http.response.body.size=5",
				"headway.namespace=default", "headway.app=shop", "headway.revision=shop-1a2b3c4d", "headway.pod=pod-0")
			if s.Status.GetCode() != tracepb.Status_STATUS_CODE_UNSET || strings.Contains(s.String(), "secret") {
				t.Errorf("span %v", s)
			}
			if len(s.Events) != 2 || s.Events[0].Name != "sent" || s.Events[1].Name != "response" || s.EndTimeUnixNano <= s.StartTimeUnixNano {
				t.Errorf("events %v", s.Events)
			}
		})
	}
	for _, want := range []string{"service.name=headway-activator", "service.instance.id=activator-0", "deployment.environment.name=test"} {
		if !strings.Contains(c.resource, "\n"+want+"\n") {
			t.Errorf("resource has no %s: %s", want, c.resource)
		}
	}
}

// TestTraceHeadersTheAppGets: what an SDK could not read never reaches an app
// while tracing is on, and nothing changes while it is off.
func TestTraceHeadersTheAppGets(t *testing.T) {
	bad := []string{"Traceparent: 00-" + clientTrace + "-0000000000000000-01", "Tracestate: a=1"}
	for _, c := range []struct {
		name    string
		sampler string // empty: tracing is off
		lines   []string
		parent  string // same, sampled, unsampled, none
		state   string
		spans   int
	}{
		{"off", "", []string{"Traceparent: " + sampled, "Tracestate: a=1"}, "same", "a=1", 0},
		{"off, malformed", "", bad, "same", "a=1", 0},
		{"off, without", "", nil, "none", "", 0},
		{"the caller does not record", "parentbased_always_on", []string{"Traceparent: " + unsampled, "Tracestate: a=1"}, "same", "a=1", 0},
		{"malformed", "parentbased_always_on", bad, "sampled", "", 1},
		{"malformed, not recorded", "parentbased_always_off", bad, "unsampled", "", 0},
		{"two", "parentbased_always_off", []string{"Traceparent: " + sampled, "Traceparent: " + sampled, "Tracestate: a=1"}, "unsampled", "", 0},
		{"malformed state", "always_on", []string{"Traceparent: " + unsampled, "Tracestate: a=1,,=,a=2"}, "sampled", "", 1},
		{"without", "always_on", nil, "sampled", "", 1},
		{"without, not recorded", "parentbased_always_off", nil, "unsampled", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			app, f, col := new(seenHeaders), (*fixture)(nil), (*collector)(nil)
			if c.sampler == "" {
				f = newFixture(t, backend.Settings{}, app)
			} else {
				col = newCollector(t, map[string]string{"OTEL_TRACES_SAMPLER": c.sampler})
				f = newTracedFixture(t, col.tracer, backend.Settings{}, app)
			}
			for name, get := range ways {
				get(f, "/", c.lines...)
				given := ""
				if len(c.lines) > 0 {
					given = strings.TrimPrefix(c.lines[0], "Traceparent: ")
				}
				if got := strings.Join(app.state, ","); got != c.state {
					t.Errorf("%s: the app got the state %q, want %q", name, got, c.state)
				}
				if got := kindOfParent(app.parent, given); got != c.parent {
					t.Errorf("%s: the app got %q, want %s", name, app.parent, c.parent)
				}
				if c.spans > 0 {
					if s := col.spans(1)[0]; app.parent[0] != parentOf(s) {
						t.Errorf("%s: the app got %q, the span is %s", name, app.parent, parentOf(s))
					}
				}
			}
			if col != nil {
				col.spans(0)
			}
		})
	}
}

func kindOfParent(got []string, given string) string {
	switch {
	case len(got) == 0:
		return "none"
	case len(got) > 1:
		return "two"
	case got[0] == given:
		return "same"
	case strings.HasSuffix(got[0], "-01") && len(got[0]) == 55:
		return "sampled"
	case strings.HasSuffix(got[0], "-00") && len(got[0]) == 55:
		return "unsampled"
	}
	return "?"
}

func TestTraceOfAWait(t *testing.T) {
	c := newCollector(t, nil)
	for name, get := range ways {
		t.Run(name, func(t *testing.T) {
			f := newTracedFixture(t, c.tracer, backend.Settings{})
			status := make(chan int, 1)
			go func() { status <- get(f, "/") }()
			eventually(t, "the request waits", func() bool { return f.rev.Load().Queued == 1 })
			f.rev.Update([]backend.Endpoint{{UID: "1", Name: "late", Addr: startApp(t, text("hello")), Ready: true}})
			if got := <-status; got != 200 {
				t.Fatalf("status %d", got)
			}
			spans := c.spans(2)
			wait, server := spans[0], spans[1]
			if wait.Name != "wait for a pod" || !bytes.Equal(wait.ParentSpanId, server.SpanId) || !bytes.Equal(wait.TraceId, server.TraceId) {
				t.Errorf("wait %v\nin %v", wait, server)
			}
			if wait.StartTimeUnixNano < server.StartTimeUnixNano || wait.EndTimeUnixNano > server.EndTimeUnixNano {
				t.Errorf("the wait is not within its request")
			}
			has(t, wait, "headway.cold_start=true")
			has(t, server, "headway.cold_start=true", "headway.pod=late")
		})
	}
}

func TestTraceOfFailures(t *testing.T) {
	c := newCollector(t, nil)
	for name, get := range ways {
		t.Run(name, func(t *testing.T) {
			f := newTracedFixture(t, c.tracer, backend.Settings{Timeout: 30 * time.Millisecond})
			get(f, "/")
			spans := c.spans(2) // no pod in time
			if spans[0].Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || spans[1].Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR ||
				!strings.Contains(spans[1].Status.Message, "was free within 30ms") {
				t.Errorf("spans %v", spans)
			}
			has(t, spans[1], "http.response.status_code=503", "error.type=503", "headway.app=shop", "headway.revision=shop-1a2b3c4d")

			f.route(table.Share{Revision: "shop-gone", Weight: 1})
			get(f, "/")
			s := c.spans(1)[0]
			has(t, s, "http.response.status_code=503", "error.type=503", "headway.app=shop")
			if s.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR {
				t.Errorf("span %v", s)
			}

			f.tables.Store(table.Compile(nil, nil))
			get(f, "/")
			s = c.spans(1)[0]
			has(t, s, "http.response.status_code=404")
			if s.Status.GetCode() != tracepb.Status_STATUS_CODE_UNSET { // it is the client's fault
				t.Errorf("span %v", s)
			}
		})
	}
}

func TestTraceOfAResponseThatBreaksOff(t *testing.T) {
	c := newCollector(t, nil)
	f := newTracedFixture(t, c.tracer, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	for name, get := range ways {
		get(f, "/")
		s := c.spans(1)[0]
		has(t, s, "http.response.status_code=200", "error.type=broken")
		if s.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR {
			t.Errorf("%s: span %v", name, s)
		}
	}
}

func TestTraceOfAClientThatGoesAway(t *testing.T) {
	c := newCollector(t, nil)
	f := newTracedFixture(t, c.tracer, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	for _, extra := range []string{"", "Connection: keep-alive, x\r\n"} {
		conn, _ := f.raw()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n", appHost, extra)
		eventually(t, "one in flight", func() bool { return f.rev.Load().InFlight == 1 })
		conn.Close()
		has(t, c.spans(1)[0], "headway.client_gone=true", "headway.pod=pod-0")
		eventually(t, "none in flight", func() bool { return f.rev.Load().InFlight == 0 })
	}
}

func TestTraceOfAWebSocketEndsWithIt(t *testing.T) {
	c := newCollector(t, nil)
	f := newTracedFixture(t, c.tracer, backend.Settings{}, websocket.Handler(func(ws *websocket.Conn) { _, _ = io.Copy(ws, ws) }))
	conn, _ := f.raw()
	cfg, _ := websocket.NewConfig("ws://"+appHost+"/", "http://"+appHost)
	ws, err := websocket.NewClient(cfg, conn)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	c.spans(0)
	ws.Close()
	s := c.spans(1)[0]
	has(t, s, "http.response.status_code=101", "headway.pod=pod-0")
	if took := time.Duration(s.EndTimeUnixNano - s.StartTimeUnixNano); took < 50*time.Millisecond {
		t.Errorf("the span ended after %s", took)
	}
}

func TestTraceOfGRPC(t *testing.T) {
	c := newCollector(t, nil)
	app := grpc.NewServer()
	app.RegisterService(&echoService, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Serve(l) }()
	f := newTracedFixture(t, c.tracer, backend.Settings{})
	f.rev.Update([]backend.Endpoint{{UID: "1", Name: "pod", Addr: l.Addr().String(), Ready: true}})
	conn, err := grpc.NewClient("passthrough:///"+f.addr, grpc.WithAuthority(appHost), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); app.Stop(); <-served })
	for _, call := range []struct {
		method, word, code string
		status             tracepb.Status_StatusCode
	}{
		{"Say", "hello", "OK", tracepb.Status_STATUS_CODE_UNSET},
		{"Say", "fail", "FAILED_PRECONDITION", tracepb.Status_STATUS_CODE_UNSET}, // not the server's fault
		{"Shout", "hello", "UNIMPLEMENTED", tracepb.Status_STATUS_CODE_ERROR},
	} {
		_ = conn.Invoke(t.Context(), "/test.Echo/"+call.method, wrapperspb.String(call.word), new(wrapperspb.StringValue))
		s := c.spans(1)[0]
		has(t, s, "http.response.status_code=200", "url.path=/test.Echo/"+call.method, "network.protocol.version=2",
			"rpc.system.name=grpc", "rpc.response.status_code="+call.code)
		if got := s.Status.GetCode(); got != call.status {
			t.Errorf("%s: %s, want %s", call.code, got, call.status)
		}
	}
}

// TestTraceThroughTheKeeper: a request that goes to another activator first is
// one trace.
func TestTraceThroughTheKeeper(t *testing.T) {
	c := newCollector(t, nil)
	app := new(seenHeaders)
	keeper := newTracedFixture(t, c.tracer, backend.Settings{}, app)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- keeper.server.ServePeers(l) }()
	t.Cleanup(func() {
		keeper.server.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	f := newTracedFixture(t, c.tracer, backend.Settings{})
	f.rev.Forward("activator-1", l.Addr().String())
	for name, get := range ways {
		t.Run(name, func(t *testing.T) {
			get(f, "/")
			spans := c.spans(2)
			inner, outer := spans[0], spans[1]
			if bytes.Equal(outer.ParentSpanId, inner.SpanId) { // they end with the same byte
				inner, outer = outer, inner
			}
			if !bytes.Equal(inner.ParentSpanId, outer.SpanId) || len(outer.ParentSpanId) > 0 || !bytes.Equal(inner.TraceId, outer.TraceId) {
				t.Errorf("outer %v\ninner %v", outer, inner)
			}
			if len(app.parent) != 1 || app.parent[0] != parentOf(inner) {
				t.Errorf("the app got %q, want %s", app.parent, parentOf(inner))
			}
			has(t, outer, "headway.keeper=activator-1")
			has(t, inner, "headway.pod=pod-0")
		})
	}
}
