package activator

import (
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/headway-dev/headway/scaler/activator/trace"
)

// collector takes spans by OTLP over HTTP.
type collector struct {
	t      *testing.T
	tracer *trace.Tracer // sends to it

	mu       sync.Mutex
	resource string
	got      []*tracepb.Span
}

// newCollector starts one, and a tracer with the variables that sends to it.
func newCollector(t *testing.T, vars map[string]string) *collector {
	c := &collector{t: t}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", srv.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "5") // milliseconds
	for name, value := range vars {
		t.Setenv(name, value)
	}
	var err error
	if c.tracer, err = trace.FromEnvironment("activator-0", slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.tracer.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var data tracepb.TracesData
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &data) != nil {
		c.t.Errorf("%s %s: %d bytes, %v", r.Method, r.URL, len(body), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range data.ResourceSpans {
		c.resource = attributes(rs.Resource.Attributes)
		for _, ss := range rs.ScopeSpans {
			c.got = append(c.got, ss.Spans...)
		}
	}
}

// spans waits for n spans and takes them, in the order of their ends.
func (c *collector) spans(n int) []*tracepb.Span {
	c.t.Helper()
	var spans []*tracepb.Span
	eventually(c.t, fmt.Sprint(n, " spans"), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.got) < n {
			return false
		}
		spans, c.got = c.got, nil
		return true
	})
	if len(spans) != n {
		c.t.Fatalf("%d spans, want %d: %v", len(spans), n, spans)
	}
	return spans
}

// attributes are "name=value" lines, with a line end before and after each.
func attributes(list []*commonpb.KeyValue) string {
	var b strings.Builder
	for _, kv := range list {
		value := kv.Value.GetStringValue()
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_IntValue:
			value = fmt.Sprint(v.IntValue)
		case *commonpb.AnyValue_BoolValue:
			value = fmt.Sprint(v.BoolValue)
		}
		fmt.Fprintf(&b, "\n%s=%s", kv.Key, value)
	}
	return b.String() + "\n"
}

// has checks that a span has each of the attributes, "name=value".
func has(t *testing.T, s *tracepb.Span, want ...string) {
	t.Helper()
	got := attributes(s.Attributes)
	for _, w := range want {
		if !strings.Contains(got, "\n"+w+"\n") {
			t.Errorf("span %s has no attribute %s:%s", s.Name, w, got)
		}
	}
}

// parentOf is the traceparent that a child of s gets.
func parentOf(s *tracepb.Span) string {
	return "00-" + hex.EncodeToString(s.TraceId) + "-" + hex.EncodeToString(s.SpanId) + "-01"
}
