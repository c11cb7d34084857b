package trace

import (
	"context"
	"log/slog"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// silence is the shortest time between two log lines on a collector that does
// not take spans.
const silence = time.Minute

// quiet logs failures of an exporter, rarely, and tells nobody else.
type quiet struct {
	sdktrace.SpanExporter
	logger *slog.Logger

	mu    sync.Mutex
	lost  int // spans since the last line
	until time.Time
}

// ExportSpans implements sdktrace.SpanExporter.
func (q *quiet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := q.SpanExporter.ExportSpans(ctx, spans); err != nil {
		q.failed(len(spans), err)
	}
	return nil
}

func (q *quiet) failed(spans int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost += spans
	now := time.Now()
	if now.Before(q.until) {
		return
	}
	q.logger.Warn("traces are lost", "spans", q.lost, "error", err)
	q.lost, q.until = 0, now.Add(silence)
}
