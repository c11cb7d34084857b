package h1

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/peer"
	"github.com/headway-dev/headway/scaler/activator/trace"
)

// client is what is known of a connection's peer, written once.
type client struct {
	addr      string // host:port
	ip        string
	forwarded string // "for=..." of the Forwarded header
}

// appendRequest writes the head for the pod. hop is set if the pod is another
// activator; c is nil if another activator has told of the client already. What
// t has of headers replaces the client's.
func appendRequest(b []byte, r *request, c *client, hop peer.Hop, t *trace.Request) []byte {
	parent, state, traced := t.Headers()
	b = append(b, r.method...)
	b = append(b, ' ')
	b = append(b, r.target...)
	b = append(b, " HTTP/1.1\r\n"...)
	for i := range r.fields {
		switch f := &r.fields[i]; f.kind {
		case hopByHop, connection, trailer, contentLength, peerRevision, peerHops:
		case te:
			if lists(f.value, "trailers") { // which are passed on; what else it may list is not
				b = append(b, "TE: trailers\r\n"...)
			}
		case xForwardedFor, forwarded, mirrored:
			if c == nil {
				b = appendField(b, f)
			}
		case traceparent, tracestate:
			if !traced {
				b = appendField(b, f)
			}
		default:
			b = appendField(b, f)
		}
	}
	if traced {
		b = appendTrace(b, parent, state)
	}
	if r.has[contentLength] {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, r.length, 10)
		b = append(b, "\r\n"...)
	}
	b = hop.Append(b)
	if c == nil {
		return append(b, "\r\n"...)
	}
	b = append(b, "X-Forwarded-For: "...)
	b = appendGiven(b, r, xForwardedFor)
	b = append(b, c.ip...)
	b = append(b, "\r\n"...)
	if !r.has[xForwardedHost] {
		b = append(b, "X-Forwarded-Host: "...)
		b = append(b, r.host...)
		b = append(b, "\r\n"...)
	}
	if !r.has[xForwardedProto] {
		b = append(b, "X-Forwarded-Proto: http\r\n"...)
	}
	b = append(b, "Forwarded: "...)
	b = appendGiven(b, r, forwarded)
	b = append(b, c.forwarded...)
	b = append(b, ";host="...)
	if bytes.ContainsAny(r.host, ":[]()%,;=") { // more than a token
		b = append(b, '"')
		b = append(b, r.host...)
		b = append(b, '"')
	} else {
		b = append(b, r.host...)
	}
	return append(b, ";proto=http\r\n\r\n"...)
}

func appendTrace(b, parent []byte, state string) []byte {
	b = append(b, "traceparent: "...)
	b = append(b, parent...)
	b = append(b, "\r\n"...)
	if state == "" {
		return b
	}
	b = append(b, "tracestate: "...)
	b = append(b, state...)
	return append(b, "\r\n"...)
}

// appendGiven writes what stood in the fields of kind k before.
func appendGiven(b []byte, r *request, k kind) []byte {
	if !r.has[k] {
		return b
	}
	for i := range r.fields {
		if f := &r.fields[i]; f.kind == k && len(f.value) > 0 {
			b = append(b, f.value...)
			b = append(b, ", "...)
		}
	}
	return b
}

func appendField(b []byte, f *field) []byte {
	b = append(b, f.name...)
	b = append(b, ": "...)
	b = append(b, f.value...)
	return append(b, "\r\n"...)
}

// appendResponse writes the head for the client.
func appendResponse(b []byte, r *response, close bool) []byte {
	return appendHead(b, r, r.framing == byChunks || r.framing == byClose, close)
}

// appendHead writes the head of a response whose body is sent in chunks or as
// the length says.
func appendHead(b []byte, r *response, chunked, close bool) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = append(b, r.line...)
	if len(r.line) == len("200") {
		b = append(b, ' ') // which belongs there also where no reason follows
	}
	b = append(b, "\r\n"...)
	bare := r.status == http.StatusNotModified // net/http leaves these out as well
	for i := range r.fields {
		switch f := &r.fields[i]; {
		case f.kind == hopByHop, f.kind == connection, f.kind == transferEncoding, f.kind == upgrade, f.kind == te:
		case f.kind == contentLength && (chunked || bare || r.status == http.StatusNoContent):
		case f.kind == contentType && bare:
		case f.kind == ownAnswer && !r.trusted:
		case f.kind == peerRevision && r.revision != "": // the app does not say who it is
		case f.kind == trailer:
			b = appendAnnounced(b, f)
		case len(r.named) > 0 && r.isNamed(f.name):
		default:
			b = appendField(b, f)
		}
	}
	if !r.dated && r.status >= http.StatusOK {
		b = appendDate(b, time.Now())
	}
	if r.cookie != "" {
		b = append(b, "Set-Cookie: "...)
		b = append(b, r.cookie...)
		b = append(b, "\r\n"...)
	}
	if r.revision != "" {
		b = append(b, answer.RevisionHeader+": "...)
		b = append(b, r.revision...)
		b = append(b, "\r\n"...)
	}
	if chunked {
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	if close {
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

// appendAnnounced writes a Trailer field without the names that never come.
func appendAnnounced(b []byte, f *field) []byte {
	sep := "Trailer: "
	for name := range eachElement(f.value) {
		if mayTrail(kindOf(name)) {
			b = append(b, sep...)
			b = append(b, name...)
			sep = ", "
		}
	}
	if sep == ", " {
		b = append(b, "\r\n"...)
	}
	return b
}

func (r *response) isNamed(name []byte) bool {
	for _, n := range r.named {
		if bytes.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// appendAnswer writes a response of the activator's own.
func appendAnswer(b []byte, a answer.Response, toHead, close bool) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.Status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(a.Status)...)
	b = append(b, "\r\n"...)
	b = appendDate(b, time.Now())
	for _, f := range a.Fields {
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	if close {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(b, "\r\n"...)
	if toHead {
		return b
	}
	return append(b, a.Body...)
}
