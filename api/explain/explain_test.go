package explain

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the expected texts anew")

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// TestTexts reads the objects of each scenario and compares all that is to be
// said of them.
func TestTexts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil || len(archive.Files) != 2 {
				t.Fatalf("%v, want two files, objects and text", err)
			}
			var o Objects
			if err := yaml.UnmarshalStrict(archive.Files[0].Data, &o); err != nil {
				t.Fatal(err)
			}
			got := text(o)
			if *update {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("(-want +got); go test ./api/explain -update writes it anew\n%s", diff)
			}
		})
	}
}

// text is what an overview says, and then the detail of each app.
func text(o Objects) string {
	var b strings.Builder
	severities := []string{"good", "underway", "failed", "obsolete"}
	findings := func(all []Finding) {
		for _, f := range all {
			fmt.Fprintf(&b, "  [%s] %s\n", severities[f.Severity], strings.ReplaceAll(f.String(), "\n", "\n    "))
		}
	}
	for i := range o.Repositories {
		state, _ := ForRepository(&o.Repositories[i])
		fmt.Fprintf(&b, "repository %s: %s [%s]\n", o.Repositories[i].Name, state.Word, severities[state.Severity])
	}
	b.WriteString("overview\n")
	findings(Overview(o.Repositories, o.Apps))
	for _, p := range Previews(o.Repositories, o.Apps, o.Revisions) {
		fmt.Fprintf(&b, "preview %s: %s [%s] %s %s %q by %q\n", p.Request, p.State.Word, severities[p.State.Severity], p.App, p.URL, p.Title, p.Author)
	}
	findings(PreviewFindings(o.Repositories, o.Apps, o.Revisions))
	for i := range o.Apps {
		app := &o.Apps[i]
		a := ForApp(app, o.Revisions)
		fmt.Fprintf(&b, "app %s: %s [%s], %s pods\n", app.Name, Headline(app), severities[a.State.Severity], a.Pods)
		var repository *v1alpha1.Repository
		var own []v1alpha1.Revision
		for i := range o.Repositories {
			if o.Repositories[i].Name == app.Spec.Repository {
				repository = &o.Repositories[i]
			}
		}
		if p := ForPreview(app, repository, own); p != nil {
			for _, row := range p.Rows(noon) {
				fmt.Fprintf(&b, "  %s: %s\n", row.Title, row.Text)
			}
		}
		for _, n := range a.Notes {
			fmt.Fprintf(&b, "  %s: %s\n", n.Topic, n.Line(noon))
		}
		for _, r := range a.Revisions {
			fmt.Fprintf(&b, "  %s: %s [%s], %s, %s pods\n", r.Name, r.State.Word, severities[r.State.Severity], v1alpha1.Percent(r.Weight), r.Pods)
			own = append(own, *r.Revision)
		}
		findings(Detail(app, repository, own))
	}
	return b.String()
}
