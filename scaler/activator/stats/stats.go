// Package stats counts the requests of each revision and shows the counts to
// Prometheus. Counting takes a few atomic additions and no lock; labels are
// bounded by the revisions that exist.
package stats

import (
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/report"
)

// Counters of one revision. The zero value is ready to use.
type Counters struct {
	// FirstByte has the times of the requests that Timed counts.
	FirstByte report.Histogram

	tallies  [record.Kinds]tally
	timed    atomic.Uint64
	waits    waits
	took     report.Histogram // from the head to the end of the response, of all
	nanos    atomic.Int64     // sum of took
	retries  atomic.Uint64
	queued   atomic.Uint64
	queuedIn atomic.Int64 // time
}

type tally struct {
	arrived atomic.Uint64
	ended   [report.Endings]atomic.Uint64
}

// Arrived counts a request that begins; timed is whether its time to the first
// byte will count.
func (c *Counters) Arrived(as record.Kind, timed bool) {
	if timed {
		c.timed.Add(1)
	}
	c.tallies[as].arrived.Add(1)
}

// Observe counts a request that has ended.
func (c *Counters) Observe(o record.Outcome) {
	if o.FirstByte > 0 {
		c.FirstByte.Observe(o.FirstByte) // before the tally, which tells of news
	}
	c.took.Observe(o.Took)
	c.nanos.Add(int64(o.Took))
	c.tallies[o.Kind].ended[ending(o)].Add(1)
}

// Bad reports whether a request's end counts against the app.
func Bad(o record.Outcome) bool { return ending(o).Bad() }

func ending(o record.Outcome) report.Ending {
	switch {
	case o.Status == 0:
		return report.ClientLeft
	case o.Own == record.Broken:
		return report.Broken
	case o.Own == record.Late:
		return report.Late
	case o.Own == record.Stalled, o.Own == record.BadBody:
		return report.ClientFault
	case o.Own != "":
		return report.NoPod
	case record.GRPCFailed(o.GRPC):
		return report.GRPCFailed
	}
	return report.Ending(max(1, min(o.Status/100, 5)))
}

// Tally returns the sums of the requests of a kind.
func (c *Counters) Tally(of record.Kind) report.Tally { return c.tallies[of].load() }

// Timed is how many requests have arrived whose time to the first byte counts.
func (c *Counters) Timed() uint64 { return c.timed.Load() }

func (t *tally) load() (sum report.Tally) {
	for i := range t.ended { // first, so that these are never more than have arrived
		sum.Ended[i] = t.ended[i].Load()
	}
	sum.Arrived = t.arrived.Load()
	return sum
}

// Retried counts a request that went to another pod because the first refused
// the connection.
func (c *Counters) Retried() { c.retries.Add(1) }

// Waited counts a request that waited for a pod.
func (c *Counters) Waited(took time.Duration) {
	c.queued.Add(1)
	c.queuedIn.Add(int64(took))
}
