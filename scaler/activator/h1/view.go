package h1

import (
	"strings"

	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// Host is that of the request.
func (c *conn) Host() string { return c.host }

// Method is that of the request.
func (c *conn) Method() string { return string(c.req.method) }

// Header returns the first value of a field, and whether there is one.
func (c *conn) Header(name string) (value string, ok bool) {
	for i := range c.req.fields {
		if f := &c.req.fields[i]; strings.EqualFold(string(f.name), name) {
			return string(f.value), true
		}
	}
	return "", false
}

// Cookie returns the value of the first cookie with a name.
func (c *conn) Cookie(name string) (value string, ok bool) {
	for i := range c.req.fields {
		if f := &c.req.fields[i]; f.kind == cookie {
			if value, ok := table.Cookie(f.value, name); ok {
				return string(value), true
			}
		}
	}
	return "", false
}

// Upgrade is false: such a request is net/http's.
func (c *conn) Upgrade() bool { return false }

// Traceparent is nil if the request has none or two.
func (c *conn) Traceparent() []byte { return c.req.traceparent }

// Describe is for requests that are logged or traced.
func (c *conn) Describe() record.Incoming {
	r := &c.req
	return record.Incoming{
		Method: string(r.method), Target: string(r.target), Host: c.host, Protocol: "HTTP/1.1", Client: c.peer.addr,
		ForwardedFor: r.first(xForwardedFor), ForwardedProto: r.first(xForwardedProto),
		UserAgent: r.first(userAgent), Traceparent: string(r.traceparent), Tracestate: r.joined(tracestate),
	}
}

// first returns the value of the first field of kind k; empty if there is none.
func (r *request) first(k kind) string {
	if !r.has[k] {
		return ""
	}
	return firstOf(r.fields, k)
}

func firstOf(fields []field, k kind) string {
	for i := range fields {
		if fields[i].kind == k {
			return string(fields[i].value)
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
