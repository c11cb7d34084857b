package gate

import "time"

// Settings are what a candidate is judged by.
type Settings struct {
	// Errors is the share of bad answers that is always fine, 0 to 1; nil:
	// errors are counted and not judged.
	Errors *float64
	// Latency is how slow answers may be; nil: it is not judged.
	Latency *Latency
	// Against says that a candidate fails only if it is also worse than stable.
	Against bool
	// MinRequests of the candidate are needed within a step before the next one.
	MinRequests uint64
	// Budget is the number of bad answers that fails a candidate whatever else
	// is known; 0: there is none.
	Budget uint64
	// Alpha is the probability at most of failing a candidate that is fine, by
	// all gates together and in all of its trial; above 0.
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
	// Bound is rounded up to the next bound of Latencies, by 9% at most.
	Bound time.Duration
}
