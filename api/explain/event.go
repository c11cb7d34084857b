package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// EventStory is what is known of an event: one id can be in several channels, and
// several times in one.
type EventStory struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	// Events in the order in which they were accepted: the newest, and how many
	// Earlier ones there are.
	Events  []StoredEvent `json:"events"`
	Earlier int           `json:"earlier,omitempty"`
	// Channels of the namespace, if no event is found.
	Channels []KeptChannel `json:"channels,omitempty"`
}

// KeptChannel is how far back a channel goes.
type KeptChannel struct {
	Name   string `json:"name"`
	Events uint64 `json:"events"`
	// Oldest is when the oldest event that it has was accepted.
	Oldest time.Time `json:"oldest,omitzero"`
}

// StoredEvent is one event in one channel.
type StoredEvent struct {
	Channel  string    `json:"channel"`
	Sequence uint64    `json:"sequence"`
	Accepted time.Time `json:"accepted"`
	// By is who sent it; "" if that was not written down.
	By string `json:"by,omitempty"`
	// Gone: the channel does not have it any more; then what follows is not known,
	// but for the deliveries.
	Gone   bool   `json:"gone,omitempty"`
	ID     string `json:"id,omitempty"`
	Source string `json:"source,omitempty"`
	Type   string `json:"type,omitempty"`
	// Attributes are the others.
	Attributes map[string]string `json:"attributes,omitempty"`
	Bytes      int               `json:"bytes"`
	// Data, if it was asked for: as text, or as bytes where it is none.
	Data       string `json:"data,omitempty"`
	DataBase64 []byte `json:"data_base64,omitempty"`
	// Deliveries are what subscriptions have done with it; absent in lists.
	Deliveries []EventDelivery `json:"deliveries,omitempty"`
}

// DeliveryState is where a subscription is with an event.
type DeliveryState string

// The states.
const (
	EventDelivered DeliveryState = "Delivered"
	EventDead      DeliveryState = "Dead"     // given up on
	EventRetrying  DeliveryState = "Retrying" // has failed, and is tried again
	EventWaiting   DeliveryState = "Waiting"  // matches, and was not tried yet
	EventPaused    DeliveryState = "Paused"   // the same, and nothing is delivered
	EventFiltered  DeliveryState = "Filtered" // does not match
	EventPassed    DeliveryState = "Passed"   // matches, and is done with without an attempt that is remembered
	EventUnknown   DeliveryState = "Unknown"  // the subscription, or the event, is gone
)

// EventDelivery is one subscription and one event.
type EventDelivery struct {
	Subscription string        `json:"subscription"`
	State        DeliveryState `json:"state"`
	// Target is where its events go, Filter what it takes, as Target and Filter of
	// this package say.
	Target string `json:"target,omitempty"`
	Filter string `json:"filter,omitempty"`
	// Verdict is why the filter, as it is now, does not match; "": it does.
	Verdict string `json:"verdict,omitempty"`
	// Problem is why nothing is delivered to the target now.
	Problem string `json:"problem,omitempty"`
	// Tried is how often it was tried so far; Attempts has those that are remembered:
	// of many the first ones, and ever fewer of the others.
	Tried    int            `json:"tried,omitempty"`
	Attempts []EventAttempt `json:"attempts,omitempty"`
	// Next is when it is tried again.
	Next time.Time `json:"next,omitzero"`
	// Before is how many events are before it, at most, while it waits.
	Before uint64 `json:"before,omitempty"`
	// DeadLetter is the channel that has it, given up on; "": it is dropped.
	DeadLetter string `json:"deadLetter,omitempty"`
}

// EventAttempt is one delivery that has ended.
type EventAttempt struct {
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	// Milliseconds that it took.
	Milliseconds float64 `json:"milliseconds"`
	// Status of the answer; 0: there was none.
	Status int `json:"status,omitempty"`
	// Said is how it ended.
	Said string `json:"said"`
	// Revision of the app that has answered, if that is known.
	Revision string `json:"revision,omitempty"`
	// Then is what followed: Delivered, Dead or Retrying, with Next and Reason.
	Then   DeliveryState `json:"then"`
	Next   time.Time     `json:"next,omitzero"`
	Reason string        `json:"reason,omitempty"`
	// Run is the redrive or the replay that it belongs to, "redrive monday"; "" is
	// none.
	Run string `json:"run,omitempty"`
}

// Text is the story in one sentence.
func (s *EventStory) Text() string {
	if len(s.Events) == 0 {
		return fmt.Sprintf("no event %s is known in namespace %s: it was never accepted, or is older than what is kept, or belongs to another namespace (-n)", s.ID, s.Namespace)
	}
	e := &s.Events[len(s.Events)-1]
	counts := map[DeliveryState]int{}
	for i := range e.Deliveries {
		counts[e.Deliveries[i].State]++
	}
	text := fmt.Sprintf("event %s is number %d of channel %s", s.ID, e.Sequence, e.Channel)
	if e.Gone {
		text = fmt.Sprintf("event %s was number %d of channel %s, which does not have it any more", s.ID, e.Sequence, e.Channel)
	}
	if len(e.Deliveries) == 0 {
		return text + "; no subscription reads it there"
	}
	var parts []string
	for _, state := range []DeliveryState{EventDelivered, EventDead, EventRetrying, EventWaiting, EventPaused, EventPassed, EventFiltered, EventUnknown} {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", stateWords[state], n))
		}
	}
	return text + "; of its subscriptions " + strings.Join(parts, ", ")
}

// stateWords are states as a part of a sentence about several subscriptions.
var stateWords = map[DeliveryState]string{
	EventDelivered: "it was delivered by", EventDead: "given up on by", EventRetrying: "is tried again by", EventWaiting: "waits for",
	EventPaused: "waits for (paused)", EventPassed: "is done with by", EventFiltered: "is filtered out by", EventUnknown: "unknown for",
}

// Words say where a subscription is with an event, and why.
func (d *EventDelivery) Words(now time.Time) string {
	switch d.State {
	case EventDelivered:
		return "delivered" + d.times()
	case EventDead:
		if d.DeadLetter == "" {
			return "given up on" + d.times() + ", and dropped: the subscription has no deadLetter"
		}
		return "given up on" + d.times() + ", and put into channel " + d.DeadLetter
	case EventRetrying:
		return fmt.Sprintf("failed%s; tried again %s", d.times(), until(d.Next, now))
	case EventWaiting:
		if d.Before > 0 {
			return fmt.Sprintf("waits; at most %s events are before it", grouped(int64(d.Before)))
		}
		return "waits for its first attempt"
	case EventPaused:
		return "waits: nothing is delivered now: " + d.Problem
	case EventFiltered:
		return "filtered out: " + d.Verdict
	case EventPassed:
		return "done with, and no attempt is remembered: the subscription, or its filter, is newer than the event, or the attempts are forgotten"
	}
	if d.Problem != "" {
		return d.Problem
	}
	return "not known"
}

func (d *EventDelivery) times() string {
	if d.Tried > 1 {
		return fmt.Sprintf(" after %d attempts", d.Tried)
	}
	return ""
}

func until(at, now time.Time) string {
	if at.IsZero() || !at.After(now) {
		return "at once"
	}
	return "in " + Span(at.Sub(now).Round(time.Second))
}

// Words say how an attempt went.
func (a *EventAttempt) Words() string {
	text := fmt.Sprintf("%s after %s", a.Said, time.Duration(a.Milliseconds*float64(time.Millisecond)).Round(100*time.Microsecond))
	if a.Revision != "" {
		text += " by " + a.Revision
	}
	if a.Run != "" {
		text += ", in " + a.Run
	}
	switch {
	case a.Then == EventRetrying && !a.Next.IsZero():
		text += "; next at " + a.Next.UTC().Format(time.TimeOnly)
	case a.Then == EventDead && a.Reason != "" && a.Reason != a.Said:
		text += "; given up on: " + a.Reason
	case a.Then == EventDead:
		text += "; given up on"
	}
	return text
}

// Sender is who sent an event, as text.
func (e *StoredEvent) Sender() string {
	if e.By == "" {
		return "sender not written down: the program ended just then, or its story of events began anew"
	}
	return "by " + e.By
}

// Judge decides where a subscription is with an event from what is known of it:
// whether its place is past the event, whether the place has it to be tried again,
// and the attempts, oldest first. paused is why nothing is delivered. Attempts of a
// run, which comes later, do not count.
func (d *EventDelivery) Judge(done, retrying, paused bool) {
	own := slices.DeleteFunc(slices.Clone(d.Attempts), func(a EventAttempt) bool { return a.Run != "" })
	var last EventAttempt
	if len(own) > 0 {
		last = own[len(own)-1]
		d.Tried = max(d.Tried, last.Number)
	}
	switch {
	case !done && retrying && paused:
		d.State = EventPaused
	case !done && retrying:
		d.State = EventRetrying
	case last.Then == EventDelivered || last.Then == EventDead:
		d.State = last.Then
	case d.Verdict != "":
		d.State = EventFiltered
	case done:
		d.State = EventPassed
	case paused:
		d.State = EventPaused
	default:
		d.State = EventWaiting
	}
}
