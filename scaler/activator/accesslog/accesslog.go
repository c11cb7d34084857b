// Package accesslog writes one structured line for each request, if it is
// switched on. Query strings and bodies never appear in it, as they may hold
// secrets.
package accesslog

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/headway-dev/headway/scaler/activator/record"
)

// Log is an access log that can be switched while requests run.
type Log struct {
	on     atomic.Bool
	logger *slog.Logger
}

// New makes a log that writes to logger.
func New(logger *slog.Logger, on bool) *Log {
	l := &Log{logger: logger}
	l.on.Store(on)
	return l
}

// On reports whether lines are written. Callers ask before they describe a
// request.
func (l *Log) On() bool { return l.on.Load() }

// Switch turns the log on or off.
func (l *Log) Switch(on bool) { l.on.Store(on) }

// Write writes the line of a request that has ended.
func (l *Log) Write(in record.Incoming, o record.Outcome) {
	l.logger.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("method", in.Method),
		slog.String("host", in.Host),
		slog.String("path", in.Path()),
		slog.String("protocol", in.Protocol),
		slog.String("client", in.Client),
		slog.String("namespace", o.Namespace),
		slog.String("app", o.App),
		slog.String("revision", o.Revision),
		slog.String("pod", o.Pod),
		slog.Int("status", o.Status),
		slog.String("answer", o.Own),
		slog.Int64("bytes", o.Bytes),
		slog.Float64("waitedMs", float64(o.Waited.Microseconds())/1000),
		slog.Float64("tookMs", float64(o.Took.Microseconds())/1000),
		slog.String("userAgent", in.UserAgent),
		slog.String("traceparent", in.Traceparent),
	)
}
