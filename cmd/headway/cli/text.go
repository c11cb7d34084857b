package cli

import (
	"strings"
	"unicode"
)

// OrDash is s, or a dash where a table would have nothing.
func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Printable keeps what came from a commit, a log or a stranger's request from
// moving the cursor and from changing the direction of the text, and cuts it to a
// number of characters.
func Printable(s string, most int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 || unicode.Is(unicode.Bidi_Control, r) {
			return '·'
		}
		return r
	}, s))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

// Enumerate writes "a, b and c".
func Enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// Name makes a valid name, of an app or a repository, out of any text.
func Name(text string, longest int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := b.String()
	name = strings.Trim(name[:min(len(name), longest)], "-")
	if name == "" {
		return "app"
	}
	return name
}
