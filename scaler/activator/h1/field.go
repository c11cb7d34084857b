package h1

import (
	"bytes"
	"iter"

	"github.com/headway-dev/headway/scaler/activator/grammar"
)

// field is a header line. The slices point into the connection's buffer.
type field struct {
	name, value []byte
	kind        kind
}

// kind tells the header fields apart that this package must know.
type kind uint8

const (
	other kind = iota
	hopByHop
	connection
	contentLength
	contentType
	transferEncoding
	host
	upgrade
	expect
	trailer
	te
	date
	xForwardedFor
	xForwardedHost
	xForwardedProto
	forwarded
	userAgent
	cookie
	setCookie
	peerRevision
	peerHops
	mirrored
	ownAnswer
	subscription
	traceparent
	tracestate // the last one
)

// known are the fields of other kinds than other, by the length of their name.
var known = func() (table [24][]namedKind) {
	for name, k := range map[string]kind{
		"connection":           connection,
		"content-length":       contentLength,
		"content-type":         contentType,
		"date":                 date,
		"transfer-encoding":    transferEncoding,
		"host":                 host,
		"upgrade":              upgrade,
		"expect":               expect,
		"trailer":              trailer,
		"te":                   te,
		"keep-alive":           hopByHop,
		"proxy-connection":     hopByHop,
		"proxy-authenticate":   hopByHop,
		"proxy-authorization":  hopByHop,
		"http2-settings":       hopByHop,
		"x-forwarded-for":      xForwardedFor,
		"x-forwarded-host":     xForwardedHost,
		"x-forwarded-proto":    xForwardedProto,
		"forwarded":            forwarded,
		"user-agent":           userAgent,
		"cookie":               cookie,
		"set-cookie":           setCookie,
		"traceparent":          traceparent,
		"tracestate":           tracestate,
		"headway-revision":     peerRevision,
		"headway-hops":         peerHops,
		"headway-mirror":       mirrored,
		"headway-answer":       ownAnswer,
		"headway-subscription": subscription,
	} {
		table[len(name)] = append(table[len(name)], namedKind{name, k})
	}
	return table
}()

type namedKind struct {
	name string // lower case
	kind kind
}

func kindOf(name []byte) kind {
	if len(name) < len(known) {
		for _, k := range known[len(name)] {
			if grammar.EqualFold(name, k.name) {
				return k.kind
			}
		}
	}
	return other
}

// parseField splits a header line without its end.
func parseField(line []byte) (field, bool) {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !grammar.All(line[:colon], grammar.TokenChar) {
		return field{}, false // also a folded line and a space before the colon
	}
	value := trim(line[colon+1:])
	if !grammar.All(value, grammar.ValueChar) {
		return field{}, false
	}
	return field{name: line[:colon], value: value, kind: kindOf(line[:colon])}, true
}

// mayTrail reports whether a field of kind k may come as a trailer: not one that
// frames the message, says how to read it or where it goes.
func mayTrail(k kind) bool {
	return k == other || k == date || k == traceparent || k == tracestate
}

// announcesFraming reports whether a Trailer field announces what net/http
// cannot serve.
func announcesFraming(value []byte) bool {
	for name := range eachElement(value) {
		if k := kindOf(name); k == contentLength || k == transferEncoding || k == trailer {
			return true
		}
	}
	return false
}

// eachElement yields the elements of a list in a field's value.
func eachElement(list []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(list) > 0 {
			var e []byte
			e, list, _ = bytes.Cut(list, []byte(","))
			if e = trim(e); len(e) > 0 && !yield(e) {
				return
			}
		}
	}
}

// lists reports whether the list in a field's value has the element lower.
func lists(value []byte, lower string) bool {
	for e := range eachElement(value) {
		if grammar.EqualFold(e, lower) {
			return true
		}
	}
	return false
}

// trim removes spaces and tabs from both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// parseLength reads a Content-Length: digits and nothing else.
func parseLength(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
