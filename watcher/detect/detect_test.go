package detect

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

func TestBuild(t *testing.T) {
	auto := specfile.Build{With: specfile.TemplateAuto}
	goMain := func(main string) *v1alpha1.Build {
		return &v1alpha1.Build{Template: Go, Args: map[string]string{"main": main}}
	}
	siteIn := func(dir string) *v1alpha1.Build {
		return &v1alpha1.Build{Template: Static, Args: map[string]string{"dir": dir}}
	}
	for _, c := range []struct {
		name  string
		build specfile.Build
		path  string
		files string
		want  *v1alpha1.Build
		err   string
	}{
		{"dockerfile before go", auto, ".", "Dockerfile go.mod main.go", &v1alpha1.Build{Template: Dockerfile}, ""},
		{"dockerfile of another folder does not count", auto, "a", "Dockerfile a/index.html", &v1alpha1.Build{Template: Static}, ""},
		{"go in the root", auto, ".", "go.mod main.go", goMain("."), ""},
		{"go with its module above", auto, "services/shop", "go.mod services/shop/main.go", goMain("."), ""},
		{"a module without go files", auto, "web", "go.mod web/index.html", &v1alpha1.Build{Template: Static}, ""},
		{"only tests are no app", auto, "a", "go.mod a/a_test.go", nil, `no build template fits folder "a"`},
		{"the only command", auto, ".", "cmd/shop/main.go go.mod shop.go", goMain("./cmd/shop"), ""},
		{"a root program before commands", auto, ".", "cmd/migrate/main.go go.mod server.go=program", goMain("."), ""},
		{"a root library beside a command", auto, ".", "cmd/a/a.go=program go.mod main.go=lib", goMain("./cmd/a"), ""},
		{"tools.go is no program", auto, ".", "go.mod tools.go=tools server/main.go", goMain("./server"), ""},
		{"nor is an ignored file", auto, ".", "go.mod gen.go=ignored server/main.go", goMain("./server"), ""},
		{"nor one for another system", auto, ".", "go.mod main_windows.go=program server/main.go", goMain("./server"), ""},
		{"one for any processor is", auto, ".", "go.mod main_arm64.go=program server/main.go", goMain("."), ""},
		{"nor a main package without func main", auto, ".", "go.mod x.go=nomain server/main.go", goMain("./server"), ""},
		{"func main in another file", auto, ".", "go.mod a.go=nomain b.go=program", goMain("."), ""},
		{"a program that does not compile", auto, ".", "go.mod main.go=broken", goMain("."), ""},
		{"a tag that is set", specfile.Build{With: "auto", Args: map[string]string{"tags": "x,shop"}}, ".", "go.mod main.go=tagged",
			&v1alpha1.Build{Template: Go, Args: map[string]string{"main": ".", "tags": "x,shop"}}, ""},
		{"cmd itself", auto, ".", "cmd/main.go go.mod", goMain("./cmd"), ""},
		{"src", auto, ".", "src/main.go go.mod", goMain("./src"), ""},
		{"deep down", auto, ".", "a/b/c/d/main.go go.mod", goMain("./a/b/c/d"), ""},
		{"helpers below a command are no command", auto, ".", "cmd/a/flags/f.go cmd/a/main.go go.mod", goMain("./cmd/a"), ""},
		{"two commands", auto, ".", "cmd/a/main.go cmd/b/main.go go.mod", nil,
			"several main packages in the repository's root (./cmd/a, ./cmd/b); choose one, such as build: {with: go, args: {main: ./cmd/a}}"},
		{"a command and a server", auto, ".", "cmd/migrate/main.go server/main.go go.mod", nil, "(./server, ./cmd/migrate)"},
		{"tools count only alone", auto, ".", "cmd/a/main.go tools/gen/main.go examples/x/main.go go.mod", goMain("./cmd/a"), ""},
		{"a command called tools", auto, ".", "cmd/tools/main.go cmd/a/main.go go.mod", nil, "(./cmd/a, ./cmd/tools)"},
		{"and then they do", auto, ".", "x.go tools/gen/main.go go.mod", goMain("./tools/gen"), ""},
		{"folders that go does not look into", auto, ".", "vendor/x/main.go testdata/main.go _old/main.go .x/main.go node_modules/y/main.go a/main.go go.mod", goMain("./a"), ""},
		{"other apps", auto, ".", "go.mod a/main.go services/b/headway.yaml services/b/cmd/b/main.go", goMain("./a"), ""},
		{"a library", auto, ".", "go.mod lib/x.go", nil, "no main package with a func main in the repository's root"},
		{"go without a module", auto, ".", "main.go", nil, "there is a Go program in the repository's root but no go.mod in it or above it; run go mod init"},
		{"also beside a site", auto, ".", "main.go public/index.html", nil, "but no go.mod"},
		{"a module below", auto, ".", "server/go.mod server/cmd/x/main.go", nil, `in folder "server/cmd/x" is in a module of its own; build it from there with path: server`},
		{"a workspace", auto, ".", "go.work=./server server/go.mod server/main.go", goMain("./server"), ""},
		{"a module that the workspace does not list", auto, "b", "go.work=./a a/go.mod b/go.mod b/main.go", nil, `build: go.work does not list the module in folder "b"; run go work use`},
		{"a site in a repository of Go", auto, ".", "go.mod index.html services/a/main.go", nil,
			"choose one with build: {with: static, args: {dir: .}} or build: {with: go, args: {main: ./services/a}}"},
		{"a site and a command", auto, ".", "go.mod index.html cmd/main.go", goMain("./cmd"), ""},
		{"a server with pages", auto, ".", "go.mod public/index.html server/main.go", goMain("./server"), ""},
		{"a site with a tool", auto, ".", "go.mod index.html tools/gen/main.go", &v1alpha1.Build{Template: Static}, ""},
		{"a library with a site", auto, ".", "go.mod index.html lib/x.go", &v1alpha1.Build{Template: Static}, ""},
		{"main given", specfile.Build{With: "auto", Args: map[string]string{"main": "./cmd/b"}}, ".", "cmd/a/main.go cmd/b/main.go go.mod", goMain("./cmd/b"), ""},
		{"main that is not there", specfile.Build{With: Go, Args: map[string]string{"main": "./cmd/c"}}, ".", "cmd/a/main.go cmd/b/main.go go.mod", nil,
			`build.args.main: there are no Go files in folder "cmd/c"; main packages here: ./cmd/a, ./cmd/b`},
		{"main that is a library", specfile.Build{With: Go, Args: map[string]string{"main": "lib"}}, "a", "a/lib/x.go a/main.go go.mod", nil,
			`build.args.main: there is no main package with a func main in folder "a/lib"; main packages here: .`},
		{"main that is a file", specfile.Build{With: Go, Args: map[string]string{"main": "cmd/a/main.go"}}, ".", "cmd/a/main.go go.mod", nil, "write the folder that it is in: ./cmd/a"},
		{"main outside path", specfile.Build{With: Go, Args: map[string]string{"main": "../b"}}, "a", "a/main.go b/main.go go.mod", nil, `"../b" is not below path`},
		{"main in another module", specfile.Build{With: Go, Args: map[string]string{"main": "b"}}, ".", "b/go.mod b/main.go go.mod", nil, "build.args.main: the Go program in folder \"b\" is in a module of its own"},
		{"template given, main not", specfile.Build{With: Go}, "a", "a/main.go go.mod", goMain("."), ""},
		{"static in public", auto, ".", "public/index.html src/a.ts", siteIn("public"), ""},
		{"a page beside public", auto, ".", "index.html public/index.html", siteIn("public"), ""},
		{"public without a page", auto, ".", "index.html public/a.css", &v1alpha1.Build{Template: Static}, ""},
		{"react", auto, ".", "package.json=react public/index.html", nil,
			"build: found a package.json with a build script (react-scripts build) beside public/index.html, and nothing that builds or runs it, so that the site would come without its program. " +
				"Publish the folder that a build has made, committed, with build: {with: static, args: {dir: dist}}; or build it in a Dockerfile; or, if the files are complete as they are, write build: {with: static, args: {dir: public}}"},
		{"a server in node", auto, ".", "package.json=express index.html", nil, "with dependencies (a, b, c, …)"},
		{"a package.json that only describes", auto, ".", "package.json=plain index.html", &v1alpha1.Build{Template: Static}, ""},
		{"a package.json that is none", auto, ".", "package.json=nojson index.html", nil, "that is not valid JSON"},
		{"a package.json above", auto, "site", "package.json=react site/index.html", &v1alpha1.Build{Template: Static}, ""},
		{"python with pages", auto, ".", "requirements.txt app.py index.html", nil, "found a Python program (requirements.txt) beside index.html"},
		{"a program in node without pages", auto, ".", "package.json=express server.js", nil,
			"no build template fits the repository's root: found a package.json with dependencies (a, b, c, …), which none of those that come with Headway builds; add a Dockerfile"},
		{"static without a guess", specfile.Build{With: Static}, ".", "package.json=react public/index.html", siteIn("public"), ""},
		{"dir given", specfile.Build{With: "auto", Args: map[string]string{"dir": "dist"}}, ".", "package.json=react dist/x public/index.html",
			&v1alpha1.Build{Template: Static, Args: map[string]string{"dir": "dist"}}, ""},
		{"dir that is not there", specfile.Build{With: Static, Args: map[string]string{"dir": "dist"}}, "web", "web/index.html", nil,
			`build.args.dir: there is no folder "web/dist" with files in this commit`},
		{"dockerfile given", specfile.Build{With: Dockerfile, Args: map[string]string{"dockerfile": "prod.Dockerfile"}}, ".", "prod.Dockerfile",
			&v1alpha1.Build{Template: Dockerfile, Args: map[string]string{"dockerfile": "prod.Dockerfile"}}, ""},
		{"files beside the program that are not there", specfile.Build{With: Go, Args: map[string]string{"files": "templates, static,,views/a.html"}}, "a",
			"go.mod a/main.go a/templates/x.html a/static", nil, "build.args.files: there is no file or folder a/views/a.html in this commit; write names relative to path"},
		{"dockerfile that is not there", specfile.Build{With: Dockerfile}, "a", "a/x Dockerfile", nil, "build.args.dockerfile: there is no a/Dockerfile in this commit"},
		{"other template as it is", specfile.Build{With: "node", Args: map[string]string{"x": "y"}}, ".", "package.json",
			&v1alpha1.Build{Template: "node", Args: map[string]string{"x": "y"}}, ""},
		{"no such folder", auto, "gone", "gone-too/main.go go.mod", nil, `path: there is no folder "gone" with files in this commit; set path to`},
		{"nothing at all", auto, ".", "", nil, "path: the repository has no files yet; add what the app is built from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Build(c.build, c.path, treeOf(c.files))
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
	if _, err := Build(specfile.Build{With: Go, Args: args}, ".", treeOf("go.mod main.go")); err != nil {
		t.Fatal(err)
	}
	if len(args) != 1 {
		t.Errorf("args became %v", args)
	}
}
