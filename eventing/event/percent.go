package event

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The coding of header values: section 3.1.3.2 of the HTTP binding, 1.0.2.

const upperHex = "0123456789ABCDEF"

// encodeHeader percent-encodes blanks, quotes, percent signs and all that is not
// printable ASCII. It returns s itself if there is nothing to encode.
func encodeHeader(s string) string {
	plain := 0
	for plain < len(s) && !needsCoding(s[plain]) {
		plain++
	}
	if plain == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:plain])
	for i := plain; i < len(s); i++ {
		if c := s[i]; needsCoding(c) {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func needsCoding(c byte) bool {
	return c <= ' ' || c >= 0x7f || c == '"' || c == '%'
}

// decodeHeader undoes quotes, then one round of percent-encoding. Text that is
// UTF-8 without any coding is read, too. It returns s itself if there is nothing
// to decode. Errors go on after the name of the attribute.
func decodeHeader(s string) (string, error) {
	if strings.HasPrefix(s, `"`) {
		unquoted, err := unquoteHeader(s)
		if err != nil {
			return "", err
		}
		s = unquoted
	}
	if strings.IndexByte(s, '%') >= 0 {
		decoded, err := decodePercent(s)
		if err != nil {
			return "", err
		}
		s = decoded
	}
	if !utf8.ValidString(s) {
		return "", errors.New("is not valid UTF-8")
	}
	return s, nil
}

// unquoteHeader reads a quoted-string of RFC 7230 section 3.2.6, the whole value.
func unquoteHeader(s string) (string, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if i != len(s)-1 {
				return "", errors.New("has text after the quotes that it begins with")
			}
			return b.String(), nil
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", errors.New("begins with a quote that is not closed")
}

func decodePercent(s string) (string, error) {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			return "", fmt.Errorf("has the percent sign in %q, which must be written as %%25", s[i:min(i+3, len(s))])
		}
		b.WriteByte(byte(unhex(s[i+1])<<4 | unhex(s[i+2])))
		i += 2
	}
	return b.String(), nil
}

// unhex is the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
