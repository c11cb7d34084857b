package trace

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	oteltrace "go.opentelemetry.io/otel/trace"
)

// parent is what a traceparent header says, W3C Trace Context level 1.
type parent struct {
	trace   oteltrace.TraceID
	span    oteltrace.SpanID
	sampled bool
}

// headerLen is the length of a traceparent of version 00:
// version-trace-span-flags, in lower case hex digits.
const headerLen = 2 + 1 + 32 + 1 + 16 + 1 + 2

// parse reads a header of version 00, or the part of a later version that is
// the same; false if it is malformed.
func parse(h []byte) (p parent, ok bool) {
	if len(h) < headerLen || h[2] != '-' || h[35] != '-' || h[52] != '-' {
		return parent{}, false
	}
	var version, flags [1]byte
	ok = decode(version[:], h[:2]) && decode(p.trace[:], h[3:35]) && decode(p.span[:], h[36:52]) && decode(flags[:], h[53:55])
	switch {
	case !ok, version[0] == 0xff, !p.trace.IsValid(), !p.span.IsValid():
		return parent{}, false
	case len(h) > headerLen && (version[0] == 0 || h[headerLen] != '-'):
		return parent{}, false
	}
	p.sampled = flags[0]&byte(oteltrace.FlagsSampled) != 0
	return p, true
}

// decode reads lower case hex digits, twice as many as into has bytes.
func decode(into, digits []byte) bool {
	var wrong byte
	for i := range into {
		high, low := values[digits[2*i]], values[digits[2*i+1]]
		wrong |= high | low
		into[i] = high<<4 | low
	}
	return wrong < 16
}

// values of hex digits; 16 is none.
var values = func() (v [256]byte) {
	for c := range v {
		v[c] = 16
	}
	for i, c := range "0123456789abcdef" {
		v[c] = byte(i)
	}
	return v
}()

// write makes the header.
func (p parent) write(h *[headerLen]byte) {
	copy(h[:], "00-")
	hex.Encode(h[3:], p.trace[:])
	h[35] = '-'
	hex.Encode(h[36:], p.span[:])
	copy(h[52:], "-00")
	if p.sampled {
		h[54] = '1'
	}
}

func newTraceID() (id oteltrace.TraceID) {
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:8], rand.Uint64())
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

func newSpanID() (id oteltrace.SpanID) {
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}
