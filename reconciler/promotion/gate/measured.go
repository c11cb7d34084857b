package gate

import (
	"math"

	"github.com/headway-dev/headway/api/latency"
)

// Measured is what is known of one revision at one time. The numbers are sums,
// apart from Weight and Waiting; one that is smaller than before says that they
// began anew.
//
// They count the requests of the split only: none to hosts of a revision, none
// that a header or cookie led, no mirrored copies; with sticky users none of a
// bucket that has had a bad answer.
type Measured struct {
	// Revision is whose numbers they are. Those of another one begin anew, after
	// a pause.
	Revision string
	// Weight is its part of the traffic in basis points.
	Weight int32
	// Arrived counts the requests, Bad the answers that count against the app,
	// including those that never came.
	Arrived, Bad uint64
	// Again counts the bad answers to users who have had one before. They are no
	// evidence, and spend the budget.
	Again uint64
	// Timed counts the arrivals whose time to the first byte is counted in Times
	// once that is there.
	Timed uint64
	// Times are to the first byte.
	Times latency.Counts
	// Waiting are the ages of those of Timed that wait for it now.
	Waiting latency.Counts
}

// slower counts what took longer than the bound of counter i, or waits longer.
func (m *Measured) slower(i int) (n uint64) {
	for j := i + 1; j < len(m.Times); j++ {
		n = plus(n, plus(m.Times[j], m.Waiting[j]))
	}
	return n
}

// fell reports whether a sum is smaller than it was.
func (m *Measured) fell(before *Measured) bool {
	if m.Arrived < before.Arrived || m.Bad < before.Bad || m.Again < before.Again || m.Timed < before.Timed {
		return true
	}
	if m.Times == before.Times { // as in most reports
		return false
	}
	for i, n := range m.Times {
		if n < before.Times[i] {
			return true
		}
	}
	return false
}

// plus adds, and stays at the largest number rather than begin anew.
func plus(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// minus subtracts, and stays at 0.
func minus(a, b uint64) uint64 { return a - min(a, b) }
