// Package message makes events of what queues hand out. It promises that each
// message becomes at least one event, that all of them are valid, whatever is in
// the message, and that the same message always becomes the same events. It is
// pure, and knows no queue: the packages that do say where a message has its
// attributes.
package message

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/event"
)

// AttrPartitionKey is the attribute of the partitioning extension of CloudEvents:
// events in which it is equal belong in an order.
const AttrPartitionKey = "partitionkey"

// Message is one message of a queue.
type Message struct {
	// Event is what the message is if it is no CloudEvent itself: id, source, type
	// and what else the queue says of it. The data are the message's bytes, and
	// datacontenttype is what it says of them, or "".
	Event event.Event
	// Attributes of the message, but for the one with its content type.
	Attributes map[string]string
	// Prefix, in small letters, of those that are attributes of a CloudEvent in
	// binary mode.
	Prefix string
}

// Origin is the attribute source of events for which the queue gives none.
func Origin(name types.NamespacedName) string {
	return "/headway/" + name.Namespace + "/sources/" + name.Name
}

// Time is the attribute time of a moment.
func Time(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Events are the events of a message. One that is a CloudEvent, or several, in
// binary, structured or batched mode, is what it says. Everything else, and what
// only claims to be a CloudEvent, is one event whose data are the message.
func Events(m Message) []event.Event {
	if events := m.structured(); len(events) > 0 {
		return events
	}
	if e, ok := m.binary(); ok {
		return []event.Event{e}
	}
	return []event.Event{m.plain()}
}
