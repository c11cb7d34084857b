package sqs

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source/message"
)

// TypeMessage is the type of events that are a message as it came.
const TypeMessage = "com.amazonaws.sqs.message"

const prefix = "ce-"

// contentTypes are the attributes that may say what a body is, as SQS has no
// place of its own for it.
var contentTypes = []string{"content-type", "Content-Type", "contentType"}

// eventsOf are the events of a message. origin is their source where the message
// gives none.
func eventsOf(m types.Message, origin string) []event.Event {
	body := []byte(aws.ToString(m.Body))
	id, sent := aws.ToString(m.MessageId), m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)]
	if events := notificationOf(body, id); events != nil {
		return events
	}
	e := event.Event{ID: id, Source: origin, Type: TypeMessage, Data: body}
	if ms, err := strconv.ParseInt(sent, 10, 64); err == nil {
		e.Time = message.Time(time.UnixMilli(ms))
	}
	if group := m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]; group != "" {
		e.Set(message.AttrPartitionKey, group)
	}
	attributes := map[string]string{}
	for name, value := range m.MessageAttributes {
		if value.StringValue != nil {
			attributes[name] = *value.StringValue
		}
	}
	for _, name := range contentTypes {
		if e.DataContentType == "" {
			e.DataContentType = attributes[name]
		}
		delete(attributes, name)
	}
	return message.Events(message.Message{Event: e, Attributes: attributes, Prefix: prefix})
}
