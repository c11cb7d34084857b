package explain

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"
)

// TestWhy asks the questions of each scenario, which stand in its comment behind
// a question mark, about the objects in it.
func TestWhy(t *testing.T) {
	files, err := filepath.Glob("testdata/why/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil || len(archive.Files) != 2 {
				t.Fatalf("%v, want two files, objects and answers", err)
			}
			var o Objects
			if err := yaml.UnmarshalStrict(archive.Files[0].Data, &o); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for l := range strings.Lines(string(archive.Comment)) {
				if question, is := strings.CutPrefix(strings.TrimSpace(l), "? "); is {
					fmt.Fprintf(&b, "? %s\n%s", question, answer(o, question))
				}
			}
			if *update {
				archive.Files[1].Data = []byte(b.String())
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), b.String()); diff != "" {
				t.Errorf("(-want +got); go test ./api/explain -update writes it anew\n%s", diff)
			}
		})
	}
}

// answer is all that is to be said to a question.
func answer(o Objects, question string) string {
	a, err := Why(question, o, noon)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s\n", a.About, a.Text)
	for _, r := range a.Rows(noon) {
		fmt.Fprintf(&b, "  %s: %s\n", r.Title, strings.ReplaceAll(r.Text, "\n", "\n    "))
	}
	if a.Trial != nil {
		for _, g := range a.Trial.Gates {
			fmt.Fprintf(&b, "  gate %s: %s %s %s, candidate %s, stable %s; %s\n", g.Name, g.Verdict, g.Bar(10), g.Amount(), g.Candidate, g.Stable, g.Message)
		}
	}
	return b.String()
}
