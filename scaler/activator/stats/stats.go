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
	// FirstByte has the times of the requests that weights have split.
	FirstByte report.Histogram

	split, direct tally
	took          report.Histogram // from the head to the end of the response, of all
	nanos         atomic.Int64     // sum of took
	retries       atomic.Uint64
	waits         atomic.Uint64
	waitTime      atomic.Int64
}

type tally struct {
	arrived atomic.Uint64
	ended   [report.Endings]atomic.Uint64
}

func (c *Counters) of(split bool) *tally {
	if split {
		return &c.split
	}
	return &c.direct
}

// Arrived counts a request that begins.
func (c *Counters) Arrived(split bool) { c.of(split).arrived.Add(1) }

// Observe counts a request that has ended.
func (c *Counters) Observe(o record.Outcome) {
	if o.Split && o.FirstByte > 0 && o.Own == "" {
		c.FirstByte.Observe(o.FirstByte) // before the tally, which tells of news
	}
	c.took.Observe(o.Took)
	c.nanos.Add(int64(o.Took))
	c.of(o.Split).ended[ending(o)].Add(1)
}

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

// Tallies returns the sums, of requests that weights have split and of those
// that came by a host of the revision itself.
func (c *Counters) Tallies() (split, direct report.Tally) { return c.split.load(), c.direct.load() }

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
	c.waits.Add(1)
	c.waitTime.Add(int64(took))
}
