package spec

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
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(top); err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	return b.Bytes(), nil
}

func (o object) schema() map[string]any {
	properties := map[string]any{}
	var required []string
	for _, row := range o.rows {
		if row.value == nil {
			continue
		}
		s := row.value.schema()
		s["description"] = row.describe()
		properties[row.name] = s
		if row.required {
			required = append(required, row.name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	return s
}

func (r row) describe() string {
	if r.required {
		return r.doc
	}
	return fmt.Sprintf("%s Default: %s.", r.doc, r.byDefault)
}

// Reference is the table of keys in docs/headway-yaml.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("| key | value | default | meaning |\n|---|---|---|---|\n")
	reference(&b, "", rows)
	return b.String()
}

func reference(b *strings.Builder, parent string, rows []row) {
	for _, row := range rows {
		if row.value == nil {
			continue
		}
		byDefault := row.byDefault
		if row.required {
			byDefault = "required"
		}
		cell := strings.NewReplacer("|", "\\|", "<", "&lt;")
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", join(parent, row.name),
			cell.Replace(row.value.expected()), cell.Replace(byDefault), cell.Replace(row.doc))
		if o, ok := row.value.(object); ok {
			reference(b, join(parent, row.name), o.rows)
		}
	}
}
