package specfile

import (
	"os"
	"regexp"
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

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// TestExamplesInDocs: what the pages show can be used.
func TestExamplesInDocs(t *testing.T) {
	for file, least := range map[string]int{"headway-yaml.md": 10, "promotion.md": 10, "previews.md": 6, "events.md": 3} {
		page, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		blocks := yamlBlock.FindAllStringSubmatch(string(page), -1)
		for _, block := range blocks {
			example := block[1]
			if !strings.Contains("\n"+example, "\nname: ") { // a line of a file
				example = "name: shop\n" + example
			}
			parse := Parse
			if strings.Contains(block[1], "# "+EventsFileName+"\n") {
				parse, example = ParseEvents, block[1]
			}
			if _, err := parse("headway.yaml", []byte(example)); err != nil {
				t.Errorf("%s: %s%v", file, example, err)
			}
		}
		if len(blocks) < least {
			t.Errorf("%s: %d examples were found", file, len(blocks))
		}
	}
}
