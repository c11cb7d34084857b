// Package retry decides about attempts to deliver events: when an event is
// tried again, when it is given up on, and when a subscription may send at all.
// It is pure: values and the time in, a decision out; no clock, no goroutine.
//
// It promises: an event that the target refused for good is tried once; any
// other is tried until the policy's time is over and at least eight times;
// Retry-After is kept to, up to an hour; no more than the window is in flight;
// a target that fails is left alone but for one attempt at a time.
//
// It does not know channels, HTTP or the disk; eventing/delivery does. Nothing
// here is safe for concurrent use.
package retry

import "time"

const (
	// LeastAttempts is how often an event is tried at least, however short the
	// policy's time: as often as Svix does in all (docs.svix.com/retries).
	LeastAttempts = 8
	// MaxRetryAfter is the longest Retry-After that is kept to.
	MaxRetryAfter = time.Hour
	// spread is over how much of a second attempts are spread that Retry-After
	// names the same time for.
	spread = 500 * time.Millisecond

	// breakAfter failures in a row open the breaker. Envoy's
	// outlier_detection.consecutive_5xx.
	breakAfter = 5
	// firstPause and maxPause bound how long it stays open. Thirty seconds, as a
	// target that works again is to get its events within about that time.
	firstPause = time.Second
	maxPause   = 30 * time.Second

	// firstWindow is how many deliveries are in flight before anything is known
	// about the target.
	firstWindow = 16
	// maxWindow bounds them where the subscription says nothing.
	maxWindow = 256
)
