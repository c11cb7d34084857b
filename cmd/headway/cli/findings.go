package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/headway-dev/headway/api/explain"
)

// State is the word of a state, in the colour of how much it matters.
func (p Paint) State(s explain.State) Cell { return Coloured(s.Word, p.severity(s.Severity)) }

func (p Paint) severity(s explain.Severity) func(string) string {
	switch s {
	case explain.Good:
		return p.Green
	case explain.Failed:
		return p.Red
	case explain.Obsolete:
		return p.Dim
	}
	return p.Yellow
}

// WriteFindings prints an empty line, and then a paragraph for each finding, with
// the text that says what to change. Names have their namespaces where namespaces
// is true.
func WriteFindings(w io.Writer, p Paint, findings []explain.Finding, namespaces bool) {
	if len(findings) > 0 {
		_, _ = fmt.Fprintln(w)
	}
	for _, f := range findings {
		name := f.Name
		if namespaces {
			name = f.Namespace + "/" + name
		}
		_, _ = fmt.Fprintf(w, "%s %s: %s\n", f.Kind, p.Bold(name), p.severity(f.Severity)(f.Reason))
		for line := range strings.SplitSeq(strings.Trim(f.Text+"\n"+f.Remedy, "\n"), "\n") {
			_, _ = fmt.Fprintln(w, "  "+Printable(line, 1000))
		}
	}
}
