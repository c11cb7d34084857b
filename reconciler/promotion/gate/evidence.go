package gate

import "math"

// Evidence is what the strata of a trial say so far. The zero value is that of
// a trial that begins. It can be copied, and kept as text.
type Evidence struct {
	// Errors and Latency are the tests. Errors are counted also where they are
	// not judged.
	Errors, Latency Test
	// Bad are all bad answers of the candidate since its trial began, judged or
	// not.
	Bad uint64
	// Step are the judged requests of the candidate in the present step.
	Step Counts
}

// Test is one test.
type Test struct {
	// Rule is what is tested. Evidence for one rule says nothing about another.
	Rule string
	// Logs are the logarithms of the likelihood ratios.
	Logs [ratios]float64
	// Candidate and Stable are what was judged. What was not compared is not in
	// them, as requests while only one of both had some.
	Candidate, Stable Counts
	// Over are the requests of the candidate that were bad, or slower than the
	// bound of the gate.
	Over uint64
	// CandidateAt and StableAt are the counters in which the quantiles of both
	// are, 1 being the first; 0: not known. What is slow is told by StableAt.
	CandidateAt, StableAt int
}

// Counts are requests, and those of them that were bad, or slow.
type Counts struct{ Requests, Bad uint64 }

// Share of the requests that was bad; 0 without any.
func (c Counts) Share() float64 { return share(c.Bad, c.Requests) }

func share(bad, requests uint64) float64 {
	if requests == 0 {
		return 0
	}
	return float64(bad) / float64(requests)
}

// ratios is the number of likelihood ratios; ψ_j = 1.5·(1000/1.5)^(j/15).
const ratios = 16

var psi, logPsi = func() (psi, log [ratios]float64) {
	for j := range psi {
		psi[j] = 1.5 * math.Pow(1000/1.5, float64(j)/(ratios-1))
		log[j] = math.Log(psi[j])
	}
	return psi, log
}()

// most bounds E, so that it stays a number that people can read.
const most = 1e9

// E is the evidence: a fair bet against the candidate would have made so much of
// 1. It is 1 at the start and 1e9 at most.
func (t Test) E() float64 {
	top := t.Logs[0]
	for _, l := range t.Logs {
		top = max(top, l)
	}
	sum := 0.0
	for _, l := range t.Logs {
		sum += math.Exp(l - top)
	}
	return min(math.Exp(top)*sum/ratios, most)
}

// P is a p-value that holds at any time: a candidate that is fine never comes
// below p with more than a probability of p.
func (t Test) P() float64 { return min(1, 1/t.E()) }

// compare adds a stratum in which both had requests.
func (t *Test) compare(candidate, stable sums, margin float64) {
	bad := float64(candidate.bad) + float64(stable.bad)
	if bad == 0 {
		return
	}
	// Whose would a bad answer be, if the candidate were just as bad as it may?
	n := margin * float64(candidate.requests)
	theta := n / (n + float64(stable.requests))
	for j := range t.Logs {
		t.Logs[j] += float64(candidate.bad)*logPsi[j] - bad*math.Log1p((psi[j]-1)*theta)
	}
}

// alone adds requests of the candidate of which a share of allowed may be bad.
func (t *Test) alone(candidate sums, allowed float64) {
	for j := range t.Logs {
		t.Logs[j] += float64(candidate.bad)*logPsi[j] - float64(candidate.requests)*math.Log1p((psi[j]-1)*allowed)
	}
}

// count adds what was judged.
func (t *Test) count(candidate, stable sums) {
	t.Candidate = t.Candidate.plus(candidate)
	t.Stable = t.Stable.plus(stable)
	t.Over = plus(t.Over, candidate.over)
}

func (c Counts) plus(s sums) Counts {
	return Counts{Requests: plus(c.Requests, s.requests), Bad: plus(c.Bad, s.bad)}
}
