package forge

import (
	"regexp"
	"slices"
	"strings"
)

// command is the line of a comment that approves a commit.
var command = regexp.MustCompile(`^/headway approve ([0-9a-f]{7,40})\s*$`)

// hidden are the tags of HTML whose content is not what the author says: it is
// not shown, a citation, or code.
var hidden = map[string]string{"<!--": "-->", "<pre": "</pre", "<code": "</code", "<blockquote": "</blockquote", "<script": "</script", "<style": "</style"}

// Approved are the commits that a comment approves: those of the lines
//
//	/headway approve <7 to 40 hexadecimal digits>
//
// that are neither in a quotation nor in code nor hidden. In doubt a line does not
// count: a quotation goes on, as in Markdown, until an empty line. At most 20.
func Approved(comment string) []string {
	var commits []string
	var in block
	for line := range strings.Lines(comment) {
		line = strings.TrimRight(line, "\r\n")
		if in.skips(line) {
			continue
		}
		m := command.FindStringSubmatch(line)
		if m != nil && len(commits) < 20 && !slices.Contains(commits, m[1]) {
			commits = append(commits, m[1])
		}
	}
	return commits
}

// block is what the lines of a comment stand in.
type block struct {
	// fence is the run of characters that has opened a block of code.
	fence string
	// end is what ends a tag of HTML.
	end string
	// quoted: the last line was of a quotation.
	quoted bool
}

// skips reports whether a line is not its author's own word, and goes on behind
// it.
func (b *block) skips(line string) bool {
	trimmed := strings.TrimLeft(line, " \t")
	switch {
	case b.end != "":
		b.tags(strings.ToLower(line))
		return true
	case b.fence != "":
		if closes(line, b.fence) {
			b.fence = ""
		}
		return true
	case strings.HasPrefix(trimmed, ">"):
		b.quoted = true
		return true
	case trimmed == "":
		b.quoted = false
		return true
	}
	if fence := opens(trimmed); fence != "" {
		b.fence, b.quoted = fence, false
		return true
	}
	skip := b.quoted
	if strings.Contains(line, "<") {
		b.tags(strings.ToLower(line))
	}
	return skip
}

// tags goes through the tags of a line, to what is open at its end.
func (b *block) tags(line string) {
	for {
		if b.end != "" {
			at := strings.Index(line, b.end)
			if at < 0 {
				return
			}
			line, b.end = line[at+len(b.end):], ""
		}
		first, start := len(line), ""
		for tag := range hidden {
			if at := strings.Index(line, tag); at >= 0 && at < first {
				first, start = at, tag
			}
		}
		if start == "" {
			return
		}
		line, b.end = line[first+len(start):], hidden[start]
	}
}

// opens gives the run of characters that opens a block of code
// (https://spec.commonmark.org/0.31.2/#fenced-code-blocks); "" for another line.
func opens(trimmed string) string {
	for _, c := range []string{"`", "~"} {
		rest := strings.TrimLeft(trimmed, c)
		run := trimmed[:len(trimmed)-len(rest)]
		if len(run) >= 3 && (c != "`" || !strings.Contains(rest, "`")) {
			return run
		}
	}
	return ""
}

// closes reports whether a line ends the block that fence has opened.
func closes(line, fence string) bool {
	rest := strings.TrimLeft(line, " ")
	if len(line)-len(rest) > 3 {
		return false
	}
	rest = strings.TrimRight(rest, " \t")
	return len(rest) >= len(fence) && strings.Trim(rest, fence[:1]) == ""
}
