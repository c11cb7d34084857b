// Package delivery brings the events of channels to where subscriptions want
// them: to an app, a URL or another channel.
//
// It promises: each event that passes the filter is delivered at least once, or
// becomes a dead letter; the place of a subscription moves only when the target
// has answered 2xx, and the reply or the dead letter is in its channel. Events
// with the same key, where a subscription asks for order, go one after the
// other. A subscription whose target hangs or fails takes nothing from the
// others. Memory is bounded by bytes, whatever waits. A redrive or a replay (Run)
// is delivered once for each name, however often the process ends meanwhile; what
// was under way then comes twice.
//
// It does not accept events, and knows no objects of Kubernetes:
// eventing/ingress and eventing do. How attempts are judged is in
// eventing/retry, what is done with in eventing/cursor.
//
// One reader for each channel offers its new events to the subscriptions that
// have seen all before (lane). A subscription that has not reads by itself. It
// has a goroutine only while it can send something: one that waits, for an
// event, a time or an answer, costs memory only.
package delivery

import (
	"time"

	"github.com/headway-dev/headway/eventing/event"
)

const (
	// laneBytes and laneEvents bound the newest events of a channel that are kept
	// for the subscriptions that are about to send them.
	laneBytes  = 1 << 20
	laneEvents = 1024
	// aheadBytes and aheadEvents bound what a subscription that lags reads at a
	// time, and aheadBytes what it holds of events that wait for their turn;
	// aheadBytesAll is from which sum on none of them keeps it while it waits, and
	// keepAheadFor for how long it is kept where the target must not be asked.
	aheadBytes    = 256 << 10
	aheadEvents   = 128
	aheadBytesAll = 64 << 20
	keepAheadFor  = time.Second

	// flightBytes bounds the events that one subscription has under way, but for
	// a single larger one; flightBytesAll those of all. Each counts as
	// flightLeast at least, so that there are at most 8192 attempts at a time.
	flightBytes    = 4 << 20
	flightBytesAll = 128 << 20
	flightLeast    = 16 << 10

	// maxAnswer is how much of an answer is read for the event in it. One without
	// an event is read up to maxDiscard, so that its connection can be used again.
	maxAnswer  = 1 << 20
	maxDiscard = 64 << 10

	// maxHops is how many channels an event may pass: more are a loop.
	maxHops = 16
	// maxReason is the longest reason of a dead letter, in bytes.
	maxReason = 200

	// drainTime is how long attempts under way have at the end.
	drainTime = 5 * time.Second
	// settleEvery is how often subscriptions are measured, and the places written
	// down of those that want none of the events that come.
	settleEvery = 5 * time.Second
	// sweepEvery is how often the places of removed subscriptions are looked at.
	sweepEvery = time.Hour
	// storePause is how long after an error of a channel it is asked again.
	storePause = time.Second
)

// Headers of a delivery.
const (
	headerSubscription = "Headway-Subscription" // <namespace>/<name>
	headerAttempt      = "Headway-Attempt"      // 1 and up
	headerAnswer       = "Headway-Answer"       // of the activator's own answers
	headerRevision     = "Headway-Revision"     // of the answers of apps, by the activator
)

// Attributes of events that have passed a channel, and of dead letters.
const (
	attrHops             = "headwayhops"
	deadPrefix           = "headwaydead"
	attrDeadReason       = "headwaydeadreason"
	attrDeadSubscription = event.AttrDeadSubscription
	attrDeadAttempts     = "headwaydeadattempts"
	attrDeadRun          = event.AttrDeadRun // of what a redrive or a replay gave up on
	attrDeadStatus       = "headwaydeadstatus"
)
