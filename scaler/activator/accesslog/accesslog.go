// Package accesslog writes one structured line for each request, if it is
// switched on. Query strings and bodies never appear in it, as they may hold
// secrets.
package accesslog

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
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

// On tells whether entries are written. Callers ask before they build one.
func (l *Log) On() bool { return l.on.Load() }

// Switch turns the log on or off.
func (l *Log) Switch(on bool) { l.on.Store(on) }

// Entry is one request.
type Entry struct {
	Method, Host, Path, Protocol string
	// Client is the address of the peer, which may be a load balancer.
	Client string
	// Namespace, App, Revision and Pod are empty if the request did not get so
	// far.
	Namespace, App, Revision, Pod string
	// Status is 0 if the client went away before an answer.
	Status int
	// Bytes of the response body that were sent.
	Bytes int64
	// Waited for a pod; Took in all.
	Waited, Took time.Duration
	UserAgent    string
	Traceparent  string
}

// Write writes e.
func (l *Log) Write(e Entry) {
	l.logger.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("method", e.Method),
		slog.String("host", e.Host),
		slog.String("path", e.Path),
		slog.String("protocol", e.Protocol),
		slog.String("client", e.Client),
		slog.String("namespace", e.Namespace),
		slog.String("app", e.App),
		slog.String("revision", e.Revision),
		slog.String("pod", e.Pod),
		slog.Int("status", e.Status),
		slog.Int64("bytes", e.Bytes),
		slog.Float64("waitedMs", float64(e.Waited.Microseconds())/1000),
		slog.Float64("tookMs", float64(e.Took.Microseconds())/1000),
		slog.String("userAgent", e.UserAgent),
		slog.String("traceparent", e.Traceparent),
	)
}
