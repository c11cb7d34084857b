package h1

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/headway-dev/headway/scaler/activator/grammar"
)

// maxHead is the size of a request head, as net/http's MaxHeaderBytes.
const maxHead = 64 << 10

// maxBody is the size up to which a request body is read before the request
// goes to a pod. Larger ones are net/http's.
const maxBody = 64 << 10

// errNotPlain is not a fault: the request is net/http's.
var errNotPlain = errors.New("not a plain request")

// headEnd finds the end of a head, the index after its empty line; 0 if it is
// not complete. from is where to go on looking: the start of a line.
func headEnd(b []byte, from int) (end, next int, err error) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0, from, nil
		}
		line := b[from : from+i+1]
		if len(line) < 2 || line[len(line)-2] != '\r' {
			return 0, from, grammar.BareLF
		}
		from += i + 1
		if len(line) == 2 {
			return from, from, nil
		}
	}
}

// wholeHead is headEnd for heads that are not too large.
func wholeHead(b []byte, from int) (end, next int, err error) {
	end, next, err = headEnd(b, from)
	if err == nil && (end > maxHead || end == 0 && len(b) > maxHead) {
		err = grammar.HeadTooLarge
	}
	return end, next, err
}

// emptyLine is ignored before a request, once: some clients send one after a
// body (RFC 9112 section 2.2).
const emptyLine = "\r\n"

func startsWithEmptyLine(b []byte) bool { return len(b) >= 2 && string(b[:2]) == emptyLine }

// request is a parsed request head. The slices point into the buffer.
type request struct {
	method, target, host []byte
	fields               []field
	old                  bool  // HTTP/1.0
	chunked              bool  // the body
	length               int64 // of the body that is not chunked
	close                bool
	traceparent          []byte               // nil if there are two
	has                  [tracestate + 1]bool // kinds that occur
}

// preface begins a connection that speaks HTTP/2 from the start.
var preface = []byte("PRI * HTTP/2.0\r\n\r\n")

// parse reads a complete head. It returns errNotPlain or a *grammar.Refusal.
func (r *request) parse(head []byte) error {
	*r = request{fields: r.fields[:0]}
	rest, err := r.parseLine(head)
	if err != nil {
		return err
	}
	plain := !r.old && (r.target[0] == '/' || r.target[0] == '*')
	for len(rest) > 2 {
		end := bytes.IndexByte(rest, '\n')
		f, ok := parseField(rest[:end-1])
		if !ok {
			return grammar.Field
		}
		rest = rest[end+1:]
		repeated := r.has[f.kind]
		r.has[f.kind] = true
		switch f.kind {
		case host:
			if repeated || !grammar.CheckHost(f.value) {
				return grammar.Host
			}
			r.host = f.value
		case contentLength:
			n, ok := parseLength(f.value)
			if repeated || !ok {
				return grammar.Length
			}
			r.length = n
		case transferEncoding:
			switch {
			case r.old:
				return grammar.OldEncoding
			case repeated || !grammar.EqualFold(f.value, "chunked"):
				return grammar.Encoding
			}
			r.chunked = true
		case connection:
			switch {
			case grammar.EqualFold(f.value, "close"):
				r.close = true
			case !grammar.EqualFold(f.value, "keep-alive"):
				plain = false
			}
		case upgrade, expect:
			plain = false
		case trailer:
			if announcesFraming(f.value) {
				return grammar.Trailer
			}
		case traceparent:
			if r.traceparent = f.value; repeated {
				r.traceparent = nil
			}
		}
		r.fields = append(r.fields, f)
	}
	switch {
	case !r.has[host] && !r.old:
		return grammar.Host
	case r.chunked && r.has[contentLength]:
		return grammar.TwoFramings
	case r.chunked || !plain || r.length > maxBody:
		return errNotPlain
	}
	return nil
}

// parseLine reads the request line.
func (r *request) parseLine(head []byte) (rest []byte, err error) {
	end := bytes.IndexByte(head, '\n')
	line := head[:end-1]
	space := bytes.IndexByte(line, ' ')
	last := bytes.LastIndexByte(line, ' ')
	if space <= 0 || last == space || !grammar.All(line[:space], grammar.TokenChar) {
		return nil, grammar.RequestLine
	}
	r.method, r.target = line[:space], line[space+1:last]
	switch version := line[last+1:]; {
	case bytes.Equal(version, []byte("HTTP/1.1")):
	case bytes.Equal(version, []byte("HTTP/1.0")):
		r.old = true
	default:
		return nil, grammar.Version
	}
	if no := grammar.CheckTarget(r.method, r.target); no != nil {
		return nil, no
	}
	return head[end+1:], nil
}

func (r *request) isHead() bool { return string(r.method) == http.MethodHead }
