package event

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over JSON that is known to be valid. It finds where values begin
// and end, and so keeps the data of an event byte for byte.
type scanner struct {
	text []byte
	at   int
}

// peek is the first byte of the next value.
func (s *scanner) peek() byte {
	s.skipSpace()
	return s.text[s.at]
}

// next goes to the next name of the object, or element of the array, that the
// scanner began at, past the bracket or comma before it. It is false at the end.
func (s *scanner) next() bool {
	s.skipSpace()
	if c := s.text[s.at]; c == '{' || c == '[' || c == ',' {
		s.at++
		s.skipSpace()
	}
	c := s.text[s.at]
	return c != '}' && c != ']'
}

// value is the next value, without the blanks around it, past the colon before it.
func (s *scanner) value() []byte {
	s.skipSpace()
	if s.text[s.at] == ':' {
		s.at++
		s.skipSpace()
	}
	start := s.at
	switch s.text[start] {
	case '"':
		s.skipString()
	case '{', '[':
		s.skipNested()
	default:
		for s.at < len(s.text) && bytes.IndexByte([]byte(",]} \t\r\n"), s.text[s.at]) < 0 {
			s.at++
		}
	}
	value := s.text[start:s.at:s.at]
	s.skipSpace()
	return value
}

func (s *scanner) skipSpace() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) skipString() {
	s.at++
	for {
		switch s.text[s.at] {
		case '\\':
			s.at += 2
		case '"':
			s.at++
			return
		default:
			s.at++
		}
	}
}

func (s *scanner) skipNested() {
	depth := 0
	for {
		switch s.text[s.at] {
		case '"':
			s.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			return
		}
	}
}

// unquote is the text of a valid JSON string. It is false for one that Unicode
// cannot write: encoding/json would put another character there.
func unquote(quoted []byte) (string, bool) {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), true
	}
	text := make([]byte, 0, len(inner))
	for i := 0; i < len(inner); i++ {
		if inner[i] != '\\' {
			text = append(text, inner[i])
			continue
		}
		i++
		switch c := inner[i]; c {
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 't':
			text = append(text, '\t')
		case 'u':
			r := unescape(inner[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				// Its other half is a second escape, six bytes long.
				if i+6 >= len(inner) || inner[i+1] != '\\' || inner[i+2] != 'u' {
					return "", false
				}
				if r = utf16.DecodeRune(r, unescape(inner[i+3:])); r == utf8.RuneError {
					return "", false
				}
				i += 6
			}
			text = utf8.AppendRune(text, r)
		default: // a quote, a backslash or a slash
			text = append(text, c)
		}
	}
	return string(text), true
}

// unescape reads the four hexadecimal digits that text begins with.
func unescape(text []byte) rune {
	r, _ := strconv.ParseUint(string(text[:4]), 16, 16)
	return rune(r)
}
