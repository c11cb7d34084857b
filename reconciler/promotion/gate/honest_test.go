package gate

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// The tests here are those streams of the design's simulations in which nothing
// is wrong with the candidate.

// TestHonest: the chance that the evidence ever reaches x is 1/x at most (Ville),
// for all x, at any weight and rate.
func TestHonest(t *testing.T) {
	const streams, looks, requests = 150, 1000, 100
	for _, bad := range []float64{0.001, 0.01} {
		for _, weight := range []float64{0.01, 0.05, 0.25} {
			t.Run(fmt.Sprintf("%g%% bad, %g%% of traffic", 100*bad, 100*weight), func(t *testing.T) {
				t.Parallel()
				s := usual()
				s.Errors, s.Margin = 1e-6, 1
				var tops []float64
				failed := failures(streams, func(seed int) (failed bool) {
					x := newStream(seed, s)
					for x.weight(weight); x.looks < looks; {
						x.arrive(requests, bad, bad)
						failed = x.look() || failed
					}
					tops = append(tops, x.top)
					return failed
				})
				atMost(t, "failed", failed, streams, s.Alpha)
				for _, level := range []float64{2, 5, 10, 20, 50} {
					reached := 0
					for _, top := range tops {
						if top >= level {
							reached++
						}
					}
					atMost(t, fmt.Sprintf("evidence of %g", level), reached, streams, 1/level)
				}
			})
		}
	}
}

// TestBothBad: whatever both revisions go through together is no evidence
// against one.
func TestBothBad(t *testing.T) {
	const streams, step = 100, 1200 // 2 minutes
	steps := []float64{0.01, 0.05, 0.25, 0.5}
	tests := []struct {
		name string
		bad  func(x *stream, look int) float64 // within a step
	}{
		{"an outage half-way through each step", func(_ *stream, look int) float64 {
			if look < step/2 {
				return 0.002
			}
			return 0.03
		}},
		{"bursts", func(x *stream, look int) float64 {
			if look%300 < 20 {
				return 0.2
			}
			return 0.002
		}},
		{"70% errors", func(*stream, int) float64 { return 0.7 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := usual()
			s.Margin = 1
			atMost(t, "failed", failures(streams, func(seed int) bool {
				x := newStream(seed, s)
				for _, weight := range steps {
					x.weight(weight)
					for look := range step {
						bad := tt.bad(x, look)
						x.arrive(10, bad, bad)
						if x.look() {
							return true
						}
					}
				}
				return false
			}), streams, s.Alpha)
		})
	}
}

// TestOnePodAgainstTen: the rate of each pod wavers by half of itself every 30 s,
// and the candidate has one. The margin is for that.
func TestOnePodAgainstTen(t *testing.T) {
	t.Parallel()
	const streams, pods, deviation = 300, 11, 0.5
	sigma := math.Sqrt(math.Log1p(deviation * deviation))
	waver := func(x *stream) float64 { return 0.01 * math.Exp(sigma*x.NormFloat64()-sigma*sigma/2) }
	atMost(t, "failed", failures(streams, func(seed int) bool {
		x := newStream(seed, usual())
		x.weight(1.0 / pods)
		for range 33 {
			candidate, stable := waver(x), 0.0
			for range pods - 1 {
				stable += waver(x) / (pods - 1)
			}
			for range 30 {
				x.arrive(100, candidate, stable)
				if x.look() {
					return true
				}
			}
		}
		return false
	}), streams, 0.015)
}

// TestQuickErrors: errors come at once, good answers after 30 s. Counted as they
// end, a candidate that has just begun has answered nothing but errors.
func TestQuickErrors(t *testing.T) {
	t.Parallel()
	const streams, slow = 200, 300 // looks
	for _, weight := range []float64{0.05, 0.25} {
		fails := func(byEnd bool) func(seed int) bool {
			return func(seed int) bool {
				s := usual()
				s.Margin = 1
				x := newStream(seed, s)
				x.weight(weight)
				ending := make([][2]uint64, slow)
				for i := range ending { // stable has been there before
					ending[i][1] = 10
				}
				for x.looks < 600 {
					before := [2]Measured{x.candidate, x.stable}
					x.arrive(10, 0.01, 0.01)
					if byEnd {
						i := x.looks % slow
						for j, m := range []*Measured{&x.candidate, &x.stable} {
							bad := m.Bad - before[j].Bad
							good := m.Arrived - before[j].Arrived - bad
							m.Arrived = before[j].Arrived + bad + ending[i][j]
							ending[i][j] = good
						}
					}
					if x.look() {
						return true
					}
				}
				return false
			}
		}
		atMost(t, fmt.Sprintf("failed at %g%%", 100*weight), failures(streams, fails(false)), streams, 0.01)
		if failed := failures(streams, fails(true)); failed < streams/10 {
			t.Errorf("only %d of %d failed at %g%% where requests are counted as they end: the case is not hard", failed, streams, 100*weight)
		}
	}
}

// TestWeightDecreases: bad answers to requests of a time with more weight arrive
// when there is less. They are left out.
func TestWeightDecreases(t *testing.T) {
	t.Parallel()
	const streams, slow = 200, 200 // bad answers take 20 s
	fails := func(timeout time.Duration) func(seed int) bool {
		return func(seed int) bool {
			s := usual()
			s.Timeout = timeout
			x := newStream(seed, s)
			var ending [slow][2]uint64
			for x.looks < 1500 {
				x.weight(0.5)
				if x.looks >= 600 {
					x.weight(0.05)
				}
				candidate, stable := x.candidate.Bad, x.stable.Bad
				x.arrive(10, 0.01, 0.01)
				i := x.looks % slow
				ending[i][0], x.candidate.Bad = x.candidate.Bad-candidate, candidate+ending[i][0]
				ending[i][1], x.stable.Bad = x.stable.Bad-stable, stable+ending[i][1]
				if x.look() {
					return true
				}
			}
			return false
		}
	}
	atMost(t, "failed", failures(streams, fails(30*time.Second)), streams, 0.01)
	if failed := failures(streams, fails(0)); failed < streams/10 {
		t.Errorf("only %d of %d failed without a pause: the case is not hard", failed, streams)
	}
}

// TestSticky: one user in 100 always fails and comes 20 times. What is random is
// the user, so one that has had a bad answer counts no more.
func TestSticky(t *testing.T) {
	t.Parallel()
	const streams, users, requests = 100, 2000, 20
	for _, weight := range []float64{0.01, 0.05, 0.25} {
		fails := func(leave bool) func(seed int) bool {
			return func(seed int) bool {
				s := usual()
				s.Margin = 1
				x := newStream(seed, s)
				x.weight(weight)
				var on, bad, left [users]bool
				for u := range users {
					on[u], bad[u] = x.Float64() < weight, x.Float64() < 0.01
				}
				for range users * requests / 100 {
					for range 100 {
						u := x.IntN(users)
						if left[u] {
							continue
						}
						m := &x.stable
						if on[u] {
							m = &x.candidate
						}
						m.Arrived++
						if bad[u] {
							m.Bad++
							left[u] = leave
						}
					}
					if x.look() {
						return true
					}
				}
				return false
			}
		}
		atMost(t, fmt.Sprintf("failed at %g%%", 100*weight), failures(streams, fails(true)), streams, 0.01)
		if failed := failures(streams, fails(false)); failed < streams/10 {
			t.Errorf("only %d of %d failed at %g%% where users stay: the case is not hard", failed, streams, 100*weight)
		}
	}
}
