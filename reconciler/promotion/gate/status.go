package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// budgetGate is the name of the budget in the status.
const budgetGate = "budget"

// Status is the evidence as the App has it: one gate each for errors, latency
// and the budget, as far as s has them. Recall reads it back.
func (e Evidence) Status(s Settings) (gates []v1alpha1.GateStatus) {
	for _, r := range e.Readings(s) {
		text, err := r.test.MarshalText()
		if err != nil {
			panic(err) // it has none
		}
		g := v1alpha1.GateStatus{
			Name: r.Gate, Verdict: e.verdict(s, r.State), Message: r.String(),
			Evidence: decimal(r.E), Limit: decimal(r.Needed), State: string(text),
			Candidate: tally(r.Candidate, r.CandidateQuantile.Microseconds()),
		}
		if s.Against {
			g.Stable = tally(r.Stable, r.StableQuantile.Microseconds())
		}
		gates = append(gates, g)
	}
	if s.Budget > 0 {
		state := Passing
		if e.Bad >= s.Budget {
			state = Failed
		}
		gates = append(gates, v1alpha1.GateStatus{
			Name: budgetGate, Verdict: e.verdict(s, state), State: strconv.FormatUint(e.Bad, 10),
			Message: fmt.Sprintf("%s of %s", grouped(e.Bad), plural(s.Budget, "bad answer")),
		})
	}
	return gates
}

// verdict of one gate, in the words of the API.
func (e Evidence) verdict(s Settings, state State) v1alpha1.Verdict {
	if state == Passing && e.Step.Requests < s.MinRequests {
		state = Waiting
	}
	return [...]v1alpha1.Verdict{
		Waiting: v1alpha1.VerdictWaiting, Passing: v1alpha1.VerdictPassing, Doubtful: v1alpha1.VerdictDoubtful, Failed: v1alpha1.VerdictFailed,
	}[state]
}

// Recall is the evidence that a trial's status has, with the requests of its
// present step. What it cannot read is left out: that costs evidence, and never
// counts against the candidate. It is for New, which leaves out what tests
// something else.
func Recall(t *v1alpha1.Trial) (e Evidence) {
	e.Step.Requests = uint64(max(0, t.Requests))
	for _, g := range t.Gates {
		var test Test
		switch {
		case g.Name == budgetGate:
			e.Bad, _ = strconv.ParseUint(g.State, 10, 64)
		case test.UnmarshalText([]byte(g.State)) != nil || !strings.HasPrefix(test.Rule, g.Name+":"):
		case g.Name == errorsGate:
			e.Errors = test
		default:
			e.Latency = test
		}
	}
	return e
}

func tally(c Counts, micros int64) *v1alpha1.Tally {
	return &v1alpha1.Tally{
		Requests: int64(min(c.Requests, math.MaxInt64)), Bad: int64(min(c.Bad, math.MaxInt64)), Micros: micros,
	}
}

// decimal with two digits behind the point at most.
func decimal(e float64) string { return strconv.FormatFloat(math.Round(100*e)/100, 'f', -1, 64) }
