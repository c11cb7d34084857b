package detect

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/watcher/specfile"
)

// imports is a Go file that imports packages, named in short.
func imports(pkg string, paths ...string) string {
	text := "package " + pkg + "\n\n"
	for _, p := range paths {
		text += "import _ \"" + p + "\"\n"
	}
	return text + "\nfunc main() {}\n"
}

// TestSources: what a build gets besides the app's folder, of a repository that
// holds more than it needs.
func TestSources(t *testing.T) {
	mono := map[string]string{
		"go.mod": "module m\n", "go.sum": "sums", "root.go": "package m\n", "README.md": "x",
		"a/headway.yaml": "name: a", "a/main.go": imports("main", "m/libs/x", "fmt", "example.com/else", "m/gone"), "a/a_test.go": imports("main", "m/libs/unused"),
		"libs/x/x.go": imports("x", "m/libs/y"), "libs/x/x_test.go": "package x\n", "libs/x/x.s": "", "libs/x/notes.md": "",
		"libs/x/deep/d.go": "package deep\n", "libs/y/y.go": imports("y", "m/libs/x"), "libs/unused/u.go": "package unused\n",
	}
	for _, c := range []struct {
		name    string
		changes map[string]string // "" removes
		spec    specfile.Spec
		needed  string
		sources string
	}{
		{"packages above", nil, specfile.Spec{Path: "a"}, "go.mod go.sum libs/x libs/y",
			"a/a_test.go a/main.go go.mod go.sum libs/x/x.go libs/x/x.s libs/y/y.go"},
		{"the package at the root", map[string]string{"a/main.go": imports("main", "m")}, specfile.Spec{Path: "a"}, ". go.mod go.sum",
			"a/a_test.go a/main.go go.mod go.sum root.go"},
		{"watched besides", nil, specfile.Spec{Path: "a", Watch: []string{"README.md", "libs/unused"}}, "go.mod go.sum libs/x libs/y",
			"README.md a/a_test.go a/main.go go.mod go.sum libs/unused/u.go libs/x/x.go libs/x/x.s libs/y/y.go"},
		{"ignored", nil, specfile.Spec{Path: "a", Ignore: []string{"libs/y", "**/*_test.go"}}, "go.mod go.sum libs/x",
			"a/main.go go.mod go.sum libs/x/x.go libs/x/x.s"},
		{"embedded", map[string]string{
			"libs/y/y.go":    "package y\n\nimport _ \"embed\"\n\n//go:embed one.txt \"two words.txt\" all:pages *.sql\nvar f string\n",
			"libs/y/one.txt": "1", "libs/y/two words.txt": "2", "libs/y/pages/a/b.html": "3", "libs/y/db.sql": "4", "libs/y/other/db.sql": "5", "libs/y/not.txt": "6",
		}, specfile.Spec{Path: "a"}, "go.mod go.sum libs/x libs/y",
			"a/a_test.go a/main.go go.mod go.sum libs/x/x.go libs/x/x.s libs/y/db.sql libs/y/one.txt libs/y/pages/a/b.html libs/y/two_words.txt libs/y/y.go"},
		{"with C", map[string]string{"libs/y/y.go": imports("y", "C"), "libs/y/include/z.h": ""}, specfile.Spec{Path: "a"}, "go.mod go.sum libs/x libs/y",
			"a/a_test.go a/main.go go.mod go.sum libs/x/x.go libs/x/x.s libs/y/include/z.h libs/y/y.go"},
		{"an import for one processor", map[string]string{"a/a_arm64.go": imports("main", "m/libs/unused")}, specfile.Spec{Path: "a"}, "go.mod go.sum libs/unused libs/x libs/y",
			"a/a_arm64.go a/a_test.go a/main.go go.mod go.sum libs/unused/u.go libs/x/x.go libs/x/x.s libs/y/y.go"},
		{"not one for another system", map[string]string{"a/a_windows.go": imports("main", "m/libs/unused")}, specfile.Spec{Path: "a"}, "go.mod go.sum libs/x libs/y",
			"a/a_test.go a/a_windows.go a/main.go go.mod go.sum libs/x/x.go libs/x/x.s libs/y/y.go"},
		{"vendored", map[string]string{"vendor/modules.txt": "", "vendor/example.com/else/e.go": "package e\n"}, specfile.Spec{Path: "a"}, "go.mod go.sum libs/x libs/y vendor",
			"a/a_test.go a/main.go go.mod go.sum libs/x/x.go libs/x/x.s libs/y/y.go vendor/example.com/else/e.go vendor/modules.txt"},
		{"replaced", map[string]string{
			"go.mod":     "module m\n\nrequire example.com/else v1.0.0\n\nreplace (\n\texample.com/else => ./third\n\texample.com/away => example.com/else v1.0.0\n\texample.com/out => ../../out\n)\n",
			"third/e.go": "package e\n", "third/go.mod": "module example.com/fork\n", "third/deep/d.go": "package deep\n",
		}, specfile.Spec{Path: "a"}, "go.mod go.sum libs/x libs/y third third/go.mod",
			"a/a_test.go a/main.go go.mod go.sum libs/x/x.go libs/x/x.s libs/y/y.go third/e.go third/go.mod"},
		{"replaced and vendored", map[string]string{
			"go.mod":     "module m\n\nreplace example.com/else => ./third\n",
			"third/e.go": "package e\n", "third/go.mod": "module example.com/else\n", "vendor/modules.txt": "",
		}, specfile.Spec{Path: "a"}, "go.mod go.sum libs/x libs/y vendor",
			"a/a_test.go a/main.go go.mod go.sum libs/x/x.go libs/x/x.s libs/y/y.go vendor/modules.txt"},
		{"a folder of another module", map[string]string{"libs/y/go.mod": "module other\n"}, specfile.Spec{Path: "a"}, "go.mod go.sum libs/x",
			"a/a_test.go a/main.go go.mod go.sum libs/x/x.go libs/x/x.s"},
		{"a workspace", map[string]string{
			"go.work": "go 1.26\n\nuse (\n\t./a\n\t./lib2 // the second\n\t./unused2\n)\n", "go.work.sum": "", "a/go.mod": "module a\n", "a/go.sum": "",
			"a/main.go": imports("main", "example.com/lib2/sub"), "lib2/go.mod": "module example.com/lib2\n", "lib2/go.sum": "", "lib2/l.go": "package l\n",
			"lib2/sub/s.go": imports("sub", "example.com/third"), "unused2/go.mod": "module example.com/unused2\n", "unused2/u.go": "package u\n",
			"lib2/vendor/modules.txt": "",
		}, specfile.Spec{Path: "a"}, "go.work go.work.sum lib2/go.mod lib2/go.sum lib2/sub unused2/go.mod",
			"a/a_test.go a/go.mod a/go.sum a/main.go go.work go.work.sum lib2/go.mod lib2/go.sum lib2/sub/s.go unused2/go.mod"},
		{"a vendored workspace", map[string]string{
			"go.work": "go 1.26\n\nuse ./a\n", "a/go.mod": "module a\n", "a/main.go": imports("main"), "vendor/modules.txt": "",
		}, specfile.Spec{Path: "a"}, "go.work vendor", "a/a_test.go a/go.mod a/main.go go.work vendor/modules.txt"},
		{"from the root", nil, specfile.Spec{Path: ".", Build: specfile.Build{With: Go, Args: map[string]string{"main": "./a"}}}, "",
			"README.md a/a_test.go a/main.go go.mod go.sum libs/unused/u.go libs/x/deep/d.go libs/x/notes.md libs/x/x.go libs/x/x.s libs/x/x_test.go libs/y/y.go root.go"},
		{"another template", map[string]string{"a/index.html": ""}, specfile.Spec{Path: "a", Build: specfile.Build{With: Static}}, "", "a/a_test.go a/index.html a/main.go"},
		{"an image", nil, specfile.Spec{Path: "a", Image: "x@sha256:0"}, "", "a/a_test.go a/main.go"},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := map[string]string{}
			for name, text := range mono {
				content[name] = text
			}
			for name, text := range c.changes {
				content[name] = text
			}
			if c.spec.Build.With == "" {
				c.spec.Build.With = specfile.TemplateAuto
			}
			tree := treeFrom(content)
			app, err := Resolve(&c.spec, tree)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.needed, strings.Join(app.Sources.Needed(), " ")); diff != "" {
				t.Errorf("needed (-want +got)\n%s", diff)
			}
			got := slices.DeleteFunc(slices.Clone(tree.Files), func(name string) bool { return !app.Sources.Has(name) })
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], " ", "_")
			}
			if diff := cmp.Diff(strings.Fields(c.sources), []string(got)); diff != "" {
				t.Errorf("sources (-want +got)\n%s", diff)
			}
		})
	}
}

// TestOnlyWhatIsImportedIsRead: a large repository around a small app costs no
// more than the app.
func TestOnlyWhatIsImportedIsRead(t *testing.T) {
	content := &memory{files: map[string]string{"go.mod": "module m\n", "a/main.go": imports("main", "m/lib"), "lib/l.go": "package lib\n"}}
	for i := range 50_000 {
		content.files["big/"+strings.Repeat("d/", i%7)+string(rune('a'+i%26))+"/"+strings.Repeat("f", i/182)+".go"] = "package big\n"
	}
	names := make([]string, 0, len(content.files))
	for name := range content.files {
		names = append(names, name)
	}
	if len(names) < 40_000 {
		t.Fatalf("only %d files", len(names))
	}
	tree := NewTree(NewFiles(names), content, nil)
	if _, err := Resolve(&specfile.Spec{Path: "a", Build: specfile.Build{With: specfile.TemplateAuto}}, tree); err != nil {
		t.Fatal(err)
	}
	if content.reads > 10 {
		t.Errorf("%d files were read", content.reads)
	}
}

// TestSearchIsBounded: one that finds nothing within reason says what to write.
func TestSearchIsBounded(t *testing.T) {
	content := map[string]string{"go.mod": "module m\n"}
	for i := range maxSearched + 1 {
		content["d"+strings.Repeat("x", i%100)+"/"+strings.Repeat("f", i/100+1)+".go"] = "//go:build ignore\n\npackage x\n"
	}
	_, err := Build(specfile.Build{With: specfile.TemplateAuto}, ".", treeFrom(content))
	if err == nil || !strings.Contains(err.Error(), "too many Go files") {
		t.Errorf("error is %v", err)
	}
}
