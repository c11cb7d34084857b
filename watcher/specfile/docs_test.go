package specfile

import (
	"os"
	"strings"
	"testing"
)

func TestSchemaFile(t *testing.T) {
	schema, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../docs/headway.schema.json", string(schema))
}

// TestReferenceInDocs keeps the table in docs/headway-yaml.md, which stands
// between two marks, equal to the parser's.
func TestReferenceInDocs(t *testing.T) {
	const file = "../../docs/headway-yaml.md"
	const begin, end = "<!-- keys: begin, written by go test ./watcher/specfile -update -->\n", "<!-- keys: end -->"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has lost the marks around the table of keys", file)
	}
	golden(t, file, before+begin+Reference()+end+after)
}
