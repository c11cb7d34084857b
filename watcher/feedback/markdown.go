package feedback

import (
	"strings"
	"unicode"
)

// maxCode is the longest foreign text in a comment, in characters.
const maxCode = 600

// oneLine takes line ends, control characters and those that cannot be seen out of
// a text that somebody else has written.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// Code is foreign text in a comment: a code span on one line, in which forges read
// no mention, link, image, HTML or command. Its fence is longer than any run of
// backticks in it. A bar would end the cell of a table whatever stands before it,
// so it becomes a broken one.
func Code(text string) string {
	text = strings.ReplaceAll(line(text, maxCode), "|", "¦")
	if text == "" {
		return ""
	}
	longest, run := 0, 0
	for _, r := range text {
		if run++; r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	if longest == 0 {
		return "`" + text + "`"
	}
	fence := strings.Repeat("`", longest+1)
	return fence + " " + text + " " + fence
}

// codes are several.
func codes(texts []string) string {
	var all []string
	for _, t := range texts {
		if c := Code(t); c != "" {
			all = append(all, c)
		}
	}
	return strings.Join(all, ", ")
}
