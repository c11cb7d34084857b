package render

import (
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// NoCommand tells how to name a program where none is known.
const NoCommand = "the image names no command; give it an ENTRYPOINT or a CMD, or write command in headway.yaml"

// Command is what a revision runs, by Kubernetes' rules: command stands in the
// place of all that the image says, args in the place of its CMD. Empty when it
// is not known. It is written as a container has it: in what headway.yaml says
// Kubernetes fills in variables, in what the image says it must not.
func Command(rev *v1alpha1.Revision, config *v1alpha1.ImageConfig) []string {
	switch {
	case len(rev.Spec.Command) > 0:
		return slices.Concat(rev.Spec.Command, rev.Spec.Args)
	case config == nil:
		return nil
	case len(rev.Spec.Args) > 0:
		return slices.Concat(literals(config.Entrypoint), rev.Spec.Args)
	}
	return literals(slices.Concat(config.Entrypoint, config.Cmd))
}

func literals(words []string) []string {
	var result []string
	for _, word := range words {
		result = append(result, literal(word))
	}
	return result
}

// literal keeps Kubernetes, which expands $(NAME) and turns $$ into $, from
// changing a text.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }
