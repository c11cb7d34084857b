package detect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/watcher/specfile"
)

func TestCopiesOf(t *testing.T) {
	for _, c := range []struct{ name, dockerfile, target, want string }{
		{"plain", "FROM scratch\nCOPY a b/ dest/\nadd c /\n", "", "2 a, 2 b/, 3 c"},
		{"flags and the list form", "FROM scratch\nCOPY --chown=1:1 --link [\"a b\", \"c\", \"/\"]\n", "", "2 a b, 2 c"},
		{"lines that go on", "# syntax=docker/dockerfile:1\n\nFROM scratch\nCOPY a \\\n  # why\n\n  b \\\r\n  /\nCOPY c /\n", "", "4 a, 4 b, 9 c"},
		{"what only a build knows", "FROM scratch\nARG X\nCOPY $X ${X}/y a /\nADD https://example.com/x git@example.com:x.git /\n", "", "3 a"},
		{"heredocs", "FROM scratch\nRUN <<EOF\nCOPY x /\nEOF\nCOPY <<-\"END\" /file\n  COPY y /\n\tEND\nCOPY a /\n", "", "8 a"},
		{"other stages", "FROM go AS build\nCOPY a /\nFROM node AS web\nCOPY b /\nFROM scratch\nCOPY --from=build /x /\nCOPY c /\n", "", "2 a, 7 c"},
		{"by number and by mount", "FROM go\nCOPY a /\nFROM node AS web\nCOPY b /\nFROM scratch\nRUN --mount=type=bind,from=web,target=/w true\nCOPY --from=0 /x /\n", "", "2 a, 4 b"},
		{"a stage on another", "FROM go AS base\nCOPY a /\nFROM Base\nCOPY b /\n", "", "2 a, 4 b"},
		{"a target", "FROM go AS one\nCOPY a /\nFROM node AS two\nCOPY b /\n", "one", "2 a"},
		{"no stage", "COPY a /\n", "", ""},
		{"nothing", "", "", ""},
	} {
		var got []string
		for _, copied := range copiesOf([]byte(c.dockerfile), c.target) {
			got = append(got, fmt.Sprintf("%d %s", copied.line, copied.source))
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
	}
}

// TestDockerContext: what a build of services/shop in a monorepo takes, and
// which Dockerfiles it refuses.
func TestDockerContext(t *testing.T) {
	for _, c := range []struct {
		name, dockerfile string
		args             map[string]string
		watch            []string
		needed, err      string
	}{
		{"the folder alone", "FROM scratch\nCOPY main.c page-*.html ./\nCOPY . .\n", nil, nil, "", ""},
		{"the root, with a watched folder", "FROM scratch\nCOPY libs/money /money\nCOPY services/shop/main.c /\n", map[string]string{"context": "../.."}, []string{"libs/money"}, ".dockerignore", ""},
		{"the root, whole", "FROM scratch\nCOPY . .\n", map[string]string{"context": "../.."}, nil, ".dockerignore", ""},
		{"a Dockerfile elsewhere", "", map[string]string{"context": "../..", "dockerfile": "../../docker/shop.Dockerfile"}, []string{"libs"}, ".dockerignore docker/shop.Dockerfile docker/shop.Dockerfile.dockerignore", ""},
		{"not watched", "FROM scratch\nCOPY libs/money /\n", map[string]string{"context": "../.."}, nil, "",
			"watch: services/shop/Dockerfile:2 copies libs/money, which is not among the app's files; add it, as in watch: [libs/money]"},
		{"not watched, by a pattern", "FROM scratch\nCOPY libs/*/m.c /\n", map[string]string{"context": "../.."}, nil, "", "add it, as in watch: [libs/*/m.c]"},
		{"in a stage that is not built", "FROM scratch AS tests\nCOPY libs/money /\nFROM scratch\nCOPY services/shop /\n", map[string]string{"context": "../.."}, nil, ".dockerignore", ""},
		{"as from the root", "FROM scratch\nCOPY libs/money /\n", nil, []string{"libs/money"}, "",
			`build: services/shop/Dockerfile:2 copies libs/money, which is outside the build context (folder "services/shop"); write build: {with: dockerfile, args: {context: ../..}} and watch: [libs/money], and let COPY count from the repository's root`},
		{"out of the context", "FROM scratch\nCOPY ../../libs/money /\n", nil, nil, "", "services/shop/Dockerfile:2 copies libs/money, which is outside the build context"},
		{"what is nowhere", "FROM scratch\nCOPY made-by-hand /\nCOPY ../../../x y /\n", nil, nil, "", ""},
		{"a headway.yaml", "FROM scratch\nCOPY headway.yaml /\n", nil, nil, "", "build: services/shop/Dockerfile:2 copies services/shop/headway.yaml, which no build gets"},
		{"a context out of the repository", "", map[string]string{"context": "../../.."}, nil, "", `build.args.context: "../../.." is not a folder of the repository`},
		{"an absolute context", "", map[string]string{"context": "/"}, nil, "", `build.args.context: "/" is not a folder of the repository`},
		{"no such context", "", map[string]string{"context": "src"}, nil, "", `build.args.context: there is no folder "services/shop/src"`},
		{"a Dockerfile out of the repository", "", map[string]string{"dockerfile": "../../../Dockerfile"}, nil, "", `build.args.dockerfile: "../../../Dockerfile" is not a file of the repository`},
		{"counted from the context", "", map[string]string{"context": "../..", "dockerfile": "docker/shop.Dockerfile"}, nil, "",
			"build.args.dockerfile: there is no services/shop/docker/shop.Dockerfile in this commit; it counts from path, not from the context: write ../../docker/shop.Dockerfile"},
		{"no such Dockerfile", "", map[string]string{"dockerfile": "x"}, nil, "", "there is no services/shop/x in this commit; set it to the Dockerfile, relative to path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := treeFrom(map[string]string{
				".dockerignore": "", "README.md": "", "libs/money/m.c": "", "docker/shop.Dockerfile": "FROM scratch\nCOPY libs /\n", "docker/shop.Dockerfile.dockerignore": "",
				"services/shop/Dockerfile": c.dockerfile, "services/shop/main.c": "", "services/shop/page-1.html": "", "services/shop/headway.yaml": "",
			})
			app, err := Resolve(&specfile.Spec{Path: "services/shop", Watch: c.watch, Build: specfile.Build{With: specfile.TemplateAuto, Args: c.args}}, tree)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("error = %v, want %q", err, c.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(c.needed, strings.Join(app.Sources.Needed(), " ")); diff != "" {
				t.Errorf("needed (-want +got)\n%s", diff)
			}
		})
	}
}
