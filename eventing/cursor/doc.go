// Package cursor keeps the places of subscriptions in their channels: what is
// done with, what is to be tried again and when, and how much was delivered. All
// are in one file of go.etcd.io/bbolt.
//
// It promises: what was recorded before Flush is on disk when Flush returns, and
// everything is some 50 milliseconds later; a crash loses only what was recorded
// in the last group, so only those events are delivered twice. The place of a
// removed subscription is kept for v1alpha1.CursorKept, and goes on under the
// same name. Memory is bounded: see Place.Room.
//
// It does not read channels and decides nothing about attempts; eventing/delivery
// and eventing/retry do.
package cursor

import "time"

const (
	// groupTime is how long changes are gathered for one fsync, which is one less
	// for the events that are accepted meanwhile. What was delivered within it before
	// a crash is delivered again.
	groupTime = 50 * time.Millisecond
	// failurePause is how long after a failed write the next one is tried.
	failurePause = time.Second

	// maxOpen is how much one subscription may have above its floor: ranges of
	// events that are done with, and events to be tried again. About 60 bytes
	// each.
	maxOpen = 100_000
	// maxOpenAll is how much all of them may have together.
	maxOpenAll = 1_000_000
	// fairOpen is what each may have, whatever the others do.
	fairOpen = 1_000
)
