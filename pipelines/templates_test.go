package pipelines

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// ownTemplates are the ones in deploy/templates.
var ownTemplates = []string{"dockerfile", "go", "static"}

// shipped loads a template from deploy/templates, strictly.
func shipped(t testing.TB, name string) *Task {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "deploy", "templates", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	task := &Task{}
	if err := yaml.UnmarshalStrict(data, task); err != nil {
		t.Fatalf("reading template %s: %v", name, err)
	}
	return task
}

func shippedTemplate(t testing.TB, name string) Template {
	t.Helper()
	template, err := TemplateOf(shipped(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func TestEveryShippedTemplateIsTested(t *testing.T) {
	files, err := filepath.Glob("../deploy/templates/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".yaml"); name != "kustomization" {
			names = append(names, name)
		}
	}
	if diff := cmp.Diff(ownTemplates, names); diff != "" {
		t.Errorf("templates (-tested +shipped):\n%s", diff)
	}
}

func TestShippedTemplates(t *testing.T) {
	for _, name := range ownTemplates {
		t.Run(name, func(t *testing.T) {
			task := shipped(t, name)
			template := shippedTemplate(t, name)
			if template.Name != name || task.Name != "headway-"+name {
				t.Errorf("template %q in task %q", template.Name, task.Name)
			}
			if err := CheckArgs(template, nil); err != nil {
				t.Errorf("the template needs arguments: %v", err)
			}
			// Tekton's own checks, those of its admission webhook.
			task.SetDefaults(t.Context())
			if err := task.Validate(t.Context()); err != nil {
				t.Errorf("Tekton would refuse it: %v", err)
			}
			steps, err := tektonv1.MergeStepsWithStepTemplate(task.Spec.StepTemplate, task.Spec.Steps)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range steps {
				checkStep(t, name, step)
			}
		})
	}
}

// checkStep holds each step to what the documentation promises of it.
func checkStep(t *testing.T, template string, step tektonv1.Step) {
	t.Helper()
	uses := func(workspace string) bool {
		return slices.ContainsFunc(step.Workspaces, func(w tektonv1.WorkspaceUsage) bool { return w.Name == workspace })
	}
	if uses(WorkspaceRegistry) != (step.Name == "push") {
		t.Errorf("step %s: sees the registry credentials = %v", step.Name, uses(WorkspaceRegistry))
	}
	if uses(WorkspaceModules) != (step.Name == "modules") {
		t.Errorf("step %s: sees the credentials for modules = %v", step.Name, uses(WorkspaceModules))
	}
	if step.Name != "build" && uses(WorkspaceCache) {
		t.Errorf("step %s sees the cache, which the sources of other builds can write", step.Name)
	}
	if step.Script != "" || len(step.Command) == 0 {
		t.Errorf("step %s: runs a script or leaves its command to the image", step.Name)
	}
	if step.ComputeResources.Requests.Cpu().IsZero() || step.ComputeResources.Requests.Memory().IsZero() {
		t.Errorf("step %s: requests nothing", step.Name)
	}
	security := step.SecurityContext
	if template == "dockerfile" && step.Name == "build" {
		if security.Privileged == nil || !*security.Privileged {
			t.Error("BuildKit cannot work without privileges")
		}
		return
	}
	want := &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(bool), ReadOnlyRootFilesystem: ptr(true), RunAsNonRoot: ptr(true),
		RunAsUser: ptr(int64(65532)), RunAsGroup: ptr(int64(65532)),
		Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if template == "go" && step.Name == "build" {
		want.RunAsNonRoot, want.RunAsUser, want.RunAsGroup = new(bool), new(int64), new(int64)
	}
	if diff := cmp.Diff(want, security); diff != "" {
		t.Errorf("step %s: security context (-want +got):\n%s", step.Name, diff)
	}
}

// TestDocumentedTemplate holds the example in the documentation to the contract
// that the documentation states.
func TestDocumentedTemplate(t *testing.T) {
	doc, err := os.ReadFile("../docs/build-templates.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, ok := strings.Cut(string(doc), "```yaml\napiVersion: tekton.dev/v1\n")
	example, _, ended := strings.Cut(example, "```")
	if !ok || !ended {
		t.Fatal("the documentation has no example")
	}
	task := &Task{}
	if err := yaml.UnmarshalStrict([]byte(example), task); err != nil {
		t.Fatal(err)
	}
	template, err := TemplateOf(task)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckArgs(template, map[string]string{"base-url": "https://blog.example.com/"}); err != nil {
		t.Error(err)
	}
	task.SetDefaults(t.Context())
	if err := task.Validate(t.Context()); err != nil {
		t.Errorf("Tekton would refuse it: %v", err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestTemplateOfRefuses(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*Task)
		want  string
	}{
		{"no label", func(task *Task) { task.Labels = nil }, "has no label headway.dev/template"},
		{"no image", func(task *Task) { task.Spec.Params = task.Spec.Params[:3] }, `does not declare the parameter "image"`},
		{"no digest", func(task *Task) { task.Spec.Results = task.Spec.Results[1:] }, `does not declare the result "digest"`},
		{"an array", func(task *Task) { task.Spec.Params[4].Type = tektonv1.ParamTypeArray }, `"main" of type array`},
		{"credentials required", func(task *Task) { task.Spec.Workspaces[2].Optional = false }, `"registry" optional`},
		{"credentials for modules required", func(task *Task) { task.Spec.Workspaces[3].Optional = false }, `"modules" optional`},
		{"unknown workspace", func(task *Task) { task.Spec.Workspaces[1].Name = "ssh" }, `needs the workspace "ssh"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			task := shipped(t, "go")
			test.spoil(task)
			_, err := TemplateOf(task)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestTemplateVersion(t *testing.T) {
	original := shippedTemplate(t, "go")
	task := shipped(t, "go")
	task.ResourceVersion, task.Annotations = "7", map[string]string{"a": "b"}
	same, err := TemplateOf(task)
	if err != nil {
		t.Fatal(err)
	}
	if same.Version != original.Version {
		t.Error("the version depends on metadata")
	}
	task.Spec.Steps[0].Image += ":other"
	changed, err := TemplateOf(task)
	if err != nil {
		t.Fatal(err)
	}
	if changed.Version == original.Version {
		t.Error("another step image leaves the version as it was")
	}
}
