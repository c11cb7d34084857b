package specfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/condition"
)

// maxProblems bounds what Error prints, so that a file full of nonsense still
// fits into a condition.
const maxProblems = 20

// Problem is one thing to change in a headway.yaml.
type Problem struct {
	// File as it was given to Parse.
	File string
	// Line and Column count from 1.
	Line, Column int
	// Key is the dotted path of the key, such as scale.max or watch[1]; empty
	// when the file as a whole is meant.
	Key string
	// Message says what is wrong and what to write instead.
	Message string
	// syntax: the file is no YAML from here, or from the line before.
	syntax bool
}

func (p Problem) String() string {
	if p.Key == "" {
		return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Key, p.Message)
}

// Whole is a problem of a file as a whole.
func Whole(message string) Problem { return Problem{Line: 1, Column: 1, Message: message} }

// Problems are all that is wrong with one file, in the order of its lines.
type Problems []Problem

// Error prints one line per problem, file:line:column first.
func (p Problems) Error() string {
	var b strings.Builder
	for i, problem := range p {
		if i == maxProblems {
			fmt.Fprintf(&b, "\n... and %d more problems", len(p)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(problem.String())
	}
	return b.String()
}

// in names the file in every problem and sorts by position.
func (p Problems) in(file string) Problems {
	for i := range p {
		p[i].File = file
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return p
}

// clip shortens what a file said, for use in a message.
func clip(s string) string { return condition.Clip(s, 60) }
