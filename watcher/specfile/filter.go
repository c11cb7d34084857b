package specfile

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/headway-dev/headway/api/nearest"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// filterOf is an EventFilter. A key that is none of its forms is an attribute
// with its exact value.
type filterOf[T any] struct {
	set func(into *T, f *v1alpha1.EventFilter)
}

const attributeWhat = "the name of an attribute (at most 64 lower-case letters and digits)"

var attributeName = regexp.MustCompile(v1alpha1.AttributeName)

// filterForms are the keys of a filter that are no attributes.
var filterForms = []string{"all", "any", "cesql", "exact", "not", "prefix", "suffix"}

func (filterOf[T]) expected() string { return "a mapping, such as {type: order.created}" }

func (f filterOf[T]) read(r *reader, into *T, key string, n *yaml.Node) {
	filter := r.filter(key, n, 1)
	if parts := partsOf(filter); parts > v1alpha1.MaxFilterParts {
		r.fail(n, key, "has %d parts; at most %d are allowed", parts, v1alpha1.MaxFilterParts)
	}
	f.set(into, filter)
}

// filterSchema is that of a filter, which holds further ones.
func filterSchema() map[string]any {
	scalar := map[string]any{"type": []string{"string", "number", "boolean"}}
	one := map[string]any{"$ref": "#/$defs/filter"}
	several := map[string]any{"type": "array", "items": one, "minItems": 1}
	attributes := map[string]any{"type": "object", "minProperties": 1, "additionalProperties": scalar,
		"propertyNames": map[string]any{"pattern": v1alpha1.AttributeName}}
	return map[string]any{
		"type": "object", "minProperties": 1, "additionalProperties": scalar,
		"propertyNames": map[string]any{"pattern": v1alpha1.AttributeName},
		"properties": map[string]any{
			"all": several, "any": several, "not": one, "exact": attributes, "prefix": attributes, "suffix": attributes,
			"cesql": map[string]any{"type": "string", "maxLength": v1alpha1.MaxCESQL},
		},
	}
}

func (filterOf[T]) schema() map[string]any { return map[string]any{"$ref": "#/$defs/filter"} }

// partsOf counts attributes, expressions, and each all, any and not.
func partsOf(f *v1alpha1.EventFilter) int {
	parts := len(f.Exact) + len(f.Prefix) + len(f.Suffix)
	if f.CESQL != "" {
		parts++
	}
	if f.Not != nil {
		parts += 1 + partsOf(f.Not)
	}
	for _, filters := range [][]v1alpha1.EventFilter{f.All, f.Any} {
		if len(filters) > 0 {
			parts++
		}
		for i := range filters {
			parts += partsOf(&filters[i])
		}
	}
	return parts
}

// filter reads one level. It is never nil.
func (r *reader) filter(key string, n *yaml.Node, depth int) *v1alpha1.EventFilter {
	f := &v1alpha1.EventFilter{}
	switch {
	case n.Kind != yaml.MappingNode:
		r.fail(n, key, "%s", mismatch(filterOf[Spec]{}, n))
		return f
	case len(n.Content) == 0:
		r.fail(n, key, "says nothing that an event must have; write an attribute, such as {type: order.created}")
		return f
	case depth > v1alpha1.MaxFilterDepth:
		r.fail(n, key, "filters within filters, more than %d deep", v1alpha1.MaxFilterDepth)
		return f
	}
	r.pairs(key, n, func(name string, nameNode, v *yaml.Node) {
		full := join(key, name)
		r.at[full] = position{v.Line, v.Column}
		switch name {
		case "exact":
			r.attributes(full, v, &f.Exact)
		case "prefix":
			r.attributes(full, v, &f.Prefix)
		case "suffix":
			r.attributes(full, v, &f.Suffix)
		case "cesql":
			if !isText(v.ShortTag()) || v.Value == "" || len(v.Value) > v1alpha1.MaxCESQL {
				r.fail(v, full, "expected an expression of at most %d characters, such as \"amount > 100\", but found %s", v1alpha1.MaxCESQL, found(v))
				return
			}
			f.CESQL = v.Value
		case "all":
			f.All = r.filters(full, v, depth)
		case "any":
			f.Any = r.filters(full, v, depth)
		case "not":
			f.Not = r.filter(full, v, depth+1)
		default:
			if v.Kind != yaml.ScalarNode {
				r.fail(nameNode, key, "%s", noForm(name))
				return
			}
			r.attribute(key, name, nameNode, v, &f.Exact)
		}
	})
	return f
}

// noForm is a key with a mapping or list that is none of those which have one.
func noForm(name string) string {
	hint := "."
	if near := nearest.To(name, filterForms); near != "" {
		hint = fmt.Sprintf(", did you mean %q?", near)
	}
	return fmt.Sprintf("%q is no form of a filter%s An attribute has a plain value; the forms are %s", clip(name), hint, strings.Join(filterForms, ", "))
}

func (r *reader) filters(key string, n *yaml.Node, depth int) []v1alpha1.EventFilter {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.fail(n, key, "expected a list of filters, such as [{type: order.created}, {type: order.paid}], but found %s", orEmpty(n))
		return nil
	}
	var all []v1alpha1.EventFilter
	for i, node := range n.Content {
		all = append(all, *r.filter(fmt.Sprintf("%s[%d]", key, i), node, depth+1))
	}
	return all
}

func orEmpty(n *yaml.Node) string {
	if n.Kind == yaml.SequenceNode || n.Kind == yaml.MappingNode {
		if len(n.Content) == 0 {
			return "an empty one"
		}
	}
	return found(n)
}

// attributes reads a mapping from attributes to values.
func (r *reader) attributes(key string, n *yaml.Node, into *map[string]string) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.fail(n, key, "expected a mapping from attributes to values, such as {type: order.}, but found %s", orEmpty(n))
		return
	}
	r.pairs(key, n, func(name string, nameNode, v *yaml.Node) { r.attribute(key, name, nameNode, v, into) })
}

func (r *reader) attribute(key, name string, nameNode, v *yaml.Node, into *map[string]string) {
	full := join(key, name)
	switch {
	case !attributeName.MatchString(name):
		r.fail(nameNode, key, "%q is not %s", clip(name), attributeWhat)
	case v.Kind != yaml.ScalarNode:
		r.fail(v, full, "expected a text, a number, true or false, but found %s", found(v))
	case v.ShortTag() == "!!null" || v.Value == "":
		r.fail(v, full, "has no value, which no event matches; write one, or remove the key")
	case (*into)[name] != "":
		r.fail(v, full, "given twice, here and below exact; keep one of them")
	default:
		if *into == nil {
			*into = map[string]string{}
		}
		(*into)[name] = v.Value
	}
}
