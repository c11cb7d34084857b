package pipelines

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines/contract"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func exampleInput(t testing.TB, template string, args map[string]string) Input {
	t.Helper()
	return Input{
		Revision: &v1alpha1.Revision{
			ObjectMeta: metav1.ObjectMeta{Name: "shop-1a2b3c4d", Namespace: "default"},
			Spec: v1alpha1.RevisionSpec{
				App: "shop", Repository: "monorepo", Commit: strings.Repeat("1a2b3c4d", 5),
				Source: v1alpha1.CodeSource{Key: "tree", Path: "services/shop", Digest: "sha256:" + strings.Repeat("ab", 32)},
				Build:  &v1alpha1.Build{Template: template, Args: args},
			},
		},
		Template:       shippedTemplate(t, template),
		Key:            exampleKey(),
		SourceURL:      "http://headway-watcher.headway-system:8082/artifacts/sha256:abc.tar.gz",
		Image:          "registry.example.com/apps/default/shop:" + Tag(exampleKey()),
		Namespace:      "headway-builds",
		RegistrySecret: "registry",
	}
}

func TestTaskRunFor(t *testing.T) {
	for _, test := range []struct {
		golden   string
		template string
		args     map[string]string
		change   func(*Input)
	}{
		{"go", "go", map[string]string{"main": "./cmd/shop"}, func(*Input) {}},
		{"dockerfile", "dockerfile", map[string]string{"target": "prod", "build-args": "A=1\nB=two words"}, func(*Input) {}},
		{"static", "static", nil, func(*Input) {}},
		{"modules", "go", nil, func(in *Input) { in.PrivateModules = []string{"git.example.com/acme", "go.example.com"} }},
		{"preview", "go", nil, func(in *Input) {
			in.Revision.Spec.App, in.Revision.Spec.Preview = "shop-pr-12", &v1alpha1.BuiltFor{App: "shop"}
		}},
		{"fork", "go", nil, func(in *Input) {
			in.Revision.Spec.App, in.Revision.Spec.Preview = "shop-pr-12", &v1alpha1.BuiltFor{App: "shop", Fork: true}
		}},
		{"bare", "go", nil, func(in *Input) { in.RegistrySecret = "" }},
	} {
		t.Run(test.golden, func(t *testing.T) {
			in := exampleInput(t, test.template, test.args)
			test.change(&in)
			run := TaskRunFor(in)
			checkAgainstTekton(t, run.DeepCopy())
			compareGolden(t, test.golden, run)
		})
	}
}

// TestRunsForCaches: Tekton takes them, and they have the whole volume.
func TestRunsForCaches(t *testing.T) {
	rev := exampleInput(t, "go", nil).Revision
	for _, run := range []*TaskRun{ForgetRunFor(rev, "headway-builds"), EvictRunFor("headway-builds")} {
		if binding := run.Spec.Workspaces[0]; binding.SubPath != "" || binding.PersistentVolumeClaim.ClaimName != cacheClaim {
			t.Errorf("%s: %+v", run.Name, binding)
		}
		checkAgainstTekton(t, run)
	}
}

// checkAgainstTekton runs the checks of Tekton's admission webhook.
func checkAgainstTekton(t *testing.T, run *TaskRun) {
	t.Helper()
	run.SetDefaults(t.Context())
	if err := run.Validate(t.Context()); err != nil {
		t.Errorf("Tekton would refuse the run: %v", err)
	}
}

// compareGolden compares the run without the embedded template, which
// deploy/templates shows already.
func compareGolden(t *testing.T, name string, run *TaskRun) {
	t.Helper()
	if run.Spec.TaskSpec == nil || len(run.Spec.TaskSpec.Steps) == 0 {
		t.Error("the run does not embed its template")
	}
	var steps []string
	for _, step := range run.Spec.TaskSpec.Steps {
		line := step.Name + ":"
		for _, workspace := range step.Workspaces {
			line += " " + workspace.Name
		}
		steps = append(steps, line)
	}
	run.Spec.TaskSpec = nil
	got, err := yaml.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	// Which workspace is for which step alone; Tekton gives the rest to all.
	got = append(got, "# "+strings.Join(steps, "\n# ")+"\n"...)
	file := filepath.Join("testdata", "taskrun-"+name+".yaml")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run (-want +got; rewrite with -update):\n%s", diff)
	}
}

func TestTaskRunForKeepsItsTemplate(t *testing.T) {
	in := exampleInput(t, "go", nil)
	run := TaskRunFor(in)
	run.Spec.TaskSpec.Steps[0].Image = "changed"
	if in.Template.Spec.Steps[0].Image == "changed" {
		t.Error("the run shares its steps with the template")
	}
}

// TestTaskRunForTellsOnlyWhatIsDeclared lets people write small templates.
func TestTaskRunForTellsOnlyWhatIsDeclared(t *testing.T) {
	in := exampleInput(t, "go", nil)
	in.Template.Spec.Params = []tektonv1.ParamSpec{{Name: contract.ParamImage}}
	in.Template.Spec.Workspaces = nil
	run := TaskRunFor(in)
	if len(run.Spec.Params) != 1 || run.Spec.Params[0].Name != contract.ParamImage || len(run.Spec.Workspaces) != 0 {
		t.Errorf("params %v, workspaces %v", run.Spec.Params, run.Spec.Workspaces)
	}
}

func TestCancel(t *testing.T) {
	run := TaskRunFor(exampleInput(t, "go", nil))
	if !Cancel(run) || !run.IsCancelled() || run.Spec.StatusMessage == "" {
		t.Errorf("after Cancel: %+v", run.Spec)
	}
	if Cancel(run) {
		t.Error("cancelling twice is news")
	}
	done := &TaskRun{}
	done.Status.MarkResourceFailed("Failed", errors.New("x"))
	if Cancel(done) || done.IsCancelled() {
		t.Error("a run that is done was cancelled")
	}
}
