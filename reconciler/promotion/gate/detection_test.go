package gate

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// The tests here are those streams of the design's simulations in which the
// candidate is worse.

// quick reports whether enough of the streams were found by the requests of the
// candidate that the design's simulations needed, and a tenth more.
func quick(t *testing.T, streams, median, p95 int, detect func(seed int) (requests uint64)) {
	t.Helper()
	var byMedian, byP95 int
	all := make([]uint64, streams)
	for seed := range streams {
		all[seed] = detect(seed)
		requests := float64(all[seed])
		if requests <= 1.1*float64(median) {
			byMedian++
		}
		if requests <= 1.1*float64(p95) {
			byP95++
		}
	}
	slices.Sort(all)
	t.Logf("median %d, want %d; p95 %d, want %d", all[streams/2], median, all[streams*95/100], p95)
	atLeast(t, fmt.Sprintf("found by %d requests", median), byMedian, streams, 0.5)
	if p95 > 0 {
		atLeast(t, fmt.Sprintf("found by %d requests", p95), byP95, streams, 0.95)
	}
}

// TestDetectErrors: 100 requests/s, in reports of 100 ms.
func TestDetectErrors(t *testing.T) {
	tests := []struct {
		stable, candidate, weight, margin float64
		median, p95, streams              int
	}{
		{0.01, 0.05, 0.01, 1, 146, 392, 200},
		{0.01, 0.05, 0.05, 1, 167, 433, 300},
		{0.01, 0.05, 0.25, 1, 236, 607, 300},
		{0.005, 0.02, 0.01, 1, 474, 1250, 60},
		{0.005, 0.02, 0.05, 1, 548, 1411, 150},
		{0.005, 0.02, 0.25, 1, 759, 1795, 300},
		{0.001, 0.5, 0.01, 1, 4, 8, 300},
		{0.001, 0.5, 0.05, 1, 5, 11, 300},
		{0.001, 0.5, 0.25, 1, 10, 18, 300},
		{0.001, 1, 0.01, 1, 2, 3, 300},
		{0.001, 1, 0.05, 1, 2, 4, 300},
		{0.001, 1, 0.25, 1, 5, 9, 300},
		{0.01, 0.05, 0.25, 1.25, 328, 0, 300},
		{0.005, 0.02, 0.25, 1.25, 1038, 0, 300},
		{0.01, 0.03, 0.25, 1.25, 1118, 0, 300},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%g%% to %g%% at %g%%, margin %g", 100*tt.stable, 100*tt.candidate, 100*tt.weight, tt.margin), func(t *testing.T) {
			t.Parallel()
			quick(t, tt.streams, tt.median, tt.p95, func(seed int) uint64 {
				s := usual()
				s.Margin = tt.margin
				x := newStream(seed, s)
				x.weight(tt.weight)
				for x.arrive(10, tt.candidate, tt.stable); !x.look(); {
					x.arrive(10, tt.candidate, tt.stable)
				}
				return x.candidate.Arrived
			})
		})
	}
}

// TestDetectAlone: with the bound alone, at 0.5% it takes 461 requests to find 2%.
func TestDetectAlone(t *testing.T) {
	t.Parallel()
	quick(t, 300, 461, 1220, func(seed int) uint64 {
		s := usual()
		s.Against = false
		x := newStream(seed, s)
		x.weight(0.05)
		for x.arrive(10, 0.02, 0.005); !x.look(); {
			x.arrive(10, 0.02, 0.005)
		}
		return x.candidate.Arrived
	})
}

// TestDetectLate: a candidate that did well and then answers with errors only is
// found nearly as soon as one that always did, by so many bad answers.
func TestDetectLate(t *testing.T) {
	tests := []struct {
		name           string
		weight         float64
		looks, streams int // of 1,000 requests, 10 of them bad
		most           uint64
	}{
		{"6 minutes at 100 requests/s", 0.25, 36, 60, 25},
		{"an hour", 0.1, 360, 60, 20},
		{"a day", 0.1, 8640, 6, 25},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			late := failures(tt.streams, func(seed int) bool {
				x := newStream(seed, usual())
				x.weight(tt.weight)
				for range tt.looks {
					x.arrive(1000, 0.01, 0.01)
					if x.look() {
						return false
					}
				}
				before := x.candidate.Bad
				for x.arrive(10, 1, 0.01); !x.look(); {
					x.arrive(10, 1, 0.01)
				}
				return x.candidate.Bad-before > tt.most
			})
			atMost(t, fmt.Sprintf("more than %d bad answers", tt.most), late, tt.streams, 0.1)
		})
	}
}

// TestReserve: while nothing speaks for or against a candidate, what is drawn and
// what is left of the reserve stay what they were together.
func TestReserve(t *testing.T) {
	var x Test
	for _, bad := range []float64{0, 1, 4, 5, 1000, 1e9, 1e30} {
		if x.draw(bad); math.Abs(x.E()-1) > 1e-6 {
			t.Errorf("after %g bad answers evidence is %g, want 1", bad, x.E())
		}
	}
}

// TestDetectLatency: the p95 of times that are longer by a factor, 100 requests in
// each report, compared with the counter above stable's.
func TestDetectLatency(t *testing.T) {
	tests := []struct {
		factor, weight  float64
		median, streams int
	}{
		{1.5, 0.01, 310, 40}, {1.5, 0.05, 307, 150}, {1.5, 0.25, 502, 200},
		{2, 0.01, 62, 100}, {2, 0.05, 85, 200}, {2, 0.25, 174, 200},
	}
	same := newTimes(1)
	for _, tt := range tests {
		slow := newTimes(tt.factor)
		t.Run(fmt.Sprintf("%g times slower at %g%%", tt.factor, 100*tt.weight), func(t *testing.T) {
			t.Parallel()
			quick(t, tt.streams, tt.median, 0, func(seed int) uint64 {
				x := newStream(seed, latencyOnly())
				x.weight(tt.weight)
				for x.time(100, slow, same); !x.look(); {
					x.time(100, slow, same)
				}
				return x.candidate.Timed
			})
		})
	}
}

// latencyOnly are settings without a margin and with a bound that stable does
// not keep, so that the comparison decides.
func latencyOnly() Settings {
	s := usual()
	s.Errors, s.Margin, s.Latency = 0, 1, &Latency{Quantile: 95, Bound: 150 * time.Millisecond}
	return s
}

// TestHonestLatency: nothing has changed, or both get slower half-way through each
// step.
func TestHonestLatency(t *testing.T) {
	const streams, step = 60, 250
	same, slow := newTimes(1), newTimes(2)
	for _, half := range []int{step, step / 2} {
		t.Run(fmt.Sprintf("slower after %d looks of %d", half, step), func(t *testing.T) {
			t.Parallel()
			atMost(t, "failed", failures(streams, func(seed int) (failed bool) {
				x := newStream(seed, latencyOnly())
				for _, weight := range []float64{0.01, 0.05, 0.25, 0.5} {
					x.weight(weight)
					for look := range step {
						of := same
						if look >= half {
							of = slow
						}
						x.time(100, of, of)
						failed = x.look() || failed
					}
				}
				return failed
			}), streams, 0.01)
		})
	}
}

// TestFewRequests: with 10 requests/s each report has one, and none has requests
// of both revisions. Strata wait for both, or else 100% errors would never be
// found.
func TestFewRequests(t *testing.T) {
	t.Parallel()
	const streams = 100
	found := failures(streams, func(seed int) bool {
		x := newStream(seed, usual())
		for x.weight(0.25); x.looks < 600; { // a minute
			x.arrive(1, 1, 0.001)
			if x.look() {
				return true
			}
		}
		return false
	})
	if found != streams {
		t.Errorf("found in %d of %d streams", found, streams)
	}
}
