// Package latency is the layout in which times of requests are counted: the
// activators count in it, their reports carry it, and the gates of a promotion
// decide by it.
package latency

import (
	"math"
	"time"
)

// Buckets is the number of counters. Counter i has the times up to Bound(i) and
// above the one before; the last one what is above Bound(Buckets-2), which is a
// little more than 60 s.
const Buckets = 129

// Bound is 1 ms · 2^(i/8): 9% from one to the next, which bounds the error of a
// quantile. These are also the bounds of Prometheus' native histograms of schema
// 3.
func Bound(i int) time.Duration {
	return time.Duration(math.Round(math.Exp2(float64(i)/8) * float64(time.Millisecond)))
}

var bounds = func() (b [Buckets - 1]time.Duration) {
	for i := range b {
		b[i] = Bound(i)
	}
	return b
}()

// Bucket is the index of the counter that has a time.
func Bucket(took time.Duration) int {
	if took <= bounds[0] {
		return 0
	}
	// Eight counters for each doubling: begin at the last power of two.
	_, doublings := math.Frexp(float64(took) / float64(time.Millisecond))
	i := max(8*(doublings-1)-1, 0)
	for i < len(bounds) && took > bounds[i] {
		i++
	}
	return min(i, len(bounds))
}

// Counts is how many times each counter has.
type Counts [Buckets]uint64
