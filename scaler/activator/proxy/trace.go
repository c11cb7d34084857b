package proxy

import (
	"net/http"
	"strings"
	"time"

	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/activator/trace"
)

// beginTrace begins the trace of a request; nil if tracing is off.
func (h *Handler) beginTrace(r *http.Request, started time.Time) *trace.Request {
	if h.tracer == nil {
		return nil
	}
	var given []byte
	if parents := r.Header["Traceparent"]; len(parents) == 1 {
		given = []byte(parents[0])
	}
	t := h.tracer.Begin(given)
	if t.Wanted() {
		t.Start(trace.Incoming{
			Started: started, Method: r.Method, Target: r.URL.EscapedPath(), Host: r.Host, Version: version(r), Peer: r.RemoteAddr,
			ForwardedFor: r.Header.Get("X-Forwarded-For"), ForwardedProto: r.Header.Get("X-Forwarded-Proto"),
		}, strings.Join(r.Header["Tracestate"], ","))
	}
	return &t
}

func version(r *http.Request) string {
	if r.ProtoMajor == 2 {
		return "2"
	}
	return strings.TrimPrefix(r.Proto, "HTTP/")
}

// endTrace ends the trace. broken is whether the handler ended by a panic,
// which is net/http's way to cut a response short.
func (x *exchange) endTrace(rec *recorder, m table.Match, broken bool) {
	if !x.trace.Recorded() {
		return
	}
	o := trace.Outcome{Namespace: m.Namespace, App: m.App, Status: rec.status, Bytes: rec.bytes, Broken: broken, Said: x.said}
	if x.rev != nil {
		o.Revision = x.rev.Name
	}
	x.trace.End(o)
}

// traceGRPC notes the status of a gRPC call whose response has been read.
func (x *exchange) traceGRPC(resp *http.Response) {
	status := resp.Trailer.Get("Grpc-Status")
	if status == "" {
		status = resp.Header.Get("Grpc-Status") // a response without messages
	}
	x.trace.GRPC(status)
}
