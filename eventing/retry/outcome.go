package retry

import (
	"fmt"
	"net/http"
	"time"
)

// Fault is why an attempt has no answer.
type Fault int

// The faults.
const (
	None    Fault = iota // there is an answer
	Timeout              // no answer in time
	Network              // no connection, or it broke
)

// Outcome is how an attempt ended.
type Outcome struct {
	// Status of the answer; 0 if there is none.
	Status int
	Fault  Fault
	// Detail of a Fault, for people; may be empty.
	Detail string
	// RetryAfter is how long the answer asks to wait; 0: it does not say.
	RetryAfter time.Duration
	// Activator is the reason that the activator gives for an answer of its own
	// (its header Headway-Answer). Empty: the app, or another server, answered.
	Activator string
	// Revision of the app that has answered, as the activator says; empty: nobody
	// said so.
	Revision string
	// Final is why the event cannot be delivered whatever the target says; empty:
	// the target decides.
	Final string
}

// The reasons of the activator (scaler/activator/answer) that speak about the
// event or the app. Any other one says that the app was not reached: asleep,
// no pod, cannot start, no route yet.
const (
	refused = "refused" // the request does not follow the grammar and never will
	broken  = "broken"  // the app closed the connection
	late    = "timeout" // the app did not answer in time
)

// class is what an outcome means.
type class int

const (
	good      class = iota
	final           // will never be better: the target refuses this event
	temporary       // about this event, for now; the target is well
	busy            // the target asks for less
	failed          // the target fails
	unreached       // the target was never asked
)

// class of an outcome: the one place where statuses are read.
func (o Outcome) class() class {
	switch {
	case o.Final != "":
		return final
	case o.Fault != None:
		return failed
	case o.Activator == refused:
		return final
	case o.Activator == broken, o.Activator == late:
		return failed
	case o.Activator != "":
		return unreached
	case o.Status >= 200 && o.Status < 300:
		return good
	case o.Status == http.StatusTooManyRequests:
		return busy
	case o.Status == http.StatusRequestTimeout:
		return failed
	case o.Status == http.StatusConflict, o.Status == http.StatusTooEarly:
		return temporary
	case o.Status >= 500:
		return failed
	}
	return final
}

// congested reports whether the target had too much to do.
func (o Outcome) congested() bool {
	return o.Fault == Timeout || o.Activator == late ||
		o.Status == http.StatusTooManyRequests || o.Status == http.StatusServiceUnavailable
}

// hold is how long the target asks to be left alone as a whole; 0: it does not.
func (o Outcome) hold() time.Duration {
	switch {
	case o.class() == unreached:
		return min(max(o.RetryAfter, firstPause), MaxRetryAfter)
	case o.Status == http.StatusTooManyRequests, o.Status == http.StatusServiceUnavailable:
		return min(o.RetryAfter, MaxRetryAfter)
	}
	return 0
}

// String says for people how the attempt ended.
func (o Outcome) String() string {
	switch {
	case o.Final != "":
		return o.Final
	case o.Fault == Timeout:
		return "no answer in time"
	case o.Fault == Network:
		if o.Detail != "" {
			return "no connection: " + o.Detail
		}
		return "no connection"
	case o.Activator != "":
		return fmt.Sprintf("the activator answered %d (%s)", o.Status, o.Activator)
	case o.Status >= 300 && o.Status < 400:
		return fmt.Sprintf("answered %d, which is not followed", o.Status)
	}
	return fmt.Sprintf("answered %d", o.Status)
}
