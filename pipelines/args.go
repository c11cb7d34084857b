package pipelines

import (
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines/contract"
)

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
