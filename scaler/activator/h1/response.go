package h1

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/headway-dev/headway/scaler/activator/grammar"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// framing is how a response body ends.
type framing uint8

const (
	noBody framing = iota
	byLength
	byChunks
	byClose
)

// response is a parsed response head. The slices point into the buffer.
type response struct {
	status  int
	line    []byte // status and reason phrase
	old     bool   // HTTP/1.0
	fields  []field
	framing framing
	length  int64
	// reuse is whether the pod's connection can be used again.
	reuse bool
	dated bool // it has a Date
	// trusted is whether another activator has sent it, and may say so.
	trusted bool
	// cookie is set by the activator; empty: none is.
	cookie string
	// revision is told to who asked for it; empty: nobody did.
	revision string
	// named are the further fields that Connection calls hop-by-hop.
	named [][]byte
}

var errResponse = errors.New("the app's response is not valid HTTP/1.1")

// responseEnd finds the end of a response head; 0 if it is not complete. Apps
// may end lines with LF alone: every line is written anew.
func responseEnd(b []byte, from int) (end, next int) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0, from
		}
		line := b[from : from+i]
		from += i + 1
		if from > i+1 && (len(line) == 0 || (len(line) == 1 && line[0] == '\r')) {
			return from, from
		}
	}
}

// parse reads a complete response head. toHead is whether the request was a
// HEAD, toUpgrade whether it asked for another protocol.
func (r *response) parse(head []byte, toHead, toUpgrade bool) error {
	*r = response{fields: r.fields[:0], named: r.named[:0], reuse: true, framing: byClose, length: -1}
	line, rest := cutLine(head)
	if err := r.parseLine(line); err != nil {
		return err
	}
	if r.status == http.StatusSwitchingProtocols && !toUpgrade {
		return fmt.Errorf("%w: another protocol was not asked for", errResponse)
	}
	chunked := false
	for {
		line, rest = cutLine(rest)
		if len(line) == 0 {
			break
		}
		f, ok := parseField(line)
		if !ok {
			return fmt.Errorf("%w: a header line is malformed", errResponse)
		}
		switch f.kind {
		case contentLength:
			n, ok := parseLength(f.value)
			if !ok || (r.length >= 0 && r.length != n) {
				return fmt.Errorf("%w: the Content-Length is not a number, or there are two", errResponse)
			}
			if r.length >= 0 {
				continue // the same again
			}
			r.length = n
		case transferEncoding:
			if chunked || r.old || !grammar.EqualFold(f.value, "chunked") {
				return fmt.Errorf("%w: the Transfer-Encoding is not chunked, or not of HTTP/1.1", errResponse)
			}
			chunked = true
		case date:
			r.dated = true
		case connection:
			r.parseConnection(f.value)
		}
		r.fields = append(r.fields, f)
	}
	r.frame(chunked, toHead)
	return nil
}

func (r *response) parseLine(line []byte) error {
	// HTTP/1.x SP 3DIGIT [SP reason]
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' ||
		(len(line) > 12 && line[12] != ' ') || !grammar.All(line, grammar.ValueChar) {
		return fmt.Errorf("%w: the status line is malformed", errResponse)
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return fmt.Errorf("%w: the status is not a number", errResponse)
		}
		r.status = r.status*10 + int(c-'0')
	}
	switch {
	case r.status < 100:
		return fmt.Errorf("%w: there is no status %03d", errResponse, r.status)
	case line[7] == '0':
		r.old, r.reuse = true, false
	case line[7] != '1':
		return fmt.Errorf("%w: the version is not supported", errResponse)
	}
	r.line = line[9:]
	return nil
}

func (r *response) parseConnection(value []byte) {
	for len(value) > 0 {
		var token []byte
		token, value, _ = bytes.Cut(value, []byte(","))
		switch token = trim(token); {
		case grammar.EqualFold(token, "close"):
			r.reuse = false
		case len(token) > 0 && !grammar.EqualFold(token, "keep-alive"):
			r.named = append(r.named, token)
		}
	}
}

// frame decides how the body ends, RFC 9112 section 6.3.
func (r *response) frame(chunked, toHead bool) {
	switch {
	case toHead || r.status < 200 || r.status == http.StatusNoContent || r.status == http.StatusNotModified:
		r.framing = noBody
	case chunked:
		r.framing = byChunks
		if r.length >= 0 {
			r.reuse = false // one of the two lies
		}
	case r.length >= 0:
		r.framing = byLength
	default:
		r.framing, r.reuse = byClose, false
	}
}

// setsSticky reports whether the app sets the cookie that the activator would.
func (r *response) setsSticky() bool {
	return slices.ContainsFunc(r.fields, func(f field) bool { return f.kind == setCookie && table.SetsSticky(string(f.value)) })
}

// cutLine splits off a line that ends with LF or CR LF.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, nil
	}
	line, rest = b[:i], b[i+1:]
	if len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line, rest
}
