package report

import (
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/api/latency"
)

// Ending is how a request ended. 1 to 5 are the app's own answers, by the class
// of their status.
type Ending uint8

// The others. Broken and Late are answers of the activator about the app; NoPod
// and ClientFault tell nothing about it.
const (
	// ClientLeft before an answer.
	ClientLeft Ending = 0
	// GRPCFailed is an app's gRPC status of 2, 4, 12, 13, 14 or 15, whatever it
	// says over HTTP.
	GRPCFailed = iota + 5
	// Broken: the app closed the connection, or did not speak HTTP (502).
	Broken
	// Late: the app did not begin to answer in time (504).
	Late
	// NoPod: none came up in time, too many requests wait, or the revision is
	// gone or cannot start (503).
	NoPod
	// ClientFault: the body stalled or was malformed (408, 400).
	ClientFault
	// Endings is their number.
	Endings
)

// Tally counts requests: those that have arrived, and how those have ended that
// have.
type Tally struct {
	Arrived uint64          `json:"arrived,omitempty"`
	Ended   [Endings]uint64 `json:"ended,omitzero"`
}

// Answered is how many the app has answered, or should have.
func (t Tally) Answered() (n uint64) {
	for _, m := range t.Ended[1 : Late+1] {
		n += m
	}
	return n
}

// Bad reports whether such an end counts against the app.
func (e Ending) Bad() bool {
	switch e {
	case 5, GRPCFailed, Broken, Late:
		return true
	}
	return false
}

// Bad is how many count against the app.
func (t Tally) Bad() (n uint64) {
	for e, m := range t.Ended {
		if Ending(e).Bad() {
			n += m
		}
	}
	return n
}

// plus adds how far a sum has grown.
func (t Tally) plus(now, before Tally) Tally {
	t.Arrived += now.Arrived - before.Arrived
	for i := range t.Ended {
		t.Ended[i] += now.Ended[i] - before.Ended[i]
	}
	return t
}

// Histogram counts times. The zero value is ready to use, by several goroutines.
type Histogram struct {
	counts [latency.Buckets]atomic.Uint64
}

// Observe counts a time.
func (h *Histogram) Observe(took time.Duration) { h.counts[latency.Bucket(took)].Add(1) }

// Load reads the counters.
func (h *Histogram) Load() (l latency.Counts) {
	for i := range h.counts {
		l[i] = h.counts[i].Load()
	}
	return l
}

// Measured is what activators have counted for one revision.
//
// Of a Route with sticky users, each counts for a trial until the first bad
// answer: that is in Split, what comes after it in Repeat. Two answers to one
// user that are bad at the same time are there as well, although both requests
// arrived in Split. A time counts once for each user, and in the revision that
// takes whom no other has once in each step; so Timed may be less than
// Split.Arrived.
type Measured struct {
	// Split are the requests that a Route's weights have sent to the revision, a
	// random sample of all; Direct those that came by a host of its own, by a
	// match, or as copies.
	Split, Repeat, Direct Tally
	// Timed is how many have arrived whose time to the first byte counts.
	Timed uint64
	// FirstByte is from the moment when the app had such a request to the start
	// of its response, or to when the time was up or the client left; without
	// the wait for a pod and for the client's body.
	FirstByte latency.Counts
	// Waiting are those that wait for the first byte now, by their age so far, of
	// revisions that share their traffic with others.
	Waiting latency.Counts
}
