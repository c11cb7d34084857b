package retry

import (
	"cmp"
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Policy says for how long and how often an event is tried.
type Policy struct{ For, First, Max time.Duration }

// PolicyOf reads a subscription's policy. What it does not say has its default.
func PolicyOf(r v1alpha1.EventRetry) Policy {
	return Policy{
		For:   cmp.Or(r.For.Duration, v1alpha1.DefaultRetryFor),
		First: cmp.Or(r.First.Duration, v1alpha1.DefaultRetryFirst),
		Max:   cmp.Or(r.Max.Duration, v1alpha1.DefaultRetryMax),
	}
}

// Verdict is what happens to an event after an attempt.
type Verdict int

// The verdicts.
const (
	Done   Verdict = iota // delivered
	Again                 // to be tried again
	GiveUp                // dead
)

// Decision about an event. At is when it is tried again, Reason why it is given
// up on.
type Decision struct {
	Verdict Verdict
	At      time.Time
	Reason  string
}

// Next decides about an event whose attempt number attempts, counted from 1,
// has just ended; first is when its first one began. random is at least 0 and
// less than 1.
//
// The pause is a random part of an exponential backoff: "full jitter" of
// "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), or what the
// target asks for.
func Next(p Policy, first time.Time, attempts int, o Outcome, now time.Time, random float64) Decision {
	switch o.class() {
	case good:
		return Decision{Verdict: Done}
	case final:
		return Decision{Verdict: GiveUp, Reason: o.String()}
	}
	pause := time.Duration(random * float64(backoff(p, attempts)))
	if asked := min(o.RetryAfter, MaxRetryAfter); asked > 0 {
		pause = asked + time.Duration(random*float64(spread))
	}
	at := now.Add(pause)
	if attempts >= LeastAttempts && at.Sub(first) > p.For {
		return Decision{Verdict: GiveUp, Reason: fmt.Sprintf("%s; %d attempts in %s", o, attempts, now.Sub(first).Round(time.Second))}
	}
	return Decision{Verdict: Again, At: at}
}

// backoff is the longest pause after an attempt.
func backoff(p Policy, attempts int) time.Duration {
	pause := p.First
	for range attempts - 1 {
		if pause >= p.Max/2 {
			return p.Max
		}
		pause *= 2
	}
	return min(pause, p.Max)
}
