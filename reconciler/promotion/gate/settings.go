package gate

import (
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Settings are what a candidate is judged by.
type Settings struct {
	// Errors is the share of bad answers that is always fine, 0 to 1; 0: errors
	// are counted and not judged.
	Errors float64
	// Latency is how slow answers may be; nil: it is not judged.
	Latency *Latency
	// Against says that a candidate fails only if it is also worse than stable.
	Against bool
	// MinRequests of the candidate are needed within a step before the next one.
	MinRequests uint64
	// Budget is the number of bad answers that fails a candidate whatever else
	// is known; 0: there is none.
	Budget uint64
	// Alpha bounds the probability that a candidate that is fine fails, by all
	// gates together and in all of its trial; above 0.
	Alpha float64
	// Margin is how many times worse than stable is still fine, 1 or more.
	Margin float64
	// Timeout is the longest that a request to either revision takes to be
	// answered. After a decrease of the candidate's weight nothing is compared
	// for so long.
	Timeout time.Duration
}

// Latency is a bound of a quantile: "p95: 300ms" is "not more than 5% take
// longer than 300 ms".
type Latency struct {
	// Quantile is in percent: 50, 90, 95 or 99.
	Quantile int
	// Bound is rounded up to the next bound of package latency, by 9% at most.
	Bound time.Duration
}

// The defaults of what a rule leaves open.
const (
	defaultAlpha  = 0.01
	defaultMargin = 1.25
)

// From are the settings of a rule's gates, for revisions that are to answer
// within timeout. Without gates nothing is judged.
func From(gates *v1alpha1.Gates, timeout time.Duration) Settings {
	s := Settings{Alpha: defaultAlpha, Margin: defaultMargin, Timeout: timeout}
	if gates == nil {
		return s
	}
	const million = 1e6
	s.Errors = float64(gates.Errors) / million
	if gates.Quantile > 0 {
		s.Latency = &Latency{Quantile: int(gates.Quantile), Bound: gates.Within.Duration}
	}
	s.Against = !gates.Alone
	s.MinRequests = uint64(max(0, gates.MinRequests))
	s.Budget = uint64(max(0, gates.Budget))
	if gates.Alpha > 0 {
		s.Alpha = float64(gates.Alpha) / million
	}
	if gates.Margin >= 100 {
		s.Margin = float64(gates.Margin) / 100
	}
	return s
}
