package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/latency"
)

// State is what evidence says about a candidate.
type State int

const (
	// Waiting: too few requests in this step to go on. It is never a reason to
	// fail.
	Waiting State = iota
	// Passing: nothing speaks against the next step.
	Passing
	// Doubtful: probably worse than it may be, so no next step now.
	Doubtful
	// Failed: worse than it may be, or its budget is spent.
	Failed
)

func (s State) String() string {
	return [...]string{"Waiting", "Passing", "Doubtful", "Failed"}[s]
}

// Verdict is what follows from evidence.
type Verdict struct {
	State State
	// Message says why, in one sentence without an end: "12 of 200 requests".
	Message string
}

// doubt is the evidence from which on a candidate that is also above its bound
// gets no more traffic.
const doubt = 10

// Verdict of the evidence. It does not say whether the time of a step has passed.
func (e Evidence) Verdict(s Settings) Verdict {
	if s.Budget > 0 && e.Bad >= s.Budget {
		return Verdict{Failed, fmt.Sprintf("its budget of %s is spent", plural(s.Budget, "bad answer"))}
	}
	readings := e.Readings(s)
	for _, state := range []State{Failed, Doubtful} {
		var why []string
		for _, r := range readings {
			if r.State == state {
				why = append(why, r.String())
			}
		}
		if why != nil {
			return Verdict{state, strings.Join(why, "; ")}
		}
	}
	if e.Step.Requests < s.MinRequests {
		return Verdict{Waiting, fmt.Sprintf("%s of %s", grouped(e.Step.Requests), plural(s.MinRequests, "request"))}
	}
	var all []string
	for _, r := range readings {
		all = append(all, r.String())
	}
	return Verdict{Passing, strings.Join(all, "; ")}
}

// errorsGate is the name of the gate of errors.
const errorsGate = "errors"

// gate is the name of the gate: p95.
func (l Latency) gate() string { return "p" + strconv.Itoa(l.Quantile) }

// Reading is one gate and how the candidate does by it.
type Reading struct {
	// Gate is its key in headway.yaml: "errors", "p95".
	Gate string
	// State is never Waiting.
	State State
	// E fails the candidate from Needed on, if Share is above Bound as well.
	E, Needed    float64
	Share, Bound float64
	// Candidate and Stable are what was judged. Stable is empty without a
	// comparison.
	Candidate, Stable Counts
	// CandidateQuantile and StableQuantile are those of the gate's quantile, as
	// the bound of the counter in which they are, up to 9% too long; 0: not
	// known, or no gate of latency.
	CandidateQuantile, StableQuantile time.Duration
	// Slow and StableSlow are from when on a request of either counts as slow;
	// 0: not known yet, or no gate of latency.
	Slow, StableSlow time.Duration
	test             Test
}

// Readings of all gates of s, which share alpha: the evidence that each needs is
// the number of gates divided by alpha.
func (e Evidence) Readings(s Settings) (readings []Reading) {
	if s.Errors > 0 {
		readings = append(readings, Reading{Gate: errorsGate, Bound: s.Errors}.with(e.Errors))
	}
	if s.Latency != nil {
		r := Reading{Gate: s.Latency.gate(), Bound: s.Latency.allowed()}.with(e.Latency)
		r.CandidateQuantile, r.StableQuantile = quantileBound(e.Latency.CandidateAt), quantileBound(e.Latency.StableAt)
		if candidate, stable, known := s.thresholds(e.Latency); known {
			r.Slow, r.StableSlow = latency.Bound(candidate), latency.Bound(stable)
		}
		readings = append(readings, r)
	}
	for i := range readings {
		readings[i].Needed = float64(len(readings)) / s.Alpha
		readings[i].State = readings[i].state()
	}
	return readings
}

func (r Reading) with(t Test) Reading {
	r.test, r.E, r.Share = t, t.E(), share(t.Over, t.Candidate.Requests)
	r.Candidate, r.Stable = t.Candidate, t.Stable
	return r
}

func (r Reading) state() State {
	switch {
	case r.Share <= r.Bound || r.E < min(doubt, r.Needed):
		return Passing
	case r.E < r.Needed:
		return Doubtful
	}
	return Failed
}

// String says it in one sentence without an end: "errors: 4.1% of 812 requests,
// stable 0.3% of 15,400; evidence 132 of 100".
func (r Reading) String() string {
	if r.Gate != errorsGate && r.Slow == 0 {
		return fmt.Sprintf("%s: not compared before stable has had %s", r.Gate, plural(enough, "request"))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %s%s", r.Gate, percent(r.Candidate.Share()), plural(r.Candidate.Requests, "request"), slower(r.Slow))
	if r.Stable.Requests > 0 {
		fmt.Fprintf(&b, ", stable %s of %s%s", percent(r.Stable.Share()), grouped(r.Stable.Requests), slower(r.StableSlow))
	}
	fmt.Fprintf(&b, "; evidence %s of %s", number(r.E), number(r.Needed))
	return b.String()
}

func slower(than time.Duration) string {
	if than == 0 {
		return ""
	}
	return " slower than " + short(than)
}

func quantileBound(at int) time.Duration {
	if at == 0 {
		return 0
	}
	return latency.Bound(at - 1)
}

// short leaves out digits that the counters do not know.
func short(d time.Duration) string {
	unit := time.Millisecond / 10
	for d >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit).String()
}

// percent with two digits: 4.1%, 0.03%, 100%.
func percent(share float64) string {
	digits := 2
	if share >= 0.995 {
		digits = 3
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(100*share, 'g', digits, 64), 64)
	return strconv.FormatFloat(rounded, 'f', -1, 64) + "%"
}

// number of evidence: to the tenth while it is small.
func number(e float64) string {
	switch {
	case e >= most:
		return "more than " + grouped(most)
	case e < 10:
		return strconv.FormatFloat(math.Round(10*e)/10, 'f', -1, 64)
	}
	return grouped(uint64(e))
}

func plural(n uint64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}

// grouped writes 15,400.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
