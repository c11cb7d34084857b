package explain

import (
	"math"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestBar(t *testing.T) {
	for _, c := range []struct {
		evidence, limit, bar, amount string
	}{
		{"1", "100", "[          ]", "1.0 of 100"},
		{"0.0001", "100", "[          ]", "0.0 of 100"},
		{"10", "100", "[#####     ]", "10 of 100"},
		{"99.9", "100", "[######### ]", "100 of 100"},
		{"100", "100", "[##########]", "100 of 100"},
		{"3e40", "100", "[##########]", "3e+40 of 100"},
		{"+Inf", "100", "[##########]", "+Inf of 100"},
		{"NaN", "100", "", ""},
		{"much", "100", "", ""},
		{"5", "", "", ""},
		{"5", "1", "", ""},
	} {
		g := forGate(&v1alpha1.GateStatus{Evidence: c.evidence, Limit: c.limit})
		if g.Bar(10) != c.bar || g.Amount() != c.amount {
			t.Errorf("%s of %s: %q %q, want %q %q", c.evidence, c.limit, g.Bar(10), g.Amount(), c.bar, c.amount)
		}
		if f := g.Filled(); math.IsNaN(f) || f < 0 || f > 1 {
			t.Errorf("%s of %s fills %v", c.evidence, c.limit, f)
		}
	}
}

func TestTally(t *testing.T) {
	for want, tally := range map[string]*v1alpha1.Tally{
		"":               nil,
		"no request":     {},
		"0% of 15,400":   {Requests: 15400},
		"0.41% of 1,220": {Requests: 1220, Bad: 5},
		"4.1% of 1,220":  {Requests: 1220, Bad: 50},
		"41% of 122":     {Requests: 122, Bad: 50},
		"100% of 3":      {Requests: 3, Bad: 3},
		"182ms":          {Requests: 3, Micros: 182112},
		"1.82s":          {Requests: 3, Micros: 1821120},
		"912µs":          {Requests: 3, Micros: 912},
	} {
		if got := tallyText(tally); got != want {
			t.Errorf("%+v: %q, want %q", tally, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	for want, d := range map[string]time.Duration{"0s": 0, "300ms": 300 * time.Millisecond, "2m": 2 * time.Minute, "10m": 10 * time.Minute, "1m30s": 90 * time.Second, "24h": 24 * time.Hour, "1h30m": 90 * time.Minute, "1h0m5s": time.Hour + 5*time.Second} {
		if got := Span(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for want, n := range map[string]int64{"0": 0, "999": 999, "1,000": 1000, "15,400": 15400, "1,234,567": 1234567, "-999": -999, "-15,400": -15400} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
