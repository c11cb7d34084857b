package kafka

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source/message"
)

// TypeRecord is the type of events that are a record as it came.
const TypeRecord = "dev.headway.kafka.record"

// The Kafka binding of CloudEvents 1.0 has these.
const (
	prefix      = "ce_"
	contentType = "content-type"
)

func idOf(r *kgo.Record) string { return fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset) }

// eventsOf are the events of a record. origin is their source where the record
// gives none.
func eventsOf(r *kgo.Record, origin string) []event.Event {
	e := event.Event{ID: idOf(r), Source: origin, Type: TypeRecord, Subject: r.Topic, Data: r.Value}
	if !r.Timestamp.IsZero() {
		e.Time = message.Time(r.Timestamp)
	}
	if len(r.Key) > 0 {
		e.Set(message.AttrPartitionKey, keyOf(r.Key))
	}
	attributes := map[string]string{}
	for _, h := range r.Headers { // of several with one name the last
		if strings.EqualFold(h.Key, contentType) {
			e.DataContentType = string(h.Value)
			continue
		}
		attributes[h.Key] = string(h.Value)
	}
	return message.Events(message.Message{Event: e, Attributes: attributes, Prefix: prefix})
}

// keyOf is a key as text: numbers and other bytes in base64.
func keyOf(key []byte) string {
	for _, r := range string(key) {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return base64.StdEncoding.EncodeToString(key)
		}
	}
	return string(key)
}
