package pubsub

import (
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source/message"
)

// TypeMessage is the type of events that are a message as it came. Google's own,
// google.cloud.pubsub.topic.v1.messagePublished, has other data.
const TypeMessage = "com.google.cloud.pubsub.message"

const prefix = "ce-"

// contentTypes are the attributes that may say what data are, as Pub/Sub has no
// place of its own for it.
var contentTypes = []string{"content-type", "Content-Type", "contentType"}

// eventsOf are the events of a message. origin is their source where the message
// gives none.
func eventsOf(m *pubsubpb.PubsubMessage, origin string) []event.Event {
	e := event.Event{ID: m.GetMessageId(), Source: origin, Type: TypeMessage, Data: m.GetData()}
	if at := m.GetPublishTime(); at.IsValid() {
		e.Time = message.Time(at.AsTime())
	}
	if key := m.GetOrderingKey(); key != "" {
		e.Set(message.AttrPartitionKey, key)
	}
	attributes := map[string]string{}
	for name, value := range m.GetAttributes() {
		attributes[name] = value
	}
	for _, name := range contentTypes {
		if e.DataContentType == "" {
			e.DataContentType = attributes[name]
		}
		delete(attributes, name)
	}
	return message.Events(message.Message{Event: e, Attributes: attributes, Prefix: prefix})
}
