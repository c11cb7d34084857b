package gate

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/latency"
)

// trial feeds an accumulator by hand.
type trial struct {
	*Accumulator
	now               time.Time
	candidate, stable Measured
}

func newTrial(s Settings) *trial {
	x := &trial{
		Accumulator: New(s, Evidence{}), now: time.Unix(1_800_000_000, 0),
		candidate: Measured{Revision: "new", Weight: 500}, stable: Measured{Revision: "old", Weight: 9500},
	}
	x.report(0)
	return x
}

func (x *trial) report(after time.Duration) {
	x.now = x.now.Add(after)
	x.Add(x.now, x.candidate, x.stable)
}

// arrive lets requests of both come, of which so many have bad answers.
func (x *trial) arrive(candidate, bad, stable, badStable uint64) {
	x.candidate.Arrived, x.candidate.Bad = x.candidate.Arrived+candidate, x.candidate.Bad+bad
	x.stable.Arrived, x.stable.Bad = x.stable.Arrived+stable, x.stable.Bad+badStable
}

// TestStrata tells in small steps what is compared.
func TestStrata(t *testing.T) {
	const tick = 100 * time.Millisecond
	tests := []struct {
		name              string
		settings          func(*Settings)
		do                func(*trial)
		candidate, stable Counts // that are judged
		wantBad, wantStep uint64
	}{
		{name: "both had requests", do: func(x *trial) {
			x.arrive(2, 1, 30, 3)
			x.report(tick)
			x.arrive(1, 0, 10, 0)
			x.report(tick)
		}, candidate: Counts{3, 1}, stable: Counts{40, 3}, wantBad: 1, wantStep: 3},
		{name: "users who have had a bad answer are no evidence, and spend the budget", do: func(x *trial) {
			x.arrive(2, 1, 30, 3)
			x.candidate.Again = 4
			x.report(tick)
		}, candidate: Counts{2, 1}, stable: Counts{30, 3}, wantBad: 5, wantStep: 2},
		{name: "a report that comes at once is no stratum", do: func(x *trial) {
			x.arrive(2, 1, 30, 3)
			x.report(tick / 2)
		}, wantBad: 1},
		{name: "it waits for a request of the candidate", do: func(x *trial) {
			for range 50 {
				x.arrive(0, 0, 1, 1)
				x.report(tick)
			}
			x.arrive(1, 1, 0, 0)
			x.report(tick)
		}, candidate: Counts{1, 1}, stable: Counts{50, 50}, wantBad: 1, wantStep: 1},
		{name: "it waits a minute at most", do: func(x *trial) {
			x.arrive(0, 0, 50, 9)
			x.report(time.Minute)
			x.arrive(1, 1, 0, 0)
			x.report(tick)
		}, wantBad: 1},
		{name: "sums that fall begin anew", do: func(x *trial) {
			x.arrive(2, 1, 30, 3)
			x.report(tick)
			x.stable.Arrived, x.stable.Bad = 5, 5
			x.candidate.Bad++
			x.report(tick)
			x.arrive(1, 0, 10, 1)
			x.report(tick)
		}, candidate: Counts{3, 1}, stable: Counts{40, 4}, wantBad: 1, wantStep: 3},
		{name: "times that fall begin anew", do: func(x *trial) {
			x.stable.Times[40] = 9
			x.arrive(2, 1, 30, 3)
			x.report(tick)
			x.stable.Times[40] = 8
			x.arrive(2, 1, 30, 3)
			x.report(tick)
		}, candidate: Counts{2, 1}, stable: Counts{30, 3}, wantBad: 1, wantStep: 2},
		{name: "another stable revision, and a pause", do: func(x *trial) {
			x.arrive(2, 1, 30, 3)
			x.report(tick)
			x.stable.Revision = "other"
			x.arrive(1, 0, 1000, 1000)
			x.report(tick)
			x.arrive(1, 1, 10, 0)
			x.report(x.settings.Timeout - tick)
			x.arrive(1, 0, 10, 0)
			x.report(tick)
		}, candidate: Counts{3, 1}, stable: Counts{40, 3}, wantBad: 2, wantStep: 3},
		{name: "the clock was put back", do: func(x *trial) {
			x.arrive(2, 1, 30, 3)
			x.report(-time.Hour)
			x.arrive(1, 0, 10, 0)
			x.report(tick)
		}, candidate: Counts{1, 0}, stable: Counts{10, 0}, wantBad: 1, wantStep: 1},
		{name: "more weight, no pause", do: func(x *trial) {
			x.candidate.Weight, x.stable.Weight = 2500, 7500
			x.arrive(2, 1, 30, 3)
			x.report(tick)
		}, candidate: Counts{2, 1}, stable: Counts{30, 3}, wantBad: 1, wantStep: 2},
		{name: "less weight, a pause of one timeout", do: func(x *trial) {
			x.candidate.Weight, x.stable.Weight = 100, 9900
			for range 300 { // 30 s
				x.arrive(2, 1, 30, 3)
				x.report(tick)
			}
			x.arrive(1, 0, 10, 0)
			x.report(tick)
		}, candidate: Counts{1, 0}, stable: Counts{10, 0}, wantBad: 300, wantStep: 1},
		{name: "stable gets more beside a share", do: func(x *trial) {
			x.stable.Weight = 4000
			x.arrive(2, 1, 30, 3)
			x.report(tick) // another candidate began
			x.stable.Weight = 9500
			x.arrive(2, 1, 30, 3)
			x.report(tick) // and failed
		}, candidate: Counts{2, 1}, stable: Counts{30, 3}, wantBad: 2, wantStep: 2},
		{name: "alone, each report counts", settings: func(s *Settings) { s.Against = false }, do: func(x *trial) {
			x.arrive(2, 1, 0, 0)
			x.report(0)
			x.candidate.Weight = 100
			x.arrive(3, 1, 100, 100)
			x.report(0)
		}, candidate: Counts{5, 2}, wantBad: 2, wantStep: 5},
		{name: "more than a number can be", do: func(x *trial) {
			const all = math.MaxUint64
			for range 2 {
				x.candidate.Arrived, x.candidate.Bad, x.stable.Arrived, x.stable.Bad = 0, 0, 0, 0
				x.report(tick)
				x.arrive(all, all, all, all)
				x.report(tick)
			}
		}, candidate: Counts{math.MaxUint64, math.MaxUint64}, stable: Counts{math.MaxUint64, math.MaxUint64},
			wantBad: math.MaxUint64, wantStep: math.MaxUint64},
		{name: "the next step counts anew", do: func(x *trial) {
			x.arrive(2, 1, 30, 3)
			x.report(tick)
			x.NextStep()
			x.arrive(1, 0, 10, 0)
			x.report(tick)
		}, candidate: Counts{3, 1}, stable: Counts{40, 3}, wantBad: 1, wantStep: 1},
	}
	for _, tt := range tests {
		s := usual()
		if tt.settings != nil {
			tt.settings(&s)
		}
		x := newTrial(s)
		tt.do(x)
		e := x.Evidence()
		got := []any{e.Errors.Candidate, e.Errors.Stable, e.Bad, e.Step.Requests}
		want := []any{tt.candidate, tt.stable, tt.wantBad, tt.wantStep}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: candidate, stable, bad answers, step (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestFormula works out a stratum of each form by hand.
func TestFormula(t *testing.T) {
	s := usual()
	x := newTrial(s)
	x.arrive(20, 2, 80, 1)
	x.report(time.Second)
	s.Against = false
	alone := newTrial(s)
	alone.arrive(20, 2, 80, 1)
	alone.report(time.Second)
	const theta = 1.25 * 0.2 / (0.8 + 1.25*0.2)
	sum, sumAlone := reserve, reserve
	for j := range ratios {
		psi := 1.5 * math.Pow(1000/1.5, float64(j)/15)
		once := 1 - theta + psi*theta
		sum += psi * psi / (once * once * once) / ratios * (1 - reserve)
		sumAlone += psi * psi / math.Pow(1-0.005+psi*0.005, 20) / ratios * (1 - reserve)
	}
	for _, c := range []struct{ got, want float64 }{{x.Evidence().Errors.E(), sum}, {alone.Evidence().Errors.E(), sumAlone}} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("evidence %g, want %g", c.got, c.want)
		}
	}
	if p := x.Evidence().Errors.P(); math.Abs(p-1/sum) > 1e-9 {
		t.Errorf("p %g, want %g", p, 1/sum)
	}
	if e, p := (Test{}).E(), (Test{Logs: level(0.5)}).P(); e != 1 || p != 1 {
		t.Errorf("evidence of nothing is %g, p of half is %g, want 1 and 1", e, p)
	}
}

// slowTrial has known times of stable: 200 of 40 ms and 20 of 100 ms.
func slowTrial(quantile int) *trial {
	s := usual()
	s.Errors, s.Latency = 0, &Latency{Quantile: quantile, Bound: 50 * time.Millisecond}
	x := newTrial(s)
	x.candidate.Timed, x.stable.Timed = 1, 220
	x.candidate.Times[latency.Bucket(40*time.Millisecond)] = 1
	x.stable.Times[latency.Bucket(40*time.Millisecond)] = 200
	x.stable.Times[latency.Bucket(100*time.Millisecond)] = 20
	x.report(time.Second)
	return x
}

// TestHangs: requests of a candidate that never answers are slow once they are
// older than what is slow for stable.
func TestHangs(t *testing.T) {
	x := slowTrial(90)
	if e := x.Evidence(); e.Latency.Candidate.Requests != 0 || e.Latency.StableAt != latency.Bucket(40*time.Millisecond)+1 {
		t.Fatalf("judged %+v before the quantile of stable was known", e.Latency)
	}
	x.candidate.Timed += 8
	x.candidate.Waiting[latency.Bucket(30*time.Millisecond)] = 8
	x.stable.Timed += 100
	x.stable.Times[latency.Bucket(10*time.Millisecond)] += 90
	x.stable.Times[latency.Bucket(100*time.Millisecond)] += 10
	x.report(time.Second)
	if got := x.Evidence().Latency; got.Candidate != (Counts{8, 0}) || got.Stable != (Counts{100, 10}) {
		t.Errorf("candidate %v, stable %v; those that wait are not old yet", got.Candidate, got.Stable)
	}
	x.candidate.Timed++
	x.stable.Timed += 20
	x.candidate.Waiting = latency.Counts{}
	x.candidate.Waiting[latency.Bucket(time.Minute)] = 8
	x.report(time.Second)
	if got := x.Evidence().Latency; got.Candidate != (Counts{9, 8}) || got.Over != 8 {
		t.Errorf("candidate %v, %d over the bound; want 8 of 9 and 8", got.Candidate, got.Over)
	}
	x.candidate.Timed++
	x.stable.Timed += 20
	x.candidate.Waiting = latency.Counts{} // they end at last
	x.candidate.Times[latency.Buckets-1] += 8
	x.report(time.Second)
	if got := x.Evidence().Latency; got.Candidate != (Counts{10, 8}) {
		t.Errorf("candidate %v; what is slow counts once", got.Candidate)
	}
	if v := x.Evidence().Verdict(x.settings); v.State != Failed {
		t.Errorf("%v", v)
	}
}

// TestOneCounterLater: a candidate that is slower than stable by one counter is
// not slow, but by its own bound it may be.
func TestOneCounterLater(t *testing.T) {
	for _, later := range []int{1, 2} {
		x := slowTrial(90)
		at := latency.Bucket(40*time.Millisecond) + later
		x.candidate.Timed, x.stable.Timed = x.candidate.Timed+50, x.stable.Timed+100
		x.candidate.Times[at] += 50
		x.stable.Times[at] += 10
		x.report(time.Second)
		got := x.Evidence().Latency
		if want := (Counts{50, uint64(50 * (later - 1))}); got.Candidate != want || got.Stable != (Counts{100, 10}) {
			t.Errorf("%d later: candidate %v, stable %v; want %v and 10 of 100", later, got.Candidate, got.Stable, want)
		}
	}
}

// TestLatencyAlone: the bound decides, rounded up to that of its counter.
func TestLatencyAlone(t *testing.T) {
	s := usual()
	s.Errors, s.Against, s.Latency = 0, false, &Latency{Quantile: 95, Bound: 300 * time.Millisecond}
	x := newTrial(s)
	x.candidate.Timed = 100
	x.candidate.Times[latency.Bucket(300*time.Millisecond)] = 80
	x.candidate.Times[latency.Bucket(300*time.Millisecond)+1] = 20
	x.report(0)
	v := x.Evidence().Verdict(s)
	if want := "p95: 20% of 100 requests slower than 304ms; evidence 96,151 of 100"; v.State != Failed || v.Message != want {
		t.Errorf("%s: %q, want %q", v.State, v.Message, want)
	}
}
