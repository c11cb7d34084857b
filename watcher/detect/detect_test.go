package detect

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/spec"
)

func TestBuild(t *testing.T) {
	auto := spec.Build{With: spec.TemplateAuto}
	goMain := func(main string) *v1alpha1.Build {
		return &v1alpha1.Build{Template: Go, Args: map[string]string{"main": main}}
	}
	for _, c := range []struct {
		name  string
		build spec.Build
		path  string
		files string
		want  *v1alpha1.Build
		err   string
	}{
		{"dockerfile before go", auto, ".", "Dockerfile go.mod main.go", &v1alpha1.Build{Template: Dockerfile}, ""},
		{"dockerfile of another folder does not count", auto, "a", "Dockerfile a/index.html", &v1alpha1.Build{Template: Static}, ""},
		{"go in the root", auto, ".", "go.mod main.go", goMain("."), ""},
		{"go with its module above", auto, "services/shop", "go.mod services/shop/main.go", goMain("."), ""},
		{"go without a module", auto, ".", "main.go", nil, "no build template fits the repository's root"},
		{"a module without go files", auto, "web", "go.mod web/index.html", &v1alpha1.Build{Template: Static}, ""},
		{"only tests are no app", auto, "a", "go.mod a/a_test.go", nil, `no build template fits folder "a"`},
		{"the only command", auto, ".", "cmd/shop/main.go go.mod shop.go", goMain("./cmd/shop"), ""},
		{"main.go before commands", auto, ".", "cmd/a/a.go go.mod main.go", goMain("."), ""},
		{"go files named otherwise", auto, ".", "go.mod server.go", goMain("."), ""},
		{"helpers below a command are no command", auto, ".", "cmd/a/flags/f.go cmd/a/main.go go.mod", goMain("./cmd/a"), ""},
		{"two commands", auto, ".", "cmd/a/main.go cmd/b/main.go go.mod", nil, "several main packages in the repository's root (./cmd/a, ./cmd/b)"},
		{"a library", auto, ".", "go.mod lib/x.go", nil, "no main package in the repository's root"},
		{"a site in a repository of Go", auto, ".", "go.mod index.html services/a/main.go", &v1alpha1.Build{Template: Static}, ""},
		{"main given", spec.Build{With: "auto", Args: map[string]string{"main": "./cmd/b"}}, ".", "cmd/a/main.go cmd/b/main.go go.mod", goMain("./cmd/b"), ""},
		{"template given, main not", spec.Build{With: Go}, "a", "a/main.go", goMain("."), ""},
		{"static in public", auto, ".", "public/index.html", &v1alpha1.Build{Template: Static}, ""},
		{"other template as it is", spec.Build{With: "node", Args: map[string]string{"x": "y"}}, ".", "package.json",
			&v1alpha1.Build{Template: "node", Args: map[string]string{"x": "y"}}, ""},
		{"no such folder", auto, "gone", "gone-too/main.go go.mod", nil, `path: there is no folder "gone" with files in this commit; set path to`},
		{"nothing at all", auto, ".", "", nil, "path: the repository has no files yet; add what the app is built from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Build(c.build, c.path, NewFiles(strings.Fields(c.files)))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("error = %v, want %q", err, c.err)
			}
			var noFit *NoTemplateFitError
			if errors.As(err, &noFit) != strings.HasPrefix(c.err, "no build template") {
				t.Errorf("error %v has the wrong type %T", err, err)
			}
			var key *KeyError
			if err != nil && noFit == nil && !errors.As(err, &key) {
				t.Errorf("error %v has the wrong type %T", err, err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBuildDoesNotChangeTheSpec(t *testing.T) {
	args := map[string]string{"tags": "x"}
	if _, err := Build(spec.Build{With: Go, Args: args}, ".", Files{"main.go"}); err != nil {
		t.Fatal(err)
	}
	if len(args) != 1 {
		t.Errorf("args became %v", args)
	}
}

func TestImplicitWatch(t *testing.T) {
	for _, c := range []struct {
		name, path, template, files string
		want                        []string
	}{
		{"module above", "services/shop", Go, "go.mod go.sum services/shop/main.go", []string{"go.mod", "go.sum"}},
		{"nearest module wins", "a/b", Go, "a/go.mod a/b/main.go go.mod", []string{"a/go.mod"}},
		{"own module needs nothing", "a", Go, "a/go.mod a/main.go go.mod", nil},
		{"workspace", "a", Go, "a/go.mod a/main.go go.work go.work.sum", []string{"go.work", "go.work.sum"}},
		{"other templates", "a", Static, "a/index.html go.mod", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ImplicitWatch(c.path, c.template, NewFiles(strings.Fields(c.files)))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFilesUnder(t *testing.T) {
	files := NewFiles([]string{"b/x", "a.txt", "a/z", "a-b/y", "a/b/c"})
	if diff := cmp.Diff(Files{"a/b/c", "a/z"}, files.Under("a")); diff != "" {
		t.Error(diff)
	}
	if got := files.Under("c"); len(got) != 0 {
		t.Errorf("Under(c) = %v", got)
	}
	if files.Has("a") || !files.Has("a/z") {
		t.Error("Has is wrong")
	}
}
