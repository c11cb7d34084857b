package backend

import "time"

// meter sums the time that requests spend in a pool without a clock for each:
// what n requests that have not ended have spent is n times now, less the sum
// of their starts. Guarded by Pool.mu.
type meter struct {
	arrivals uint64
	balance  time.Duration // ends of those that have ended, less all starts
}

var epoch = time.Now()

func (m *meter) arrived() { m.arrivals++ }
func (m *meter) begin()   { m.balance -= time.Since(epoch) }
func (m *meter) end()     { m.balance += time.Since(epoch) }

// busy is the sum for a pool with n requests that have not ended.
func (m *meter) busy(n int) time.Duration {
	return m.balance + time.Duration(n)*time.Since(epoch)
}
