package h1

import (
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/activator/trace"
)

// beginTrace begins the trace of a request while tracing is on.
func (c *conn) beginTrace(x *exchange) {
	c.traced = c.server.Tracer.Begin(c.req.traceparent)
	x.trace = &c.traced
	if !x.trace.Wanted() {
		return
	}
	x.trace.Start(trace.Incoming{
		Started: x.started, Method: string(c.req.method), Target: string(c.req.target), Host: c.host, Version: "1.1",
		Peer: c.peer.addr, ForwardedFor: c.req.first(xForwardedFor), ForwardedProto: c.req.first(xForwardedProto),
	}, c.req.joined(tracestate))
}

// endTrace ends the trace of a request that is recorded.
func (c *conn) endTrace(x *exchange, m table.Match) {
	o := trace.Outcome{Namespace: m.Namespace, App: m.App, Status: x.status, Bytes: x.bytes, Broken: x.broken, Said: x.said}
	if x.rev != nil {
		o.Revision = x.rev.Name
	}
	x.trace.End(o)
}

// first returns the value of the first field of kind k; empty if there is none.
func (r *request) first(k kind) string {
	if r.has[k] {
		for i := range r.fields {
			if f := &r.fields[i]; f.kind == k {
				return string(f.value)
			}
		}
	}
	return ""
}

// joined returns all values of the fields of kind k as one list.
func (r *request) joined(k kind) string {
	var list []byte
	if r.has[k] {
		for i := range r.fields {
			if f := &r.fields[i]; f.kind == k && len(f.value) > 0 {
				if len(list) > 0 {
					list = append(list, ',')
				}
				list = append(list, f.value...)
			}
		}
	}
	return string(list)
}
