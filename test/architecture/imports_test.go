// Package architecture holds the tests that keep the house plan.
package architecture

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/headway-dev/headway/"

// allowed lists, per top-level folder, the siblings its packages may import.
// cmd, deploy and test wire everything and are not listed.
var allowed = map[string][]string{
	"api":        {},
	"watcher":    {"api"},
	"pipelines":  {"api"},
	"reconciler": {"api", "pipelines"},
	"scaler":     {"api"},
	"eventing":   {"api"},
}

// testHelpers are packages that the tests of every folder may import, and nothing
// else.
var testHelpers = []string{"test/scenario"}

// localCluster is the folder of a cluster for this machine. Programs and their
// tests have no use for it, except its git server.
const localCluster, gitServer = "deploy/local/", "deploy/local/gitserver"

// soleImporters lists, per third-party module, the folders that may use it.
var soleImporters = map[string][]string{
	"github.com/go-git/":            {"watcher", "test"},
	"github.com/tektoncd/pipeline/": {"pipelines", "test"},
	"github.com/nats-io/":           {"eventing", "test"},
	"github.com/synadia-io/":        {"eventing", "test"},
	"github.com/cloudevents/":       {"eventing", "test"},
}

// pure are the folders that work on values alone: they ask and change nothing.
var pure = []string{"reconciler/render", "reconciler/diagnose", "reconciler/job", "reconciler/promotion", "reconciler/promotion/gate", "pipelines", "scaler/decide", "eventing/event", "eventing/filter", "eventing/retry"}

// clients is what they may not import.
var clients = []string{"k8s.io/client-go/", "sigs.k8s.io/controller-runtime"}

// unlinked lists, per package, what it must not link, however indirectly. Each
// decides on plain values, so that the command line can do it, too; or it is to be
// so small that nothing in it can go wrong.
var unlinked = map[string][]string{
	"cmd/supervise":  {"k8s.io/", "sigs.k8s.io/", "github.com/prometheus/", "golang.org/x/", "net/http"},
	"watcher/plan":   {"github.com/go-git/", "k8s.io/client-go/", "sigs.k8s.io/controller-runtime/pkg/client"},
	"watcher/verify": {"github.com/go-git/", "k8s.io/client-go/", "sigs.k8s.io/controller-runtime/pkg/client"},
}

// pkg is a package of this module and what it, and what its tests, import
// directly.
type pkg struct {
	path           string
	imports, tests []string
}

func TestImportRule(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 5 {
		t.Fatalf("found only %d packages; the test looks in the wrong place", len(pkgs))
	}
	for _, p := range pkgs {
		for _, problem := range problems(p) {
			t.Error(problem)
		}
	}
}

func TestProblemsAreFound(t *testing.T) {
	tests := []struct {
		name string
		pkg  pkg
		want int
	}{
		{"sibling", pkg{path: module + "watcher", imports: []string{module + "reconciler/app"}}, 1},
		{"api imports nobody", pkg{path: module + "api/v1alpha1", imports: []string{module + "watcher"}}, 1},
		{"reconciler may use pipelines", pkg{path: module + "reconciler/app", imports: []string{module + "pipelines"}}, 0},
		{"pipelines may not use reconciler", pkg{path: module + "pipelines", imports: []string{module + "reconciler/app"}}, 1},
		{"own folder", pkg{path: module + "scaler/activator", imports: []string{module + "scaler/decide"}}, 0},
		{"tekton outside pipelines", pkg{path: module + "reconciler/app", imports: []string{"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"}}, 1},
		{"go-git in watcher", pkg{path: module + "watcher/git", imports: []string{"github.com/go-git/go-git/v5"}}, 0},
		{"nats in eventing", pkg{path: module + "eventing/channel", imports: []string{"github.com/nats-io/nats-server/v2/server"}}, 0},
		{"nats outside eventing", pkg{path: module + "scaler/activator", imports: []string{"github.com/nats-io/nats.go"}}, 1},
		{"the SDK of CloudEvents outside eventing", pkg{path: module + "cmd/eventing", imports: []string{"github.com/cloudevents/sdk-go/v2"}}, 1},
		{"eventing may not use scaler", pkg{path: module + "eventing/delivery", imports: []string{module + "scaler/activator/answer"}}, 1},
		{"a client in a pure package of eventing", pkg{path: module + "eventing/filter", imports: []string{"k8s.io/client-go/rest"}}, 1},
		{"a program of the local cluster", pkg{path: module + "cmd/gitserver", imports: []string{module + "deploy/local/gitserver"}}, 0},
		{"product code in the local cluster", pkg{path: module + "cmd/buildstep/gobuild", imports: []string{module + "deploy/local/ociimage"}}, 1},
		{"a client in a pure package", pkg{path: module + "reconciler/render", imports: []string{"sigs.k8s.io/controller-runtime/pkg/client"}}, 1},
		{"the frame of scenarios in a test", pkg{path: module + "scaler/decide", tests: []string{module + "test/scenario"}}, 0},
		{"the frame of scenarios in the product", pkg{path: module + "scaler/decide", imports: []string{module + "test/scenario"}}, 1},
		{"another helper in a test", pkg{path: module + "scaler/decide", tests: []string{module + "test/localcluster"}}, 1},
		{"a sibling in a test", pkg{path: module + "scaler/decide", tests: []string{module + "reconciler/app"}}, 1},
		{"cmd wires all", pkg{path: module + "cmd/controller", imports: []string{module + "watcher", module + "reconciler/app"}}, 0},
	}
	for _, tt := range tests {
		if got := problems(tt.pkg); len(got) != tt.want {
			t.Errorf("%s: problems = %q, want %d", tt.name, got, tt.want)
		}
	}
}

// problems names every import of p that breaks the house plan.
func problems(p pkg) []string {
	var out []string
	top := topFolder(p.path)
	tests := slices.DeleteFunc(slices.Clone(p.tests), func(imp string) bool {
		return slices.Contains(testHelpers, strings.TrimPrefix(imp, module))
	})
	for _, imp := range slices.Concat(p.imports, tests) {
		if strings.HasPrefix(imp, module) {
			siblings, ruled := allowed[top]
			if to := topFolder(imp); ruled && to != top && !slices.Contains(siblings, to) {
				out = append(out, fmt.Sprintf("%s imports %s; %s may import only %v", p.path, imp, top, siblings))
			}
			if inside := strings.TrimPrefix(imp, module); top == "cmd" && strings.HasPrefix(inside, localCluster) && inside != gitServer {
				out = append(out, fmt.Sprintf("%s imports %s; of the local cluster cmd may import only %s", p.path, imp, gitServer))
			}
			continue
		}
		for _, client := range clients {
			if slices.Contains(pure, strings.TrimPrefix(p.path, module)) && strings.HasPrefix(imp, client) {
				out = append(out, fmt.Sprintf("%s imports %s; it is pure and has no use for a client", p.path, imp))
			}
		}
		for prefix, folders := range soleImporters {
			if strings.HasPrefix(imp, prefix) && !slices.Contains(folders, top) {
				out = append(out, fmt.Sprintf("%s imports %s; only %v may", p.path, imp, folders))
			}
		}
	}
	return out
}

func TestUnlinked(t *testing.T) {
	for folder, forbidden := range unlinked {
		cmd := exec.Command("go", "list", "-deps", "./"+folder)
		cmd.Dir = "../.."
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("listing what %s links: %v", folder, err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			if slices.ContainsFunc(forbidden, func(prefix string) bool { return strings.HasPrefix(dep, prefix) }) {
				t.Errorf("%s links %s", folder, dep)
			}
		}
	}
}

func topFolder(path string) string {
	top, _, _ := strings.Cut(strings.TrimPrefix(path, module), "/")
	return top
}

func list(t *testing.T) []pkg {
	t.Helper()
	const format = `{{.ImportPath}}|{{join .Imports " "}}|{{join .TestImports " "}} {{join .XTestImports " "}}`
	cmd := exec.Command("go", "list", "-f", format, "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	var pkgs []pkg
	for line := range strings.Lines(string(out)) {
		parts := strings.Split(line, "|")
		pkgs = append(pkgs, pkg{path: parts[0], imports: strings.Fields(parts[1]), tests: strings.Fields(parts[2])})
	}
	return pkgs
}
