package specfile

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// sign is whether a number has a % behind it.
type sign int

const (
	noSign sign = iota
	maySign
	// mustSign is for what others write as a part of one: 0.01 would be 1% to
	// them.
	mustSign
)

// decimalOf is a number with at most so many digits behind the point, read as a
// whole number of its smallest steps: with two, 0.25 is 25.
type decimalOf[T any] struct {
	what, example string
	digits        int
	// min and max are in smallest steps.
	min, max int64
	percent  sign
	set      func(into *T, v int64)
	// off stores the word off; nil: it is no value.
	off func(into *T)
}

func (d decimalOf[T]) expected() string {
	unit, orOff := "", ""
	if d.percent == mustSign {
		unit = "%"
	}
	if d.off != nil {
		orOff = ", or off"
	}
	return fmt.Sprintf("%s from %s%s to %s%s, such as %s%s", d.what, d.written(d.min), unit, d.written(d.max), unit, d.example, orOff)
}

// written is a number of smallest steps as people write it.
func (d decimalOf[T]) written(v int64) string {
	return strconv.FormatFloat(float64(v)/math.Pow10(d.digits), 'f', -1, 64)
}

func (d decimalOf[T]) pattern() string {
	pattern := fmt.Sprintf(`[0-9]{1,9}(\.[0-9]{1,%d})?`, d.digits)
	switch d.percent {
	case maySign:
		pattern += "%?"
	case mustSign:
		pattern += "%"
	}
	if d.off != nil {
		return "^(" + pattern + "|off)$"
	}
	return "^" + pattern + "$"
}

func (d decimalOf[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode || !isText(tag) && tag != "!!int" && tag != "!!float" ||
		!regexp.MustCompile(d.pattern()).MatchString(n.Value) {
		r.fail(n, key, "%s", mismatch(d, n))
		return
	}
	if n.Value == "off" {
		d.off(into)
		return
	}
	whole, fraction, _ := strings.Cut(strings.TrimSuffix(n.Value, "%"), ".")
	v, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", d.digits-len(fraction)), 10, 64)
	if err != nil || v < d.min || v > d.max {
		r.fail(n, key, "%s", mismatch(d, n))
		return
	}
	d.set(into, v)
}

func (d decimalOf[T]) schema() map[string]any {
	if d.percent == mustSign {
		return map[string]any{"type": "string", "pattern": d.pattern()}
	}
	return map[string]any{
		"type": []string{"string", "number"}, "pattern": d.pattern(),
		"minimum": float64(d.min) / math.Pow10(d.digits), "maximum": float64(d.max) / math.Pow10(d.digits),
	}
}

func (d decimalOf[T]) sample() string { return d.example }

// booleanOf is true or false.
type booleanOf[T any] struct {
	set func(into *T, v bool)
}

func (booleanOf[T]) expected() string { return "true or false" }

func (b booleanOf[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	if n.ShortTag() != "!!bool" {
		r.fail(n, key, "%s", mismatch(b, n))
		return
	}
	b.set(into, strings.EqualFold(n.Value, "true"))
}

func (booleanOf[T]) schema() map[string]any { return map[string]any{"type": "boolean"} }

// wordOrObject is one word, or a mapping with exactly one of its keys.
type wordOrObject[T any] struct {
	word   string
	chosen func(into *T)
	objectOf[T]
}

func (w wordOrObject[T]) expected() string { return w.word + ", or " + w.objectOf.expected() }

func (w wordOrObject[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		w.objectOf.read(r, into, key, n)
	case n.Kind == yaml.MappingNode:
		r.fail(n, key, "expected exactly one of the keys %s", strings.Join(w.names(), ", "))
	case n.Kind == yaml.ScalarNode && n.Value == w.word:
		w.chosen(into)
	default:
		r.fail(n, key, "%s", mismatch(w, n))
	}
}

func (w wordOrObject[T]) schema() map[string]any {
	object := w.objectOf.schema()
	object["minProperties"], object["maxProperties"] = 1, 1
	return map[string]any{"oneOf": []any{map[string]any{"const": w.word}, object}}
}

// pathOrObject is a path, or a mapping with exactly one of its keys.
type pathOrObject[T any] struct {
	path textOf[T]
	objectOf[T]
}

func (p pathOrObject[T]) expected() string {
	return p.path.expected() + ", or " + p.objectOf.expected()
}

func (p pathOrObject[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		p.objectOf.read(r, into, key, n)
	case n.Kind == yaml.MappingNode:
		r.fail(n, key, "expected exactly one of the keys %s", strings.Join(p.names(), ", "))
	case isText(n.ShortTag()) && strings.HasPrefix(n.Value, "/"):
		p.path.read(r, into, key, n)
	default:
		r.fail(n, key, "%s", mismatch(p, n))
	}
}

func (p pathOrObject[T]) schema() map[string]any {
	object := p.objectOf.schema()
	object["minProperties"], object["maxProperties"] = 1, 1
	return map[string]any{"oneOf": []any{p.path.schema(), object}}
}

// switchOrObject is true or false, or a mapping that says more.
type switchOrObject[T any] struct {
	set func(into *T, v bool)
	objectOf[T]
}

func (s switchOrObject[T]) expected() string { return "true, false or " + s.objectOf.expected() }

func (s switchOrObject[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode:
		s.objectOf.read(r, into, key, n)
	case n.ShortTag() == "!!bool":
		s.set(into, strings.EqualFold(n.Value, "true"))
	default:
		r.fail(n, key, "%s", mismatch(s, n))
	}
}

func (s switchOrObject[T]) schema() map[string]any {
	return map[string]any{"oneOf": []any{map[string]any{"type": "boolean"}, s.objectOf.schema()}}
}
