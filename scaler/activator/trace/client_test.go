package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var someSpans = []*tracepb.ResourceSpans{{SchemaUrl: "x"}}

// upload sends a batch to a collector that answers so, and returns the times
// of the attempts.
func upload(t *testing.T, s settings, answers ...any) (attempts []time.Duration, err error) {
	synctest.Test(t, func(t *testing.T) {
		s.endpoint, s.timeout = &url.URL{Scheme: "http", Host: "collector", Path: "/v1/traces", RawQuery: "key=secret"}, 10*time.Second
		c, started := newClient(s), time.Now()
		c.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			attempts = append(attempts, time.Since(started).Round(time.Second))
			body, readErr := io.ReadAll(r.Body)
			if r.Header.Get("Content-Encoding") == "gzip" {
				zr, _ := gzip.NewReader(bytes.NewReader(body))
				body, readErr = io.ReadAll(zr)
			}
			var got tracepb.TracesData
			if err := errors.Join(readErr, proto.Unmarshal(body, &got)); err != nil || len(got.ResourceSpans) != 1 {
				t.Errorf("got %v, %v", &got, err)
			}
			switch a := answers[min(len(attempts), len(answers))-1].(type) {
			case error:
				return nil, a
			case http.Response:
				a.Status, a.Body = fmt.Sprint(a.StatusCode), io.NopCloser(strings.NewReader("why"))
				return &a, nil
			default:
				return &http.Response{StatusCode: a.(int), Status: fmt.Sprint(a), Body: http.NoBody}, nil
			}
		})
		err = c.UploadTraces(context.Background(), someSpans)
	})
	return attempts, err
}

func TestUpload(t *testing.T) {
	refused := errors.New("connection refused")
	for _, c := range []struct {
		name     string
		settings settings
		answers  []any
		attempts int
		fails    string
	}{
		{"taken", settings{}, []any{200}, 1, ""},
		{"compressed", settings{gzip: true}, []any{200}, 1, ""},
		{"busy once", settings{}, []any{503, 200}, 2, ""},
		{"away once", settings{gzip: true}, []any{refused, 202}, 2, ""},
		{"not wanted", settings{}, []any{400}, 1, "it answered 400"},
		{"moved", settings{}, []any{http.Response{StatusCode: 302, Header: http.Header{"Location": {"http://elsewhere"}}}}, 1, "it answered 302"},
		{"away for ever", settings{}, []any{refused}, 5, "connection refused"}, // the shortest pauses are 0.5, 1, 2 and 4 s
		{"asks for too long", settings{}, []any{http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"60"}}}}, 1, "it answered 429"},
	} {
		t.Run(c.name, func(t *testing.T) {
			attempts, err := upload(t, c.settings, c.answers...)
			if (err == nil) != (c.fails == "") || (err != nil && (!strings.Contains(err.Error(), c.fails) || strings.Contains(err.Error(), "secret"))) {
				t.Errorf("error %v, want %q", err, c.fails)
			}
			if n := len(attempts); n > c.attempts || n < min(c.attempts, 3) {
				t.Errorf("attempts after %v, want %d", attempts, c.attempts)
			}
		})
	}
	attempts, err := upload(t, settings{}, http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"7"}}}, 200)
	if err != nil || len(attempts) != 2 || attempts[1] != 7*time.Second {
		t.Errorf("attempts after %v, %v; want the second after 7s", attempts, err)
	}
}

// failing is an exporter to a collector that is gone.
type failing struct{ sdktrace.SpanExporter }

func (failing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return errors.New("gone") }

func TestFailuresAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		q := &quiet{SpanExporter: failing{}, logger: slog.New(slog.NewTextHandler(&log, nil))}
		for range 125 { // 2 min 4 s
			if err := q.ExportSpans(t.Context(), make([]sdktrace.ReadOnlySpan, 10)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) != 3 || !strings.Contains(lines[1], "spans=600 error=gone") {
			t.Errorf("logged:\n%s", log.String())
		}
	})
}
