// Package report carries what activators measure to those who decide by it: the
// autoscalers, and the controller, which watches how new revisions do.
//
// Each activator holds one stream to each of them, the leader and those that
// stand by, so that a new leader knows the load already. A stream is one
// HTTP request without end, POST /v1/reports, whose body is a line of JSON
// every 100 ms, and at once when a queue fills; a line with nothing to say is
// the sign of life. Only revisions that are busy or have changed are named.
//
// It promises that nothing is counted twice: sums start at zero with each
// stream. What happened while no stream was open is not told later; only the
// requests that are still there are.
//
// It decides nothing and knows no Kubernetes.
package report

import (
	"errors"
	"math"
	"time"

	"github.com/headway-dev/headway/api/latency"
)

// Path of the endpoint that takes reports.
const Path = "/v1/reports"

const (
	// identityHeader names the activator.
	identityHeader = "Headway-Activator"
	// silence ends a stream whose other side does not move any more.
	silence = 5 * time.Second
	// longestLine bounds a frame: some 50,000 revisions.
	longestLine = 8 << 20
)

// Key names a revision.
type Key struct {
	Namespace, Name string
}

// Sample is what an activator knows of one revision. The sums begin whenever
// the activator likes; Requests starting at less than before means that they
// began anew.
type Sample struct {
	Key
	// InFlight and Queued are the requests in pods, and those that wait for
	// one.
	InFlight, Queued int
	// Requests is the sum of the requests that have arrived.
	Requests uint64
	// Split, Repeat, Direct and Timed are sums, FirstByte are times, Waiting is
	// now; see Measured. FirstByte and Waiting may be nil.
	Split, Repeat, Direct Tally
	Timed                 uint64
	FirstByte             *Histogram
	Waiting               *latency.Counts
	// Busy is the sum of the time that requests have spent in the activator so
	// far, those that have not ended included. It can be had without a clock
	// per change: n*now - (sum of the starts of the n requests that have not
	// ended) + (sum of the durations of those that have).
	Busy time.Duration
	// Pods are the requests in flight in each pod that has some. They may be
	// left out while there is one pod.
	Pods []Pod
}

// Pod is a pod and its requests in flight.
type Pod struct {
	// Name of the Pod object.
	Name     string `json:"name"`
	InFlight int    `json:"inFlight"`
}

// frame is one line of a stream.
type frame struct {
	Revisions []entry `json:"revisions,omitempty"`
}

// entry is a revision in a frame. Requests, BusyMicros, the Tallies and Timed
// count from the start of the stream. FirstByte and Waiting are pairs of a
// counter's index and how far it has grown since the frame before, or its value.
type entry struct {
	Namespace  string      `json:"namespace"`
	Name       string      `json:"name"`
	InFlight   int         `json:"inFlight,omitempty"`
	Queued     int         `json:"queued,omitempty"`
	Requests   uint64      `json:"requests,omitempty"`
	BusyMicros int64       `json:"busyMicros,omitempty"`
	Split      Tally       `json:"split,omitzero"`
	Repeat     Tally       `json:"repeat,omitzero"`
	Direct     Tally       `json:"direct,omitzero"`
	Timed      uint64      `json:"timed,omitempty"`
	FirstByte  [][2]uint64 `json:"firstByte,omitempty"`
	Waiting    [][2]uint64 `json:"waiting,omitempty"`
	Pods       []Pod       `json:"pods,omitempty"`
	// Gone says that the activator does not know the revision any more.
	Gone bool `json:"gone,omitempty"`
}

// newsAfter reports whether e says something that before did not: requests are
// there, or something has changed.
func (e entry) newsAfter(before entry) bool {
	return e.InFlight > 0 || e.Queued > 0 || before.InFlight > 0 || before.Queued > 0 ||
		e.Requests != before.Requests || e.BusyMicros != before.BusyMicros || e.Timed != before.Timed ||
		e.Split != before.Split || e.Repeat != before.Repeat || e.Direct != before.Direct
}

func (e entry) check() error {
	if e.Namespace == "" || e.Name == "" {
		return errors.New("a revision without a name")
	}
	if e.InFlight < 0 || e.Queued < 0 || e.BusyMicros < 0 || e.BusyMicros > math.MaxInt64/1000 {
		return errors.New("a number out of range")
	}
	for _, pairs := range [][][2]uint64{e.FirstByte, e.Waiting} {
		for i, pair := range pairs {
			if i >= latency.Buckets || pair[0] >= latency.Buckets {
				return errors.New("a number out of range")
			}
		}
	}
	for _, pod := range e.Pods {
		if pod.InFlight < 0 {
			return errors.New("a number out of range")
		}
	}
	return nil
}
