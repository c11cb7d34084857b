package status

import (
	"fmt"
	"io"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
)

// barWidth is how many characters the evidence of a gate has.
const barWidth = 20

// writeTrials is a paragraph for each candidate and share: how far it is, what
// it waits for, and its gates.
func (v view) writeTrials(w io.Writer, trials []explain.Trial) {
	for _, t := range trials {
		kind := "Candidate"
		if t.Share {
			kind = "Share of " + v1alpha1.ShortRef(t.Ref)
		}
		_, _ = fmt.Fprintf(w, "%s %s\n", kind, v.paint.Bold(t.Line(v.now)))
		if t.Held != "" {
			_, _ = fmt.Fprintln(w, "  "+v.paint.Yellow("held: ")+cli.Printable(t.Held, 300))
		}
		if t.Waiting != "" {
			_, _ = fmt.Fprintln(w, "  waits "+cli.Printable(t.Waiting, 300))
		}
		v.gates(t.Gates).Write(w)
		_, _ = fmt.Fprintln(w)
	}
}

// gates are those of a trial, with both revisions' numbers beside each other and
// the evidence on its way to the limit.
func (v view) gates(gates []explain.Gate) cli.Grid {
	var g cli.Grid
	if len(gates) == 0 {
		return g
	}
	g.Header("  GATE", "VERDICT", "CANDIDATE", "LIVE", "EVIDENCE")
	for _, gate := range gates {
		evidence := cli.Printable(gate.Message, 200)
		if gate.Limit > 0 {
			evidence = gate.Bar(barWidth) + " " + gate.Amount()
		}
		colour := v.verdict(gate.Verdict)
		g.Row(cli.Plain("  "+gate.Name), cli.Coloured(string(gate.Verdict), colour), cli.Plain(cli.OrDash(gate.Candidate)),
			cli.Plain(cli.OrDash(gate.Stable)), cli.Coloured(evidence, colour))
	}
	return g
}

func (v view) verdict(verdict v1alpha1.Verdict) func(string) string {
	switch verdict {
	case v1alpha1.VerdictPassing:
		return v.paint.Green
	case v1alpha1.VerdictFailed:
		return v.paint.Red
	}
	return v.paint.Yellow
}
