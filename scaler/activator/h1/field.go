package h1

import "bytes"

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
	transferEncoding
	host
	upgrade
	expect
	trailer
	xForwardedFor
	xForwardedHost
	xForwardedProto
	forwarded
	userAgent
	peerRevision
	peerHops
	traceparent
	tracestate // the last one
)

// known are the fields of other kinds than other, by the length of their name.
var known = func() (table [24][]namedKind) {
	for name, k := range map[string]kind{
		"connection":          connection,
		"content-length":      contentLength,
		"transfer-encoding":   transferEncoding,
		"host":                host,
		"upgrade":             upgrade,
		"expect":              expect,
		"trailer":             trailer,
		"te":                  hopByHop,
		"keep-alive":          hopByHop,
		"proxy-connection":    hopByHop,
		"proxy-authenticate":  hopByHop,
		"proxy-authorization": hopByHop,
		"http2-settings":      hopByHop,
		"x-forwarded-for":     xForwardedFor,
		"x-forwarded-host":    xForwardedHost,
		"x-forwarded-proto":   xForwardedProto,
		"forwarded":           forwarded,
		"user-agent":          userAgent,
		"traceparent":         traceparent,
		"tracestate":          tracestate,
		"headway-revision":    peerRevision,
		"headway-hops":        peerHops,
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
			if equalFold(name, k.name) {
				return k.kind
			}
		}
	}
	return other
}

// equalFold compares b with lower, which is in lower case, in ASCII.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Character classes of RFC 9110.
const (
	tokenChar  = 1 << iota // 5.6.2
	valueChar              // 5.5: visible, space, tab, and bytes above 127
	hostChar               // of a Host field: unreserved, sub-delims, ":", "[", "]", "%"
	targetChar             // visible ASCII but "#"
)

var class = func() (t [256]uint8) {
	for i := range 256 {
		c := byte(i)
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if alnum || bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0 {
			t[i] |= tokenChar
		}
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[i] |= valueChar
		}
		if alnum || bytes.IndexByte([]byte("-._~!$&'()*+,;=:[]%"), c) >= 0 {
			t[i] |= hostChar
		}
		if c > ' ' && c < 0x7f && c != '#' {
			t[i] |= targetChar
		}
	}
	return t
}()

// all tells whether every byte of b is of the class.
func all(b []byte, of uint8) bool {
	for _, c := range b {
		if class[c]&of == 0 {
			return false
		}
	}
	return true
}

// parseField splits a header line without its end.
func parseField(line []byte) (field, bool) {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !all(line[:colon], tokenChar) {
		return field{}, false // also a folded line and a space before the colon
	}
	value := trim(line[colon+1:])
	if !all(value, valueChar) {
		return field{}, false
	}
	return field{name: line[:colon], value: value, kind: kindOf(line[:colon])}, true
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
