package gate

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/latency"
)

// stream is the traffic of a trial, made up from a seed. Each look is a report
// and takes 100 ms.
type stream struct {
	*rand.Rand
	*Accumulator
	now               time.Time
	candidate, stable Measured
	looks             int
	logs              [2]float64 // some of those of the last report
	top               float64    // the largest evidence so far
}

func newStream(seed int, s Settings) *stream {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], uint64(seed))
	x := &stream{
		Rand: rand.New(rand.NewChaCha8(key)), Accumulator: New(s, Evidence{}), now: time.Unix(1_800_000_000, 0),
		candidate: Measured{Revision: "new"}, stable: Measured{Revision: "old", Weight: 10_000},
	}
	x.Add(x.now, x.candidate, x.stable)
	return x
}

// times draws times to the first byte: log-normal, with the median and p95 of the
// design's simulations, 50 and 186 ms, made longer by a factor.
type times [1 << 14]uint8

func newTimes(factor float64) *times {
	var t times
	sigma := math.Log(186.0/50) / 1.6449
	for i := range t {
		z := math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/float64(len(t))-1)
		t[i] = uint8(latency.Bucket(time.Duration(50 * factor * math.Exp(sigma*z) * float64(time.Millisecond))))
	}
	return &t
}

// time lets n requests come whose first bytes are there at once, after times
// drawn for each revision.
func (x *stream) time(n int, candidate, stable *times) {
	for range n {
		m, of := &x.stable, stable
		if x.Float64() < float64(x.candidate.Weight)/10_000 {
			m, of = &x.candidate, candidate
		}
		m.Timed++
		m.Times[of[x.Uint32()%uint32(len(of))]]++
	}
}

// weight gives the candidate a part of the traffic.
func (x *stream) weight(share float64) {
	x.candidate.Weight = int32(math.Round(10_000 * share))
	x.stable.Weight = 10_000 - x.candidate.Weight
}

// arrive lets n requests come, which are answered at once; a share of each
// revision's badly.
func (x *stream) arrive(n int, badCandidate, badStable float64) {
	candidate := x.binomial(n, float64(x.candidate.Weight)/10_000)
	stable := n - candidate
	x.candidate.Arrived += uint64(candidate)
	x.stable.Arrived += uint64(stable)
	x.candidate.Bad += uint64(x.binomial(candidate, badCandidate))
	x.stable.Bad += uint64(x.binomial(stable, badStable))
}

// look reports, and says whether the candidate has failed.
func (x *stream) look() bool {
	x.now = x.now.Add(shortest)
	x.looks++
	x.Add(x.now, x.candidate, x.stable)
	logs := [2]float64{x.evidence.Errors.Logs[0], x.evidence.Latency.Logs[0]}
	if logs == x.logs { // nothing that counts has happened
		return false
	}
	x.logs = logs
	e := max(x.evidence.Errors.E(), x.evidence.Latency.E())
	x.top = max(x.top, e)
	return e >= 1/x.settings.Alpha && x.evidence.Verdict(x.settings).State == Failed
}

// binomial draws how many of n are hit with probability p, by the gaps between
// them.
func (x *stream) binomial(n int, p float64) (hits int) {
	switch {
	case p <= 0:
		return 0
	case p >= 1:
		return n
	case p > 0.1:
		for range n {
			if x.Float64() < p {
				hits++
			}
		}
		return hits
	}
	scale := -1 / math.Log1p(-p)
	for at := x.ExpFloat64() * scale; at < float64(n); at = math.Floor(at) + 1 + x.ExpFloat64()*scale {
		hits++
	}
	return hits
}

// atMost fails the test if so many of n are more than a probability of p can
// explain: by more than three standard deviations.
func atMost(t *testing.T, what string, hits, n int, p float64) {
	t.Helper()
	if limit := p*float64(n) + 3*math.Sqrt(p*(1-p)*float64(n)); float64(hits) > limit {
		t.Errorf("%s: %d of %d, want %.1f at most", what, hits, n, limit)
	} else {
		t.Logf("%s: %d of %d", what, hits, n)
	}
}

// atLeast fails the test if so few of n are less than a probability of p can
// explain, where p itself was found by 1,000 tries.
func atLeast(t *testing.T, what string, hits, n int, p float64) {
	t.Helper()
	deviation := math.Sqrt(p * (1 - p) * (1/float64(n) + 1.0/1000))
	if limit := (p - 3*deviation) * float64(n); float64(hits) < limit {
		t.Errorf("%s: %d of %d, want %.1f at least", what, hits, n, limit)
	}
}

// failures counts the streams that fail.
func failures(streams int, fails func(seed int) bool) (failed int) {
	for seed := range streams {
		if fails(seed) {
			failed++
		}
	}
	return failed
}
