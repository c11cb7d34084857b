package forge

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLink is the length of the longest URL that is shown, in bytes.
const maxLink = 2048

// Line is a text from outside in one line and at most size bytes: without what
// terminals obey, and without what turns the direction of the text around it.
func Line(s string, size int) string {
	const enough = 8 // bytes for each that is kept; what is dropped must not cost more
	if len(s) > enough*size {
		s = s[:enough*size]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), turnsDirection(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return Cut(strings.Join(strings.Fields(s), " "), size)
}

// turnsDirection reports whether r is one of Unicode's marks that change in which
// direction what follows is read (UAX 9, section 2).
func turnsDirection(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// Cut is the start of a text, at most size bytes of whole characters.
func Cut(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}

// Link is a URL from outside that may be shown as one; empty for any other.
func Link(s string) string {
	if len(s) > maxLink || strings.ContainsAny(s, " \"'<>`\\") || Line(s, maxLink) != s {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	return s
}

// Marked reports whether the first line of a comment is marker.
func Marked(comment, marker string) bool {
	first, _, _ := strings.Cut(comment, "\n")
	return strings.TrimRight(first, "\r ") == marker
}
