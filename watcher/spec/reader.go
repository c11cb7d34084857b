package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// reader walks the nodes of one file by the table and collects problems, so
// that a person sees all of them at once.
type reader struct {
	spec     *Spec
	problems Problems
	// at is where each key's value stands, for checks across keys.
	at map[string]position
}

func (r *reader) fail(n *yaml.Node, key, format string, args ...any) {
	r.failAt(position{n.Line, n.Column}, key, format, args...)
}

func (r *reader) failAt(at position, key, format string, args ...any) {
	r.problems = append(r.problems, Problem{
		Line: max(at.line, 1), Column: max(at.column, 1), Key: key, Message: fmt.Sprintf(format, args...),
	})
}

// top reads the whole file, then checks what involves more than one key.
func (r *reader) top(root *yaml.Node) {
	table := object{rows: rows}
	if root.Kind != yaml.MappingNode {
		r.fail(root, "", "expected keys and values, such as name: shop, but found %s", found(root))
		return
	}
	table.read(r, "", root)
	r.across()
}

// across checks the rules that involve two keys.
func (r *reader) across() {
	if image, ok := r.at["image"]; ok && r.has("build") {
		r.failAt(image, "image", "image and build exclude each other; keep the one that makes this app")
	}
	r.atMostMax("scale.min", r.spec.Scale.Min)
	r.atMostMax("scale.standby", r.spec.Scale.Standby)
	if at, ok := r.at["port"]; ok && r.spec.Scale.Standby > 0 && r.spec.Port == v1alpha1.ParkPort {
		r.failAt(at, "port", "parked pods (scale.standby) wait for their call on %d; choose another port", v1alpha1.ParkPort)
	}
}

// atMostMax checks a number of pods against scale.max.
func (r *reader) atMostMax(key string, pods int32) {
	at, given := r.at[key]
	if !given || pods <= r.spec.Scale.Max {
		return
	}
	hint := ""
	if !r.has("scale.max") {
		hint = ", the default"
	}
	r.failAt(at, key, "%d is more than scale.max (%d%s); lower %s or raise scale.max", pods, r.spec.Scale.Max, hint, key)
}

func (r *reader) has(key string) bool {
	_, ok := r.at[key]
	return ok
}

// finish puts a valid Spec into its one canonical form.
func (r *reader) finish() {
	s := r.spec
	if s.Image != "" {
		s.Build = Build{}
	}
	for _, globs := range []*[]string{&s.Watch, &s.Ignore} {
		slices.Sort(*globs)
		*globs = slices.Compact(*globs)
	}
	slices.Sort(s.Hosts)
	s.Hosts = slices.Compact(s.Hosts)
	slices.SortFunc(s.Env, func(a, b envVar) int { return strings.Compare(a.Name, b.Name) })
	s.Health = withoutDefaults(s.Health)
}

// withoutDefaults leaves out what is spelled out although it holds anyway, so
// that it makes no new revision.
func withoutDefaults(h *v1alpha1.Health) *v1alpha1.Health {
	if h == nil {
		return nil
	}
	if h.Hold != nil && h.Hold.Duration == v1alpha1.DefaultHold {
		h.Hold = nil
	}
	if h.Settle != nil && h.Settle.Duration == v1alpha1.DefaultSettle {
		h.Settle = nil
	}
	if *h == (v1alpha1.Health{}) {
		return nil
	}
	return h
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

// read of an object goes by its rows.
func (o object) read(r *reader, parent string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, parent, "%s", mismatch(o, n))
		return
	}
	byName := map[string]row{}
	for _, row := range o.rows {
		byName[row.name] = row
	}
	r.pairs(parent, n, func(name string, key, value *yaml.Node) {
		row, ok := byName[name]
		full := join(parent, name)
		switch {
		case !ok:
			r.fail(key, parent, "%s", unknownKey(parent, name, o.names()))
		case row.value == nil:
			r.fail(key, full, "not supported by this version of Headway yet; remove it")
		case value.ShortTag() == "!!null":
			orRemove := ", or remove the key"
			if row.required {
				orRemove = ""
			}
			r.fail(value, full, "has no value; expected %s%s", row.value.expected(), orRemove)
			r.at[full] = position{value.Line, value.Column}
		default:
			r.at[full] = position{value.Line, value.Column}
			row.value.read(r, full, value)
		}
	})
	for _, row := range o.rows {
		if row.required && !r.has(join(parent, row.name)) {
			r.fail(n, join(parent, row.name), "missing; expected %s", row.value.expected())
		}
	}
}

// names are the keys that this version acts on, sorted.
func (o object) names() []string {
	names := map[string]bool{}
	for _, row := range o.rows {
		if row.value != nil {
			names[row.name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func join(parent, name string) string {
	name = clip(name)
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// mismatch says what was expected and what stands there.
func mismatch(v value, n *yaml.Node) string {
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
