// Package stats counts the requests of each revision and shows the counts to
// Prometheus. Counting takes a few atomic additions and no lock; labels are
// bounded by the revisions that exist.
package stats

import (
	"sync/atomic"
	"time"
)

// Bounds of the latency histogram in seconds. The lower ones tell the
// activator's own share apart, the upper ones reach the longest sensible
// request timeout.
var Bounds = [...]float64{
	0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
}

// Counters of one revision. The zero value is ready to use.
type Counters struct {
	classes  [6]atomic.Uint64               // by status / 100; 0 is a client that went away
	buckets  [len(Bounds) + 1]atomic.Uint64 // not cumulative; the last is +Inf
	nanos    atomic.Int64                   // sum of durations
	ended    atomic.Uint64                  // that a pod had
	bad      atomic.Uint64                  // of those
	retries  atomic.Uint64
	waits    atomic.Uint64
	waitTime atomic.Int64
}

// Observe counts a finished request: its status (0 if the client went away
// before an answer) and the time from its head to the end of its response.
func (c *Counters) Observe(status int, took time.Duration) {
	class := status / 100
	if class < 0 || class > 5 {
		class = 5
	}
	c.classes[class].Add(1)
	c.buckets[bucket(took)].Add(1)
	c.nanos.Add(int64(took))
}

// Answers is how the requests that pods had have ended: all of them, and those
// with a status of 5xx.
type Answers struct{ Ended, Bad uint64 }

// Ended counts the end of a request that a pod had, with the status that the
// client got. One that the client ended itself tells nothing about the app.
func (c *Counters) Ended(status int) {
	if status < 100 {
		return
	}
	c.ended.Add(1)
	if status >= 500 {
		c.bad.Add(1)
	}
}

// Answers returns the sums of Ended.
func (c *Counters) Answers() Answers {
	bad := c.bad.Load() // first, so that it is never more than all
	return Answers{Ended: c.ended.Load(), Bad: bad}
}

// Retried counts a request that went to another pod because the first refused
// the connection.
func (c *Counters) Retried() { c.retries.Add(1) }

// Waited counts a request that waited for a pod.
func (c *Counters) Waited(took time.Duration) {
	c.waits.Add(1)
	c.waitTime.Add(int64(took))
}

func bucket(took time.Duration) int {
	seconds := took.Seconds()
	for i, bound := range Bounds {
		if seconds <= bound {
			return i
		}
	}
	return len(Bounds)
}
