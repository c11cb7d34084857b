package specfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// JSONSchema is the schema of headway.yaml (draft 2020-12) for editors. It is
// made from the table that the parser goes by. What a schema cannot say, such
// as scale.min <= scale.max, only the parser checks.
func JSONSchema() ([]byte, error) {
	top := object{rows: rows}.schema()
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = FileName
	top["description"] = "What one app of a repository is built from and how it runs on Headway."
	top["not"] = map[string]any{"required": []string{"build", "image"}}
	top["$defs"] = map[string]any{"filter": filterSchema()}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(top); err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	return b.Bytes(), nil
}

// key is a row without what it is read into.
type key struct {
	name, doc, byDefault string
	required             bool
	shape                shape
}

// parent is a value that holds further keys.
type parent interface {
	// below is the path from the value to its keys, such as [].
	below() string
	keys() []key
}

func (o objectOf[T]) keys() []key {
	var keys []key
	for _, row := range o.rows {
		keys = append(keys, key{row.name, row.doc, row.byDefault, row.required, row.value})
	}
	return keys
}

func (l listOfObjects[T, E]) keys() []key { return l.item.keys() }
func (o objectsByName[T, E]) keys() []key { return o.item.keys() }

func (objectOf[T]) below() string         { return "" }
func (listOfObjects[T, E]) below() string { return "[]" }
func (objectsByName[T, E]) below() string { return ".<name>" }

// walk visits keys and, below each, those that it holds. path is that of what
// holds them.
func walk(keys []key, path string, visit func(path string, k key)) {
	for _, k := range keys {
		visit(path, k)
		if p, ok := k.shape.(parent); ok {
			walk(p.keys(), join(path, k.name)+p.below(), visit)
		}
	}
}

func (o objectOf[T]) schema() map[string]any {
	properties := map[string]any{}
	var required []string
	for _, k := range o.keys() {
		s := k.shape.schema()
		s["description"] = k.describe()
		properties[k.name] = s
		if k.required {
			required = append(required, k.name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	return s
}

func (l listOfObjects[T, E]) schema() map[string]any {
	return map[string]any{"type": "array", "items": l.item.schema(), "maxItems": l.most}
}

func (o objectsByName[T, E]) schema() map[string]any {
	return map[string]any{
		"type": "object", "maxProperties": o.most,
		"propertyNames": map[string]any{"pattern": o.pattern}, "additionalProperties": o.item.schema(),
	}
}

func (k key) describe() string {
	if k.required {
		return k.doc
	}
	return fmt.Sprintf("%s Default: %s.", k.doc, k.byDefault)
}

// Reference is the table of keys in docs/headway-yaml.md.
func Reference() string { return reference(object{rows: rows}.keys()) }

func reference(keys []key) string {
	var b strings.Builder
	b.WriteString("| key | value | default | meaning |\n|---|---|---|---|\n")
	cell := strings.NewReplacer("|", "\\|", "<", "&lt;")
	walk(keys, "", func(path string, k key) {
		byDefault := k.byDefault
		if k.required {
			byDefault = "required"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", join(path, k.name),
			cell.Replace(k.shape.expected()), cell.Replace(byDefault), cell.Replace(k.doc))
	})
	return b.String()
}
