package spec

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Locate finds where the value of a key, such as build.args.main, stands in a
// file that Parse accepts; the nearest enclosing value when the key is not
// written, 1:1 when there is none. It lets callers give a position to problems
// that only they can see.
func Locate(data []byte, key string) (line, column int) {
	at := position{1, 1}
	n, problem := document(data)
	if problem != nil {
		return at.line, at.column
	}
	for name := range strings.SplitSeq(key, ".") {
		if n = child(n, name); n == nil {
			break
		}
		at = position{n.Line, n.Column}
	}
	return at.line, at.column
}

// child is the value of a key of a mapping, or nil.
func child(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}
