package gate

import (
	"time"

	"github.com/headway-dev/headway/api/latency"
)

// enough requests of stable tell its quantile well enough to compare with it.
const enough = 200

// timing is the test of the times. Against stable a candidate's request is slow
// above the counter after that in which stable's quantile is, 9% later: only
// what is slower by more than that counts as worse. The quantile is that of
// strata that are judged already, so that the test does not choose its threshold
// by what it judges.
//
// When the threshold moves, requests that wait between the old and the new one
// may count twice or not at all. They are few, and of both revisions alike.
type timing struct {
	stratum
	candidateThen, stableThen     latency.Counts // the times when the stratum began
	candidateJudged, stableJudged latency.Counts // those of judged strata
}

// thresholds are the counters above which requests of either count as slow.
func (s Settings) thresholds(t Test) (candidate, stable int, known bool) {
	at := t.StableAt - 1
	switch {
	case !s.Against:
		at = latency.Bucket(s.Latency.Bound)
		return at, at, true
	case at < 0:
		return 0, 0, false
	}
	return at + 1, at, true
}

func (a *Accumulator) latencySums() (candidate, stable sums) {
	slowCandidate, slowStable, _ := a.settings.thresholds(a.evidence.Latency)
	limit := latency.Bucket(a.settings.Latency.Bound)
	return sums{a.candidate.Timed, a.candidate.slower(slowCandidate), a.candidate.slower(limit)},
		sums{a.stable.Timed, a.stable.slower(slowStable), a.stable.slower(limit)}
}

func (a *Accumulator) openLatency(now time.Time) {
	candidate, stable := a.latencySums()
	a.timing.stratum = stratum{now, candidate, stable}
	a.timing.candidateThen, a.timing.stableThen = a.candidate.Times, a.stable.Times
}

func (a *Accumulator) judgeLatency(now time.Time) {
	candidate, stable := a.latencySums()
	candidate, stable = candidate.since(a.timing.candidate), stable.since(a.timing.stable)
	switch a.closes(now, a.timing.stratum, candidate, stable) {
	case goesOn:
		return
	case closed:
		if _, _, known := a.settings.thresholds(a.evidence.Latency); known {
			a.judge(&a.evidence.Latency, candidate, stable, a.settings.Latency.allowed())
		}
		a.learn()
	}
	a.openLatency(now)
}

// learn reads the quantiles anew, with the times of the stratum that has just
// been judged. Those that were kept hold until enough is known again.
func (a *Accumulator) learn() {
	l, t := &a.timing, &a.evidence.Latency
	grow(&l.candidateJudged, &a.candidate.Times, &l.candidateThen)
	grow(&l.stableJudged, &a.stable.Times, &l.stableThen)
	q := a.settings.Latency.Quantile
	if at, n := quantile(&l.candidateJudged, q); n >= enough || t.CandidateAt == 0 && n > 0 {
		t.CandidateAt = at + 1
	}
	if at, n := quantile(&l.stableJudged, q); n >= enough {
		t.StableAt = at + 1
	}
}

func grow(sum, now, before *latency.Counts) {
	for i := range sum {
		sum[i] = plus(sum[i], minus(now[i], before[i]))
	}
}

// quantile is the first counter up to which the given percent of all are, and
// how many all are.
func quantile(l *latency.Counts, percent int) (at int, all uint64) {
	for _, n := range l {
		all = plus(all, n)
	}
	need := float64(all) * float64(percent) / 100
	sum := 0.0
	for i, n := range l {
		if sum += float64(n); sum >= need {
			return i, all
		}
	}
	return len(l) - 1, all
}

// allowed is the share of requests that may take longer than the bound.
func (l Latency) allowed() float64 { return float64(100-l.Quantile) / 100 }
