package gate

import "time"

// enough requests of stable tell its quantile well enough to compare with it.
const enough = 200

// latency is the test of the times. Against stable a candidate's request is slow
// above the counter after that in which stable's quantile is, 9% later: only
// what is slower by more than that counts as worse. The quantile is that of
// strata that are judged already, so that the test does not choose its threshold
// by what it judges.
//
// When the threshold moves, requests that wait between the old and the new one
// may count twice or not at all. They are few, and of both revisions alike.
type latency struct {
	stratum
	beginning                     [2]Latencies // the times when the stratum began
	candidateJudged, stableJudged Latencies    // the times of judged strata
}

// thresholds are the counters above which requests of either count as slow.
func (s Settings) thresholds(t Test) (candidate, stable int, known bool) {
	at := t.StableAt - 1
	switch {
	case !s.Against:
		at = counter(s.Latency.Bound)
		return at, at, true
	case at < 0:
		return 0, 0, false
	}
	return at + 1, at, true
}

func (a *Accumulator) latencySums() (candidate, stable sums) {
	slowCandidate, slowStable, _ := a.settings.thresholds(a.evidence.Latency)
	limit := counter(a.settings.Latency.Bound)
	return sums{a.candidate.Timed, a.candidate.slower(slowCandidate), a.candidate.slower(limit)},
		sums{a.stable.Timed, a.stable.slower(slowStable), a.stable.slower(limit)}
}

func (a *Accumulator) openLatency(now time.Time) {
	candidate, stable := a.latencySums()
	a.latency.stratum = stratum{now, candidate, stable}
	a.latency.beginning = [2]Latencies{a.candidate.Times, a.stable.Times}
}

func (a *Accumulator) judgeLatency(now time.Time) {
	candidate, stable := a.latencySums()
	candidate, stable = candidate.since(a.latency.candidate), stable.since(a.latency.stable)
	switch a.closes(now, a.latency.stratum, candidate, stable) {
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
	l, t := &a.latency, &a.evidence.Latency
	grow(&l.candidateJudged, &a.candidate.Times, &l.beginning[0])
	grow(&l.stableJudged, &a.stable.Times, &l.beginning[1])
	q := a.settings.Latency.Quantile
	if at, n := quantile(&l.candidateJudged, q); n >= enough || t.CandidateAt == 0 && n > 0 {
		t.CandidateAt = at + 1
	}
	if at, n := quantile(&l.stableJudged, q); n >= enough {
		t.StableAt = at + 1
	}
}

func grow(sum, now, before *Latencies) {
	for i := range sum {
		sum[i] = plus(sum[i], minus(now[i], before[i]))
	}
}

// quantile is the first counter up to which the given percent of all are, and
// how many all are.
func quantile(l *Latencies, percent int) (at int, all uint64) {
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
