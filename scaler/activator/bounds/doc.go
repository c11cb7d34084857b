// Package bounds keeps what requests hold of the process within what there is:
// bytes, above what every connection has anyway, and connections. Both are
// shared fairly among apps, so that what one app's clients do costs another app
// nothing but the rest of the machine.
//
// It promises that what is held in all stays below the totals, whatever clients
// and apps send. It does not bound what a request needs for a moment only, the
// collector's garbage, nor what routing tables and metrics need, which the
// number of revisions bounds.
package bounds

import (
	"math"
	"runtime/debug"
	"syscall"
)

// Budget is what one process has for all its requests.
type Budget struct {
	// Bytes are for heads and bodies that are kept, beyond what a connection
	// has anyway.
	Bytes *Pool
	// Conns are for connections.
	Conns *Conns
}

const (
	// defaultLimit is GOMEMLIMIT in deploy/base/activator.yaml.
	defaultLimit = 900 << 20
	// The rest is the collector's, the tables', and what moves.
	bytesPercent, connsPercent = 20, 45
)

// New divides the process's memory limit (GOMEMLIMIT). Of connections there are
// no more than half as many as the process may have open files, as each may
// need one to a pod.
func New() *Budget {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		limit = defaultLimit
	}
	units := limit / 100 * connsPercent / Unit
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil && files.Cur/2 < uint64(units) {
		units = int64(files.Cur / 2)
	}
	return Of(limit/100*bytesPercent, units)
}

// Of makes a Budget of so many bytes, and units of connections.
func Of(bytes, units int64) *Budget {
	pool := NewPool(bytes)
	return &Budget{Bytes: pool, Conns: &Conns{pool: NewPool(units), bytes: pool, seats: map[*Seat]struct{}{}}}
}
