package gate

import "time"

// A stratum has at least one report of each activator, and is dropped when one
// of both has had no request for so long.
const (
	shortest = 100 * time.Millisecond
	longest  = time.Minute
)

// Accumulator gathers the evidence of one trial. It is not safe for concurrent
// use.
type Accumulator struct {
	settings Settings
	evidence Evidence

	begun             bool // at least one report was there
	candidate, stable Measured
	paused            time.Time // nothing is compared before

	errors stratum
	timing timing
}

// stratum is a time in which rates are taken to be the same.
type stratum struct {
	since             time.Time
	candidate, stable sums // when it began
}

// sums of a test: requests, those that are bad or slow, and those that are
// beyond the bound of the gate.
type sums struct{ requests, bad, over uint64 }

func (s sums) since(before sums) sums {
	return sums{minus(s.requests, before.requests), minus(s.bad, before.bad), minus(s.over, before.over)}
}

// New begins a trial, or goes on with one of which evidence was kept. Evidence
// for rules other than those of the settings is left out.
func New(s Settings, kept Evidence) *Accumulator {
	a := &Accumulator{settings: s, evidence: kept}
	if rule := s.errorsRule(); kept.Errors.Rule != rule {
		a.evidence.Errors = Test{Rule: rule}
	}
	if rule := s.latencyRule(); kept.Latency.Rule != rule {
		a.evidence.Latency = Test{Rule: rule}
	}
	return a
}

// Evidence so far.
func (a *Accumulator) Evidence() Evidence { return a.evidence }

// NextStep begins to count for the next step of the candidate.
func (a *Accumulator) NextStep() { a.evidence.Step = Counts{} }

// Add takes a report: what both revisions have measured at one time, read
// together and after all of an activator's report. The first one is where
// counting begins, so it is to come before the candidate gets its weight.
func (a *Accumulator) Add(now time.Time, candidate, stable Measured) {
	others := a.begun && (candidate.Revision != a.candidate.Revision || stable.Revision != a.stable.Revision)
	anew := !a.begun || others || candidate.fell(&a.candidate) || stable.fell(&a.stable)
	if !anew {
		bad := plus(candidate.Bad-a.candidate.Bad, candidate.Again-a.candidate.Again)
		a.evidence.Bad = plus(a.evidence.Bad, bad)
	}
	if others || a.begun && a.decreased(&candidate, &stable) {
		a.paused = now.Add(a.settings.Timeout)
	}
	a.begun, a.candidate, a.stable = true, candidate, stable
	if anew || a.settings.Against && now.Before(a.paused) {
		a.open(now)
		return
	}
	a.judgeErrors(now)
	if a.settings.Latency != nil {
		a.judgeLatency(now)
	}
}

// decreased reports whether the candidate's part of what goes to both is smaller
// than before. Bad answers to its requests of then would be compared with the
// requests of now, of which it gets fewer. Another stable revision may have had
// fewer requests until now, which comes to the same.
func (a *Accumulator) decreased(candidate, stable *Measured) bool {
	return int64(candidate.Weight)*int64(a.stable.Weight) < int64(a.candidate.Weight)*int64(stable.Weight)
}

// open begins all strata, and leaves out what came before.
func (a *Accumulator) open(now time.Time) {
	a.openErrors(now)
	if a.settings.Latency != nil {
		a.openLatency(now)
	}
}

func (a *Accumulator) openErrors(now time.Time) {
	a.errors = stratum{now, errorSums(&a.candidate), errorSums(&a.stable)}
}

func errorSums(m *Measured) sums { return sums{m.Arrived, m.Bad, m.Bad} }

func (a *Accumulator) judgeErrors(now time.Time) {
	candidate := errorSums(&a.candidate).since(a.errors.candidate)
	stable := errorSums(&a.stable).since(a.errors.stable)
	switch a.closes(now, a.errors, candidate, stable) {
	case goesOn:
		return
	case closed:
		a.evidence.Step = a.evidence.Step.plus(candidate)
		a.judge(&a.evidence.Errors, candidate, stable, a.settings.Errors)
	}
	a.openErrors(now)
}

// judge adds a stratum to a test.
func (a *Accumulator) judge(t *Test, candidate, stable sums, allowed float64) {
	if a.settings.Against {
		t.compare(candidate, stable, a.settings.Margin)
	} else {
		t.alone(candidate, allowed)
	}
}

// end is what becomes of a stratum.
type end int

const (
	goesOn end = iota
	closed
	dropped
)

// closes says whether a stratum ends with this report. A candidate that is
// compared with nobody is judged at each.
func (a *Accumulator) closes(now time.Time, s stratum, candidate, stable sums) end {
	age := now.Sub(s.since)
	switch {
	case !a.settings.Against:
		return closed
	case age < 0: // the clock was put back
		return dropped
	case age >= shortest && candidate.requests > 0 && stable.requests > 0:
		return closed
	case age >= longest:
		return dropped
	}
	return goesOn
}
