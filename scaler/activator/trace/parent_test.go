package trace

import (
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const (
	sampledParent   = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	unsampledParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		header      string
		ok, sampled bool
	}{
		{sampledParent, true, true},
		{unsampledParent, true, false},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", true, true},
		{"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true, true},
		{"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what", true, true},
		{"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", false, false},
		{sampledParent + "-what", false, false},
		{"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false, false},
		{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false, false},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false, false},
		{strings.ToUpper(sampledParent), false, false},
		{strings.Replace(sampledParent, "4", "g", 1), false, false},
		{strings.Replace(sampledParent, "-", "_", 1), false, false},
		{sampledParent[:54], false, false},
		{"", false, false},
	} {
		p, ok := parse([]byte(c.header))
		if ok != c.ok || p.sampled != c.sampled {
			t.Errorf("%s: got %v, sampled %v; want %v, %v", c.header, ok, p.sampled, c.ok, c.sampled)
		}
	}
}

// FuzzBegin: whatever a client sends, the pod gets a header that every SDK
// understands, or the client's own that this one understood.
func FuzzBegin(f *testing.F) {
	for _, seed := range []string{sampledParent, unsampledParent, "", "00-", strings.Repeat("0", 55), "01" + sampledParent[2:] + "-x"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, given string, follow bool) {
		tr := &Tracer{sampler: sampler{follow: follow}, tracer: noop.Tracer{}}
		r := tr.Begin([]byte(given))
		if r.Wanted() != (r.told && follow && r.from.sampled) {
			t.Fatalf("%q: wanted %v", given, r.Wanted())
		}
		header, _, ok := r.Headers()
		if !ok {
			header = []byte(given)
		}
		theirs := extract(string(header))
		if !theirs.IsValid() && !reserved(header) {
			t.Fatalf("%q became %q, which no SDK reads", given, header)
		}
		if !ok && theirs.IsValid() && (theirs.TraceID() != r.id || theirs.IsSampled() != r.from.sampled) {
			t.Fatalf("%q: read %v, an SDK %v", given, r.from, theirs)
		}
		if ok && (theirs.IsSampled() || r.told) {
			t.Fatalf("%q became %q", given, header)
		}
	})
}

func extract(header string) oteltrace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": header})
	return oteltrace.SpanContextFromContext(ctx)
}

// reserved tells of a header with flags that level 1 of the standard says to
// ignore, and the SDK refuses; or in a later version, of which it refuses some.
func reserved(header []byte) bool {
	_, ok := parse(header)
	return ok && (string(header[53:55]) > "03" || string(header[:2]) != "00")
}

func TestSamplerChoosesWhatTheSDKChooses(t *testing.T) {
	for _, share := range []string{"0", "0.0001", "0.25", "0.5", "0.9", "1"} {
		s, err := newSampler("traceidratio", share)
		if err != nil {
			t.Fatal(err)
		}
		sdk := sdktrace.TraceIDRatioBased(map[string]float64{"0": 0, "0.0001": 0.0001, "0.25": 0.25, "0.5": 0.5, "0.9": 0.9, "1": 1}[share])
		for range 1000 {
			id := newTraceID()
			want := sdk.ShouldSample(sdktrace.SamplingParameters{ParentContext: context.Background(), TraceID: id}).Decision == sdktrace.RecordAndSample
			if got := s.records(id, parent{}, false); got != want {
				t.Errorf("share %s, trace %s: %v, the SDK says %v", share, id, got, want)
			}
		}
	}
}

func BenchmarkNotRecorded(b *testing.B) {
	tr := &Tracer{sampler: sampler{follow: true}}
	for name, given := range map[string][]byte{"told": []byte(unsampledParent), "untold": nil} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var r Request
			for b.Loop() {
				if r = tr.Begin(given); r.Wanted() {
					b.Fatal("recorded")
				}
			}
		})
	}
}
