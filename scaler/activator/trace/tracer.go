package trace

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	oteltrace "go.opentelemetry.io/otel/trace"
)

const (
	// flushTime bounds the sending of what is left when the process ends.
	flushTime = 5 * time.Second
	// maxState is the longest tracestate that is passed on; the least that the
	// standard asks for.
	maxState = 512
)

// Tracer makes the spans of requests. A nil Tracer is tracing that is off.
type Tracer struct {
	sampler  sampler
	tracer   oteltrace.Tracer
	provider *sdktrace.TracerProvider
}

// FromEnvironment makes a Tracer as the standard variables (OTEL_...) ask for;
// nil if they name no endpoint. identity tells this activator from others.
// Close it to send what is left.
func FromEnvironment(identity string, logger *slog.Logger) (*Tracer, error) {
	s, err := readSettings(os.Getenv)
	if s == nil || err != nil {
		return nil, err
	}
	about, err := resource.New(context.Background(), resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceName("headway-activator"), semconv.ServiceInstanceID(identity)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	exporter, err := otlptrace.New(context.Background(), newClient(*s))
	if err != nil {
		return nil, fmt.Errorf("preparing to send spans: %w", err)
	}
	t := newTracer(s.sampler, about, &quiet{SpanExporter: exporter, logger: logger})
	logger.Info("tracing", "collector", s.endpoint.Host)
	return t, nil
}

func newTracer(s sampler, about *resource.Resource, exporter sdktrace.SpanExporter) *Tracer {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(about),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // only spans that are recorded are started
		sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithBatcher(exporter), // drops spans when 2048 wait
	)
	return &Tracer{sampler: s, provider: provider, tracer: provider.Tracer("github.com/headway-dev/headway/scaler/activator")}
}

// Close sends what is left, within five seconds.
func (t *Tracer) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("sending the last spans: %w", err)
	}
	return nil
}

// ids gives a span without a parent the trace id that the sampler has decided
// on.
type ids struct{}

type idKey struct{}

func (ids) NewIDs(ctx context.Context) (oteltrace.TraceID, oteltrace.SpanID) {
	id, ok := ctx.Value(idKey{}).(oteltrace.TraceID)
	if !ok {
		id = newTraceID()
	}
	return id, newSpanID()
}

func (ids) NewSpanID(context.Context, oteltrace.TraceID) oteltrace.SpanID { return newSpanID() }

// Keys of the attributes that are Headway's own.
const (
	namespaceKey  = attribute.Key("headway.namespace")
	appKey        = attribute.Key("headway.app")
	revisionKey   = attribute.Key("headway.revision")
	podKey        = attribute.Key("headway.pod")
	keeperKey     = attribute.Key("headway.keeper")
	coldStartKey  = attribute.Key("headway.cold_start")
	clientGoneKey = attribute.Key("headway.client_gone")
)
