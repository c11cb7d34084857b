package specfile

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
)

// value is one kind of value in a file. It reads a node into a T, says in a
// message what was expected, and describes itself as JSON Schema.
type value[T any] interface {
	read(r *reader, into *T, key string, n *yaml.Node)
	shape
}

// shape is what a value looks like, whatever it is read into.
type shape interface {
	// expected is a noun phrase with an example.
	expected() string
	schema() map[string]any
}

// tooMany says that a list or mapping is too long.
const tooMany = "%d entries; at most %d are allowed"

// text is a string that matches a pattern and passes set.
type textOf[T any] struct {
	// what is the noun phrase, example one value.
	what, example string
	pattern       string
	most          int
	// because says why there may not be more.
	because string
	// bare takes a number, true and false for the text they are written as: a
	// commit of digits.
	bare bool
	// set stores the value or says why it cannot.
	set func(into *T, v string) error
}

func (t textOf[T]) expected() string { return fmt.Sprintf("%s, such as %s", t.what, t.example) }

func (t textOf[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	tag := n.ShortTag()
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fail(n, key, "%s", mismatch(t, n))
		return
	case isText(tag), t.bare && (tag == "!!int" || tag == "!!float" || tag == "!!bool"):
	default:
		r.fail(n, key, "%s; put it in quotes if it is meant as text", mismatch(t, n))
		return
	}
	if len(n.Value) > t.most || !regexp.MustCompile(t.pattern).MatchString(n.Value) {
		r.fail(n, key, "%s%s", mismatch(t, n), hint(len(n.Value) > t.most, t.because))
		return
	}
	if err := t.set(into, n.Value); err != nil {
		r.fail(n, key, "%s", err)
	}
}

// isText takes what YAML reads as a date for the text that it is.
func isText(tag string) bool { return tag == "!!str" || tag == "!!timestamp" }

func (t textOf[T]) schema() map[string]any {
	s := map[string]any{"type": "string", "pattern": t.pattern, "maxLength": t.most}
	if t.bare {
		s["type"] = []string{"string", "number", "boolean"}
	}
	return s
}

func (t textOf[T]) sample() string { return t.example }

// itemOf is a value that a list can be made of.
type itemOf[T any] interface {
	value[T]
	// sample is an example of one.
	sample() string
}

// listOf is a sequence of single values.
type listOf[T any] struct {
	// what are the items, in the plural.
	what string
	item itemOf[T]
	// example is a list without its brackets; empty: that of one item.
	example string
	most    int
	// otherwise says where a mapping belongs that was written here.
	otherwise string
}

func (l listOf[T]) expected() string {
	return fmt.Sprintf("a list of %s, such as [%s]", l.what, cmp.Or(l.example, l.item.sample()))
}

func (l listOf[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, key, "%s%s", mismatch(l, n), hint(n.Kind == yaml.MappingNode, l.otherwise))
		return
	}
	if len(n.Content) > l.most {
		r.fail(n, key, tooMany, len(n.Content), l.most)
		return
	}
	for i, item := range n.Content {
		l.item.read(r, into, fmt.Sprintf("%s[%d]", key, i), item)
	}
}

func (l listOf[T]) schema() map[string]any {
	return map[string]any{"type": "array", "items": l.item.schema(), "maxItems": l.most}
}

// table is a mapping with free keys and scalar values, kept as they are
// written: 1e3 stays "1e3".
type tableOf[T any] struct {
	// what a key is, and the pattern of one.
	what, pattern string
	example       string
	most          int
	// otherwise says where a list belongs that was written here.
	otherwise string
	set       func(into *T, name, v string) error
}

func (t tableOf[T]) expected() string { return "a mapping, such as " + t.example }

func (t tableOf[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, key, "%s%s", mismatch(t, n), hint(n.Kind == yaml.SequenceNode, t.otherwise))
		return
	}
	if len(n.Content)/2 > t.most {
		r.fail(n, key, tooMany, len(n.Content)/2, t.most)
		return
	}
	pattern := regexp.MustCompile(t.pattern)
	r.pairs(key, n, func(name string, keyNode, v *yaml.Node) {
		full := join(key, name)
		r.at[full] = position{v.Line, v.Column}
		switch tag := v.ShortTag(); {
		case !pattern.MatchString(name):
			r.fail(keyNode, key, "%q is not %s", clip(name), t.what)
		case tag == "!!null":
			r.fail(v, full, `has no value; write "" for an empty one, or remove the key`)
		case v.Kind != yaml.ScalarNode:
			r.fail(v, full, "expected a text, a number, true or false, but found %s", found(v))
		default:
			if err := t.set(into, name, v.Value); err != nil {
				r.fail(v, full, "%s", err)
			}
		}
	})
}

func (t tableOf[T]) schema() map[string]any {
	return map[string]any{
		"type":                 "object",
		"maxProperties":        t.most,
		"propertyNames":        map[string]any{"pattern": t.pattern},
		"additionalProperties": map[string]any{"type": []string{"string", "number", "boolean"}},
	}
}

// hint continues a message, if it applies and there is one.
func hint(applies bool, text string) string {
	if !applies || text == "" {
		return ""
	}
	return "; " + text
}

// integer is a whole number within bounds.
type integerOf[T any] struct {
	min, max, example int32
	set               func(into *T, v int32)
}

func (i integerOf[T]) expected() string {
	return fmt.Sprintf("an integer from %d to %d, such as %d", i.min, i.max, i.example)
}

// plain leaves out YAML's hexadecimal, octal and underscored integers.
var plainInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (i integerOf[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	v, err := strconv.ParseInt(n.Value, 10, 32)
	if n.ShortTag() != "!!int" || !plainInteger.MatchString(n.Value) || err != nil || v < int64(i.min) || v > int64(i.max) {
		r.fail(n, key, "%s", mismatch(i, n))
		return
	}
	i.set(into, int32(v))
}

func (i integerOf[T]) schema() map[string]any {
	return map[string]any{"type": "integer", "minimum": i.min, "maximum": i.max}
}

// duration is a time with a unit.
type durationOf[T any] struct {
	min, max time.Duration
	example  string
	set      func(into *T, v time.Duration)
}

const durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`

func (d durationOf[T]) expected() string {
	return fmt.Sprintf("a duration from %s to %s, such as %s", brief(d.min), brief(d.max), d.example)
}

// brief prints 1h instead of 1h0m0s.
func brief(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

func (d durationOf[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	v, err := time.ParseDuration(n.Value)
	if !isText(n.ShortTag()) || !regexp.MustCompile(durationPattern).MatchString(n.Value) || err != nil || v < d.min || v > d.max {
		r.fail(n, key, "%s", mismatch(d, n))
		return
	}
	d.set(into, v)
}

func (d durationOf[T]) schema() map[string]any {
	return map[string]any{"type": "string", "pattern": durationPattern}
}

// quantity is an amount of a resource, as Kubernetes writes it.
type quantityOf[T any] struct {
	what, example string
	pattern       string
	// least is the smallest amount that makes sense; it catches 128m (milli)
	// where 128Mi was meant.
	least string
	// most is the largest amount; empty: none.
	most string
	set  func(into *T, canonical string)
}

func (q quantityOf[T]) expected() string {
	if q.most != "" {
		return fmt.Sprintf("%s from %s to %s, such as %s", q.what, q.least, q.most, q.example)
	}
	return fmt.Sprintf("%s of at least %s, such as %s", q.what, q.least, q.example)
}

func (q quantityOf[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode || !isText(tag) && tag != "!!int" && tag != "!!float" ||
		len(n.Value) > 24 || !regexp.MustCompile(q.pattern).MatchString(n.Value) {
		r.fail(n, key, "%s", mismatch(q, n))
		return
	}
	amount, err := resource.ParseQuantity(n.Value)
	if err != nil || amount.Cmp(resource.MustParse(q.least)) < 0 || q.most != "" && amount.Cmp(resource.MustParse(q.most)) > 0 {
		r.fail(n, key, "%s", mismatch(q, n))
		return
	}
	q.set(into, amount.String())
}

func (q quantityOf[T]) schema() map[string]any {
	return map[string]any{"type": []string{"string", "number"}, "pattern": q.pattern}
}
