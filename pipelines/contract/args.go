// Package contract is what Headway and a build template agree on by name: the
// parameters that Headway gives, and the arguments that a headway.yaml may. It
// knows nothing of Tekton, so that the CLI can check both without it.
package contract

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/nearest"
)

// Parameters that Headway gives to every template that declares them.
const (
	// ParamSourceURL is where the source artifact, a tar.gz, is fetched.
	ParamSourceURL = "source-url"
	// ParamSourceDigest is the artifact's digest, sha256:<hex>.
	ParamSourceDigest = "source-digest"
	// ParamPath is the build context inside the artifact; "." is its root.
	ParamPath = "path"
	// ParamImage is the repository:tag to push.
	ParamImage = "image"
	// ParamPrivateModules are the patterns of spec.modules of the Repository,
	// separated by commas; empty without.
	ParamPrivateModules = "private-modules"
)

// given are the parameters that are no arguments.
var given = []string{ParamSourceURL, ParamSourceDigest, ParamPath, ParamImage, ParamPrivateModules}

// Param is a parameter that a template declares.
type Param struct {
	Name string
	// Required tells that it has no default.
	Required bool
}

// ArgsError is a mistake in build.args that a new commit has to mend.
type ArgsError struct {
	// Problems, each a sentence that says what to change.
	Problems []string
}

// Error lists the problems, one a line.
func (e *ArgsError) Error() string { return strings.Join(e.Problems, "\n") }

// CheckArgs says what is wrong with build.args: a name the template does not
// have, a required one that is missing, or a value that Tekton or Kubernetes
// would expand. The error is an *ArgsError with every problem.
func CheckArgs(template string, params []Param, args map[string]string) error {
	var names, problems []string
	for _, param := range params {
		if slices.Contains(given, param.Name) {
			continue
		}
		names = append(names, param.Name)
		if _, set := args[param.Name]; !set && param.Required {
			problems = append(problems, fmt.Sprintf("template %q needs the argument %q; set build.args.%s", template, param.Name, param.Name))
		}
	}
	slices.Sort(names)
	for _, arg := range slices.Sorted(maps.Keys(args)) {
		if !slices.Contains(names, arg) {
			problems = append(problems, unknownArg(template, arg, names))
			continue
		}
		if rest := WithCommit(args[arg], "x"); strings.Contains(rest, "$(") || strings.Contains(rest, "$$") {
			problems = append(problems, fmt.Sprintf(`build.args.%s must not contain "$(" or "$$", save %s: Kubernetes would expand it`, arg, commitPlaceholder))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &ArgsError{Problems: problems}
}

// commitPlaceholder stands in build.args for the commit that is built, so that
// a program can tell which one it is.
const commitPlaceholder = "$(commit)"

// WithCommit is the value of an argument with the commit filled in.
func WithCommit(value, commit string) string {
	return strings.ReplaceAll(value, commitPlaceholder, commit)
}

// NotFound says that no template has the name that build.with gives; names are
// those of the installed ones.
func NotFound(wanted string, names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("no build template is called %q; none is installed", wanted)
	}
	names = slices.Sorted(slices.Values(names))
	return fmt.Errorf("no build template is called %q; installed: %s", wanted, strings.Join(slices.Compact(names), ", "))
}

func unknownArg(template, arg string, names []string) string {
	if len(names) == 0 {
		return fmt.Sprintf("template %q takes no arguments; remove build.args.%s", template, arg)
	}
	list := strings.Join(names, ", ")
	if near := nearest.To(arg, names); near != "" {
		return fmt.Sprintf("template %q has no argument %q; did you mean %q? It takes: %s", template, arg, near, list)
	}
	return fmt.Sprintf("template %q has no argument %q; it takes: %s", template, arg, list)
}
