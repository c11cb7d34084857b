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
	// Logs are the logarithms of the likelihood ratios, each with what it was
	// given of the reserve.
	Logs [ratios]float64
	// Turn is how many times the reserve was drawn on.
	Turn uint64
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

// A tenth of the bet is a reserve for candidates that get worse later. Without
// it the time in which one did well would weigh against the evidence: after a
// day at 10% of the traffic and one bad answer a second, 4,800 bad answers were
// needed where now 15 are. Each turn is so many bad answers long, a turn that
// follows m others draws reserve/(m·(m+1)), and the tests go on with it as if
// they began then. What is drawn and what is left are the whole reserve at any
// time, so that the bet stays fair. It is the mixture over the time of a change
// that Shiryaev (1963) and Roberts (1966) use, with a prior for that time.
const (
	reserve = 0.1
	turn    = 4
)

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
	return min((1-reserve)*math.Exp(top)*sum/ratios+t.left(), most)
}

// left is what is left of the reserve.
func (t Test) left() float64 { return reserve / (1 + float64(t.Turn)) }

// draw gives all tests what the reserve is to have given after so many bad
// answers.
func (t *Test) draw(bad float64) {
	left := t.left()
	if t.Turn = max(t.Turn, uint64(min(bad, 1<<62)/turn)); t.left() == left {
		return
	}
	drawn := math.Log((left - t.left()) / (1 - reserve))
	for j, l := range t.Logs {
		t.Logs[j] = max(l, drawn) + math.Log1p(math.Exp(-math.Abs(l-drawn)))
	}
}

// P is a p-value that holds at any time: a candidate that is fine never comes
// below p with more than a probability of p.
func (t Test) P() float64 { return min(1, 1/t.E()) }

// compare adds a stratum in which both had requests.
func (t *Test) compare(candidate, stable sums, margin float64) {
	t.count(candidate, stable)
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
	t.draw(float64(t.Candidate.Bad) + float64(t.Stable.Bad))
}

// alone adds requests of the candidate of which a share of allowed may be bad.
func (t *Test) alone(candidate sums, allowed float64) {
	t.count(candidate, sums{})
	for j := range t.Logs {
		t.Logs[j] += float64(candidate.bad)*logPsi[j] - float64(candidate.requests)*math.Log1p((psi[j]-1)*allowed)
	}
	t.draw(float64(t.Candidate.Requests) * allowed)
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
