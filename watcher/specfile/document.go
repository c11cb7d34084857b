package specfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// position in a file; both count from 1.
type position struct{ line, column int }

// document parses the YAML of one file into its top node. It refuses what a
// headway.yaml has no use for and what makes YAML dangerous or surprising:
// anchors and aliases, tags, several documents, other encodings, sheer size.
func document(data []byte) (*yaml.Node, *Problem) {
	if len(data) > MaxBytes {
		return nil, whole(position{1, 1}, "the file has %d bytes; at most %d are read", len(data), MaxBytes)
	}
	if at, ok := notUTF8(data); !ok {
		return nil, whole(at, "the file is not UTF-8; save it as UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, whole(position{1, 1}, "the file is empty; at least a name is needed, such as name: shop")
	} else if err != nil {
		return nil, syntax(data, err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		return nil, whole(position{second.Line, second.Column}, "the file holds several YAML documents; write one app per file, each in its own folder")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntax(data, err)
	}
	if p := refused(&doc); p != nil {
		return nil, p
	}
	return doc.Content[0], nil
}

func whole(at position, format string, args ...any) *Problem {
	return &Problem{Line: max(at.line, 1), Column: max(at.column, 1), Message: fmt.Sprintf(format, args...)}
}

// notUTF8 finds the first byte that is not UTF-8.
func notUTF8(data []byte) (position, bool) {
	at := position{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			return at, false
		}
		at.column++
		if r == '\n' {
			at = position{at.line + 1, 1}
		}
		data = data[size:]
	}
	return at, true
}

// refused finds the first anchor, alias or tag of a tree. Aliases are not
// followed, so the walk is linear in the size of the file.
func refused(n *yaml.Node) *Problem {
	at := position{n.Line, n.Column}
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "":
		return whole(at, "anchors and aliases (& and *) are not supported; write the value out, or quote it if it is text")
	case n.Style&yaml.TaggedStyle != 0:
		return whole(at, "the tag %s is not supported; write the value without it", clip(n.Tag))
	}
	for _, child := range n.Content {
		if p := refused(child); p != nil {
			return p
		}
	}
	return nil
}

// parserError are the messages that the YAML library raises one level above its
// scanner; for those it counts lines from 0.
var parserError = regexp.MustCompile(`^did not find expected (',' or|key$|'-' indicator|node content|<)`)

// aliasWithoutName is the parser's message for a glob without quotes: to YAML,
// it is a reference to something without a name.
const aliasWithoutName = "did not find expected alphabetic or numeric character"

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax turns an error of the YAML library, which knows only the line, into
// a Problem, and names the commonest cause: a tab that indents.
func syntax(data []byte, err error) *Problem {
	text := err.Error()
	line := 1
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
			if parserError.MatchString(text) {
				line++
			}
		}
	}
	lines := strings.Split(string(data), "\n")
	for i := max(line-2, 0); i <= line && i < len(lines); i++ {
		indent := lines[i][:len(lines[i])-len(strings.TrimLeft(lines[i], " \t"))]
		if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
			return whole(position{i + 1, tab + 1}, "a tab indents this line; YAML wants spaces")
		}
	}
	if text == aliasWithoutName {
		text = `a value that begins with * or & has to be in quotes, such as "**/*.md"`
	}
	column := 1
	if line <= len(lines) {
		l := lines[line-1]
		column = len(l) - len(strings.TrimLeft(l, " ")) + 1
	}
	problem := whole(position{line, column}, "not valid YAML: %s", text)
	problem.syntax = true
	return problem
}
