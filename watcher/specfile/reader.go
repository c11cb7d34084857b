package specfile

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// reader walks the nodes of one file by a table and collects problems, so that
// a person sees all of them at once.
type reader struct {
	// keys are all that the file may have.
	keys     []key
	problems Problems
	// at is where each key's value stands, for checks across keys.
	at map[string]position
	// ofApp are the keys of a headway.yaml, where this file is none.
	ofApp []string
}

func (r *reader) fail(n *yaml.Node, key, format string, args ...any) {
	r.failAt(position{n.Line, n.Column}, key, format, args...)
}

func (r *reader) failAt(at position, key, format string, args ...any) {
	r.problems = append(r.problems, Problem{
		Line: max(at.line, 1), Column: max(at.column, 1), Key: key, Message: fmt.Sprintf(format, args...),
	})
}

// top reads the whole file. ofApp are keys that belong into a headway.yaml.
func top[T any](root *yaml.Node, table objectOf[T], into *T, ofApp ...string) *reader {
	r := &reader{keys: table.keys(), at: map[string]position{}, ofApp: ofApp}
	if root.Kind != yaml.MappingNode {
		r.fail(root, "", "expected keys and values, such as name: shop, but found %s", found(root))
		return r
	}
	table.read(r, into, "", root)
	return r
}

func (r *reader) has(key string) bool {
	_, ok := r.at[key]
	return ok
}

// pairs walks a mapping in file order, leaving out duplicates, which it
// reports.
func (r *reader) pairs(parent string, n *yaml.Node, visit func(name string, key, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			r.fail(key, parent, "expected a plain key, but found %s", found(key))
			continue
		}
		if line, ok := seen[key.Value]; ok {
			r.fail(key, join(parent, key.Value), "given twice; the first is on line %d", line)
			continue
		}
		seen[key.Value] = key.Line
		visit(key.Value, key, value)
	}
}

func join(parent, name string) string {
	name = clip(name)
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// mismatch says what was expected and what stands there.
func mismatch(v shape, n *yaml.Node) string {
	return fmt.Sprintf("expected %s, but found %s", v.expected(), found(n))
}

// found describes a node in a person's words.
func found(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "nothing"
	case n.ShortTag() == "!!str":
		return fmt.Sprintf("the text %q", clip(n.Value))
	case n.ShortTag() == "!!int", n.ShortTag() == "!!float":
		return "the number " + clip(n.Value)
	}
	return clip(n.Value)
}
