package pipelines

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines/contract"
)

// Template is a Task that keeps the contract.
type Template struct {
	// Name is how headway.yaml chooses it in build.with.
	Name string
	// Version changes whenever the Task's spec does, its step images included.
	Version string
	// Spec is embedded into each TaskRun, so that a run is not changed by a
	// template that is replaced while it waits.
	Spec tektonv1.TaskSpec
}

// TakesModules reports whether the template's builds fetch private Go modules.
func (t Template) TakesModules() bool {
	return slices.ContainsFunc(t.Spec.Workspaces, func(w tektonv1.WorkspaceDeclaration) bool { return w.Name == WorkspaceModules })
}

// TemplateOf reads a build template. The error says which part of the contract
// the Task breaks.
func TemplateOf(task *Task) (Template, error) {
	name := task.Labels[v1alpha1.LabelTemplate]
	if name == "" {
		return Template{}, fmt.Errorf("task %s has no label %s", task.Name, v1alpha1.LabelTemplate)
	}
	if problem := contractProblem(task.Spec); problem != "" {
		return Template{}, fmt.Errorf("template %q (task %s) %s", name, task.Name, problem)
	}
	encoded, err := json.Marshal(task.Spec)
	if err != nil {
		return Template{}, fmt.Errorf("encoding template %q: %w", name, err)
	}
	sum := sha256.Sum256(encoded)
	return Template{Name: name, Version: hex.EncodeToString(sum[:]), Spec: *task.Spec.DeepCopy()}, nil
}

// contractProblem says how a spec breaks the contract; empty when it does not.
func contractProblem(spec tektonv1.TaskSpec) string {
	for _, param := range spec.Params {
		if param.Type != "" && param.Type != tektonv1.ParamTypeString {
			return fmt.Sprintf("declares the parameter %q of type %s; only strings can be given", param.Name, param.Type)
		}
	}
	if !slices.ContainsFunc(spec.Params, func(p tektonv1.ParamSpec) bool { return p.Name == contract.ParamImage }) {
		return fmt.Sprintf("does not declare the parameter %q, where it has to push", contract.ParamImage)
	}
	if !slices.ContainsFunc(spec.Results, func(r tektonv1.TaskResult) bool { return r.Name == ResultDigest }) {
		return fmt.Sprintf("does not declare the result %q", ResultDigest)
	}
	for _, workspace := range spec.Workspaces {
		switch workspace.Name {
		case WorkspaceSource, WorkspaceCache:
		case WorkspaceRegistry, WorkspaceModules:
			if !workspace.Optional {
				return fmt.Sprintf("must declare the workspace %q optional; not every build has such credentials", workspace.Name)
			}
		default:
			if !workspace.Optional {
				return fmt.Sprintf("needs the workspace %q, which Headway does not know; it binds %s, %s, %s and %s",
					workspace.Name, WorkspaceSource, WorkspaceCache, WorkspaceRegistry, WorkspaceModules)
			}
		}
	}
	return ""
}

// CheckArgs says what is wrong with build.args. The error is a *contract.ArgsError.
func CheckArgs(template Template, args map[string]string) error {
	params := make([]contract.Param, len(template.Spec.Params))
	for i, p := range template.Spec.Params {
		params[i] = contract.Param{Name: p.Name, Required: p.Default == nil}
	}
	return contract.CheckArgs(template.Name, params, args)
}

// argsOf is the arguments of a revision's build, the commit filled in.
func argsOf(revision *v1alpha1.Revision) map[string]string {
	args := make(map[string]string, len(revision.Spec.Build.Args))
	for name, value := range revision.Spec.Build.Args {
		args[name] = contract.WithCommit(value, revision.Spec.Commit)
	}
	return args
}
