package h1

import (
	"bytes"
	"errors"
	"net/http"
)

// maxHead is the size of a request head, as net/http's MaxHeaderBytes.
const maxHead = 64 << 10

// maxBody is the size up to which a request body is read before the request
// goes to a pod. Larger ones are net/http's.
const maxBody = 64 << 10

// refusal is a request that is answered and whose connection is closed.
type refusal struct {
	status int
	why    string
}

func (r *refusal) Error() string { return r.why }

func bad(why string) *refusal { return &refusal{http.StatusBadRequest, why} }

var (
	errBareLF       = bad("a line does not end with CR LF")
	errRequestLine  = bad("the request line is malformed")
	errVersion      = &refusal{http.StatusHTTPVersionNotSupported, "the HTTP version is not supported"}
	errField        = bad("a header line is malformed")
	errHost         = bad("there must be exactly one valid Host header")
	errLength       = bad("there must be at most one Content-Length, with digits only")
	errTwoFramings  = bad("Content-Length and Transfer-Encoding exclude each other")
	errEncoding     = &refusal{http.StatusNotImplemented, "the transfer encoding is not supported"}
	errHeadTooLarge = &refusal{http.StatusRequestHeaderFieldsTooLarge, "the request head is larger than 64 KiB"}
)

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
			return 0, from, errBareLF
		}
		from += i + 1
		if len(line) == 2 {
			return from, from, nil
		}
	}
}

// request is a parsed request head. The slices point into the buffer.
type request struct {
	method, target, host []byte
	fields               []field
	length               int64 // of the body
	close                bool
	userAgent            []byte
	traceparent          []byte               // nil if there are two
	revision, hops       []byte               // of a request that another activator sends on
	has                  [tracestate + 1]bool // kinds that occur
}

// preface begins a connection that speaks HTTP/2 from the start.
var preface = []byte("PRI * HTTP/2.0\r\n\r\n")

// parse reads a complete head. It returns errNotPlain or a *refusal.
func (r *request) parse(head []byte) error {
	*r = request{fields: r.fields[:0]}
	if bytes.HasPrefix(head, preface) {
		return errNotPlain
	}
	plain, rest, err := r.parseLine(head)
	if err != nil {
		return err
	}
	chunked := false
	for len(rest) > 2 {
		end := bytes.IndexByte(rest, '\n')
		f, ok := parseField(rest[:end-1])
		if !ok {
			return errField
		}
		rest = rest[end+1:]
		repeated := r.has[f.kind]
		r.has[f.kind] = true
		switch f.kind {
		case host:
			if repeated || !all(f.value, hostChar) || len(f.value) == 0 {
				return errHost
			}
			r.host = f.value
		case contentLength:
			n, ok := parseLength(f.value)
			if repeated || !ok {
				return errLength
			}
			r.length = n
		case transferEncoding:
			if repeated || !equalFold(f.value, "chunked") {
				return errEncoding
			}
			chunked = true
		case connection:
			switch {
			case equalFold(f.value, "close"):
				r.close = true
			case !equalFold(f.value, "keep-alive"):
				plain = false
			}
		case upgrade, expect:
			plain = false
		case userAgent:
			r.userAgent = f.value
		case traceparent:
			if r.traceparent = f.value; repeated {
				r.traceparent = nil
			}
		case peerRevision:
			r.revision = f.value
		case peerHops:
			r.hops = f.value
		}
		r.fields = append(r.fields, f)
	}
	switch {
	case !r.has[host] && plain: // HTTP/1.0 has none
		return errHost
	case chunked && r.has[contentLength]:
		return errTwoFramings
	case chunked || !plain || r.length > maxBody:
		return errNotPlain
	}
	return nil
}

// parseLine reads the request line. plain is false for a request that
// net/http should look at.
func (r *request) parseLine(head []byte) (plain bool, rest []byte, err error) {
	end := bytes.IndexByte(head, '\n')
	line := head[:end-1]
	space := bytes.IndexByte(line, ' ')
	last := bytes.LastIndexByte(line, ' ')
	if space <= 0 || last == space || !all(line[:space], tokenChar) {
		return false, nil, errRequestLine
	}
	r.method, r.target = line[:space], line[space+1:last]
	if len(r.target) == 0 {
		return false, nil, errRequestLine
	}
	for _, c := range r.target {
		if c <= ' ' || c == 0x7f {
			return false, nil, errRequestLine
		}
	}
	switch version := line[last+1:]; {
	case bytes.Equal(version, []byte("HTTP/1.1")):
	case bytes.Equal(version, []byte("HTTP/1.0")):
		return false, head[end+1:], nil
	default:
		return false, nil, errVersion
	}
	plain = (r.target[0] == '/' && all(r.target, targetChar)) || (len(r.target) == 1 && r.target[0] == '*')
	return plain, head[end+1:], nil
}

func (r *request) isHead() bool { return string(r.method) == http.MethodHead }
