package specfile

import (
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// rowOf is one key of a mapping that is read into a T.
type rowOf[T any] struct {
	name string
	// doc is one or two sentences for the reference and the schema.
	doc string
	// byDefault is what holds without the key, in words.
	byDefault string
	required  bool
	value     value[T]
}

// objectOf is a mapping with known keys.
type objectOf[T any] struct {
	rows    []rowOf[T]
	example string
	// begin is called before the keys are read, also of an empty mapping.
	begin func(into *T)
	// check returns what is wrong with keys that are all right by themselves; "" is
	// nothing. nil: nothing can be.
	check func(into *T) string
}

func (o objectOf[T]) expected() string { return "a mapping, such as " + o.example }

// read of an object goes by its rows.
func (o objectOf[T]) read(r *reader, into *T, parent string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, parent, "%s", mismatch(o, n))
		return
	}
	if o.begin != nil {
		o.begin(into)
	}
	problems := len(r.problems)
	byName := map[string]rowOf[T]{}
	for _, row := range o.rows {
		byName[row.name] = row
	}
	r.pairs(parent, n, func(name string, key, value *yaml.Node) {
		row, ok := byName[name]
		full := join(parent, name)
		switch {
		case !ok:
			r.fail(key, parent, "%s", r.unknownKey(parent, name, o.names()))
		case value.ShortTag() == "!!null":
			orRemove := ", or remove the key"
			if row.required {
				orRemove = ""
			}
			r.fail(value, full, "has no value; expected %s%s", row.value.expected(), orRemove)
			r.at[full] = position{value.Line, value.Column}
		default:
			r.at[full] = position{value.Line, value.Column}
			row.value.read(r, into, full, value)
		}
	})
	for _, row := range o.rows {
		if row.required && !r.has(join(parent, row.name)) {
			r.fail(n, join(parent, row.name), "missing; expected %s", row.value.expected())
		}
	}
	if o.check != nil && len(r.problems) == problems {
		if wrong := o.check(into); wrong != "" {
			r.fail(n, parent, "%s", wrong)
		}
	}
}

// names are the keys, sorted.
func (o objectOf[T]) names() []string {
	var names []string
	for _, k := range o.keys() {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names
}

// listOfObjects is a sequence of mappings, each read into an E of its own.
type listOfObjects[T, E any] struct {
	// what are the items, in the plural.
	what string
	item objectOf[E]
	most int
	add  func(into *T, item E)
}

func (l listOfObjects[T, E]) expected() string {
	return fmt.Sprintf("a list of %s, such as [%s]", l.what, l.item.example)
}

func (l listOfObjects[T, E]) read(r *reader, into *T, key string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, key, "%s", mismatch(l, n))
		return
	}
	if len(n.Content) > l.most {
		r.fail(n, key, tooMany, len(n.Content), l.most)
		return
	}
	for i, node := range n.Content {
		var item E
		full := fmt.Sprintf("%s[%d]", key, i)
		r.at[full] = position{node.Line, node.Column}
		l.item.read(r, &item, full, node)
		l.add(into, item)
	}
}

// objectsByName is a mapping from free names to mappings, each read into an E
// of its own.
type objectsByName[T, E any] struct {
	// what a name is, the pattern of one, and an example.
	what, pattern, example string
	item                   objectOf[E]
	most                   int
	// check looks at an item whose values are all right, and completes it; nil
	// where there is nothing to do. key is where the item stands.
	check func(r *reader, key, name string, item *E)
	// add gets the items in the order of the file.
	add func(into *T, name string, item E)
}

func (o objectsByName[T, E]) expected() string {
	return fmt.Sprintf("a mapping, such as {%s: %s}", o.example, o.item.example)
}

func (o objectsByName[T, E]) read(r *reader, into *T, key string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, key, "%s", mismatch(o, n))
		return
	}
	if len(n.Content)/2 > o.most {
		r.fail(n, key, tooMany, len(n.Content)/2, o.most)
		return
	}
	r.pairs(key, n, func(name string, nameNode, node *yaml.Node) {
		if !regexp.MustCompile(o.pattern).MatchString(name) {
			r.fail(nameNode, key, "%q is not %s", clip(name), o.what)
			return
		}
		var item E
		full, problems := join(key, name), len(r.problems)
		r.at[full] = position{nameNode.Line, nameNode.Column}
		o.item.read(r, &item, full, node)
		if o.check != nil && len(r.problems) == problems {
			o.check(r, full, name, &item)
		}
		o.add(into, name, item)
	})
}
