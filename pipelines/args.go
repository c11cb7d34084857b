package pipelines

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

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
func CheckArgs(template Template, args map[string]string) error {
	var names, problems []string
	for _, param := range template.Spec.Params {
		if slices.Contains(contractParams, param.Name) {
			continue
		}
		names = append(names, param.Name)
		if _, given := args[param.Name]; !given && param.Default == nil {
			problems = append(problems, fmt.Sprintf("template %q needs the argument %q; set build.args.%s", template.Name, param.Name, param.Name))
		}
	}
	slices.Sort(names)
	for _, arg := range sortedKeys(args) {
		if !slices.Contains(names, arg) {
			problems = append(problems, unknownArg(template.Name, arg, names))
			continue
		}
		if rest := withCommit(args[arg], "x"); strings.Contains(rest, "$(") || strings.Contains(rest, "$$") {
			problems = append(problems, fmt.Sprintf(`build.args.%s must not contain "$(" or "$$", save %s: Kubernetes would expand it`, arg, commitPlaceholder))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &ArgsError{Problems: problems}
}

func unknownArg(template, arg string, names []string) string {
	if len(names) == 0 {
		return fmt.Sprintf("template %q takes no arguments; remove build.args.%s", template, arg)
	}
	list := strings.Join(names, ", ")
	if near := nearest(arg, names); near != "" {
		return fmt.Sprintf("template %q has no argument %q; did you mean %q? It takes: %s", template, arg, near, list)
	}
	return fmt.Sprintf("template %q has no argument %q; it takes: %s", template, arg, list)
}

// nearest is the name with the smallest edit distance, if that is small enough
// for a slip of the fingers: a third of the name, at least 2.
func nearest(name string, names []string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	for _, candidate := range names {
		if d := distance(name, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the edit distance of Levenshtein over bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// commitPlaceholder stands in build.args for the commit that is built, so that
// a program can tell which one it is.
const commitPlaceholder = "$(commit)"

func withCommit(value, commit string) string {
	return strings.ReplaceAll(value, commitPlaceholder, commit)
}

// argsOf is the arguments of a revision's build, the commit filled in.
func argsOf(revision *v1alpha1.Revision) map[string]string {
	if revision.Spec.Build == nil {
		return nil
	}
	args := make(map[string]string, len(revision.Spec.Build.Args))
	for name, value := range revision.Spec.Build.Args {
		args[name] = withCommit(value, revision.Spec.Commit)
	}
	return args
}
