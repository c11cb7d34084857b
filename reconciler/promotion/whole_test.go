package promotion

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
)

// TestWholeCanaries sends made-up traffic through whole canaries, with the gate
// and the decisions as they are in production, at the defaults: steps 1, 5, 25
// and 50%, 2 minutes and 200 requests each, errors 0.5%, alpha 1%, margin 1.25.
// How many should get through was worked out by simulations apart from this code,
// of 1,000 canaries each; the tolerance is 3.5 deviations of the binomial
// distribution.
func TestWholeCanaries(t *testing.T) {
	for _, tc := range []struct {
		name              string
		rate              int     // requests each second
		stable, candidate float64 // the share of bad answers
		runs              int
		promoted          float64 // of the runs
		minutes           float64 // that those take on average
	}{
		{"good", 100, 0.001, 0.001, 200, 0.998, 9.3},
		{"good, with many errors on both", 100, 0.01, 0.01, 150, 0.992, 9.3},
		{"good, little traffic", 10, 0.001, 0.001, 40, 0.998, 44},
		{"ten times worse", 100, 0.001, 0.01, 100, 0, 0},
		{"20 times worse", 100, 0.001, 0.02, 60, 0, 0},
		{"50 times worse", 100, 0.001, 0.05, 60, 0, 0},
		{"50 times worse, little traffic", 10, 0.001, 0.05, 60, 0, 0},
		{"all bad, little traffic", 10, 0.001, 1, 60, 0, 0},
		{"twice as bad", 100, 0.01, 0.02, 100, 0.21, 0},
		{"ten times worse, little traffic", 10, 0.001, 0.01, 60, 0.30, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			promoted, took := 0, time.Duration(0)
			for seed := range tc.runs {
				c := newCanary(uint64(seed), tc.rate, tc.stable, tc.candidate)
				if c.live() {
					promoted++
					took += c.in.Now.Sub(epoch)
				}
			}
			n := float64(tc.runs)
			want, tolerance := n*tc.promoted, 3.5*math.Sqrt(n*max(tc.promoted*(1-tc.promoted), 0.001))
			if got := float64(promoted); math.Abs(got-want) > max(tolerance, 1) {
				t.Errorf("%d of %d were promoted, want %.0f and at most %.0f more or less", promoted, tc.runs, want, tolerance)
			}
			if minutes := took.Minutes() / float64(max(promoted, 1)); tc.minutes > 0 && math.Abs(minutes-tc.minutes) > tc.minutes/10 {
				t.Errorf("took %.1f minutes, want %.1f", minutes, tc.minutes)
			}
		})
	}
}

// canary is one, with its traffic.
type canary struct {
	*rand.Rand
	in         Input
	gates      *gate.Accumulator
	settings   gate.Settings
	stable     gate.Measured
	candidate  gate.Measured
	rate       int
	bad, worse float64
}

func newCanary(seed uint64, rate int, stable, candidate float64) *canary {
	rule := v1alpha1.Rule{
		Canary: &v1alpha1.Canary{Steps: []int32{100, 500, 2500, 5000}},
		Gates:  &v1alpha1.Gates{Errors: 5000, MinRequests: 200},
	}
	rule.Canary.Every.Duration = 2 * time.Minute
	c := &canary{
		Rand: rand.New(rand.NewPCG(seed, 1)), rate: rate, bad: stable, worse: candidate,
		settings:  gate.From(rule.Gates, 30*time.Second),
		stable:    gate.Measured{Revision: "a", Weight: v1alpha1.Whole},
		candidate: gate.Measured{Revision: "b"},
		in: Input{
			App: "shop", Production: Head{Ref: "refs/heads/main", Revision: "b", Rule: rule}, History: []string{"b", "a"}, Now: epoch,
			Serving:   []v1alpha1.TrafficTarget{{Revision: "a", Weight: v1alpha1.Whole}},
			Revisions: map[string]Revision{"a": {Ready: true}, "b": {Ready: true, Carries: v1alpha1.Whole}},
		},
	}
	c.gates = gate.New(c.settings, gate.Evidence{})
	return c
}

// live plays the canary, report by report, and says whether it takes all of the
// traffic in the end. One that is neither there nor back after a day stays where
// it is.
func (c *canary) live() bool {
	var next, told time.Time
	state := gate.Waiting
	for c.in.Now.Before(epoch.Add(24 * time.Hour)) {
		c.report()
		verdict := c.gates.Evidence().Verdict(c.settings).State
		if verdict == state && c.in.Now.Sub(told) < 5*time.Second && (next.IsZero() || c.in.Now.Before(next)) {
			continue
		}
		d := c.decide()
		if next = (time.Time{}); d.Next > 0 {
			next = c.in.Now.Add(d.Next)
		}
		told, state = c.in.Now, verdict
		if Live(d.Traffic) == "b" {
			return true
		}
		if role(d.Roles, "b").Role == v1alpha1.RoleQuarantined {
			return false
		}
	}
	return false
}

// report lets a second pass.
func (c *canary) report() {
	c.in.Now = c.in.Now.Add(time.Second)
	c.candidate.Weight = weight(c.in.Serving, "b")
	c.stable.Weight = v1alpha1.Whole - c.candidate.Weight
	for range c.rate {
		m, p := &c.stable, c.bad
		if c.Int32N(v1alpha1.Whole) < c.candidate.Weight {
			m, p = &c.candidate, c.worse
		}
		m.Arrived++
		if c.Float64() < p {
			m.Bad++
		}
	}
	c.gates.Add(c.in.Now, c.candidate, c.stable)
}

func (c *canary) decide() Decision {
	evidence := c.gates.Evidence()
	step := int32(0)
	if len(c.in.Trials) > 0 {
		step = c.in.Trials[0].Step
	}
	c.in.Readings = map[string]Reading{"b": {Gates: evidence.Status(c.settings), Requests: int64(evidence.Step.Requests), Step: step}}
	d := Plan(c.in)
	c.in = after(c.in, d)
	if len(d.Trials) > 0 && d.Trials[0].Step != step {
		c.gates.NextStep()
	}
	return d
}
