package trace

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/headway-dev/headway/scaler/activator/record"
)

// stuck is an exporter whose collector never answers.
type stuck struct{ taken atomic.Int64 }

func (s *stuck) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	s.taken.Add(int64(len(spans)))
	<-ctx.Done()
	return ctx.Err()
}

func (s *stuck) Shutdown(context.Context) error { return nil }

// TestDeadCollectorCostsNeitherTimeNorMemory: requests with the longest path
// that there is, while no span leaves.
func TestDeadCollectorCostsNeitherTimeNorMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exporter, started := new(stuck), time.Now()
		tr := newTracer(sampler{below: 1 << 63}, resource.Empty(), &quiet{SpanExporter: exporter, logger: slog.New(slog.DiscardHandler)})
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range 10_000 {
			r := tr.Begin(nil)
			r.Start(record.Incoming{Started: time.Now(), Method: "GET", Target: "/" + strings.Repeat("x", 60<<10), Host: "shop.localhost"})
			r.Waited(time.Now(), true, nil)
			r.Sent("pod", false)
			r.End(record.Outcome{App: "shop", Status: 200})
		}
		if took := time.Since(started); took != 0 { // the clock only moves while everyone waits
			t.Errorf("requests waited %s for the collector", took)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if mib := int64(after.HeapAlloc-before.HeapAlloc) >> 20; mib > 16 {
			t.Errorf("%d MiB are held for spans", mib)
		}
		if err := tr.Close(); err == nil || time.Since(started) > flushTime+time.Second {
			t.Errorf("Close returned %v after %s", err, time.Since(started))
		}
		time.Sleep(5 * time.Minute) // for the attempts that go on
		if n := exporter.taken.Load(); n == 0 || n > 2048+2*512 {
			t.Errorf("%d spans were kept", n)
		}
	})
}

// TestValuesOfClients: what a client chooses is never so long or so broken
// that a collector refuses it.
func TestValuesOfClients(t *testing.T) {
	got := make(chan sdktrace.ReadOnlySpan, 1)
	tr := newTracer(sampler{below: 1 << 63}, resource.Empty(), exporterFunc(func(s sdktrace.ReadOnlySpan) { got <- s }))
	r := tr.Begin(nil)
	r.Start(record.Incoming{
		Method: "BR\xffEW", Target: "/\xff" + strings.Repeat("x", 2000) + "?secret", Host: "a\xff:99999999999", Protocol: "HTTP/1.1", Client: "[::1]:8", ForwardedFor: " \xffme , you",
	})
	r.Sent("pod", false)
	r.End(record.Outcome{Status: 503, Said: "No \xff pod.\nsecret"})
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	s := <-got
	for _, a := range s.Attributes() {
		v := a.Value.String()
		if len(v) > maxValue || strings.ToValidUTF8(v, "") != v || strings.Contains(v, "secret") {
			t.Errorf("%s=%s", a.Key, v)
		}
	}
	if s.Name() != "HTTP" || s.Status().Description != "No ? pod." {
		t.Errorf("span %s, %v", s.Name(), s.Status())
	}
	if text := fmt.Sprint(s.Attributes()); !strings.Contains(text, "BR?EW") || !strings.Contains(text, "?me") {
		t.Error(text)
	}
}

type exporterFunc func(sdktrace.ReadOnlySpan)

func (f exporterFunc) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		f(s)
	}
	return nil
}

func (exporterFunc) Shutdown(context.Context) error { return nil }

func BenchmarkRecorded(b *testing.B) {
	tr := newTracer(sampler{below: 1 << 63}, resource.Empty(), exporterFunc(func(sdktrace.ReadOnlySpan) {}))
	b.Cleanup(func() { _ = tr.Close() })
	b.ReportAllocs()
	for b.Loop() {
		r := tr.Begin([]byte(sampledParent))
		r.Start(record.Incoming{Started: time.Now(), Method: "GET", Target: "/products/42", Host: "shop.localhost", Protocol: "HTTP/1.1", Client: "192.0.2.1:999"})
		r.Sent("pod", false)
		r.Answered()
		r.End(record.Outcome{Namespace: "default", App: "shop", Revision: "shop-1", Status: 200, Bytes: 5})
	}
}
