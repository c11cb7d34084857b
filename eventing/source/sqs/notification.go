package sqs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/headway-dev/headway/eventing/event"
)

// Prefixes of types, as the adapters of CloudEvents for S3 and SNS have them.
const (
	typeS3  = "com.amazonaws.s3."
	typeSNS = "com.amazonaws.sns."
)

const mediaJSON = "application/json"

// notificationOf are the events of a notification by S3, by itself or in one by
// SNS, and of one by SNS of something else; nil for all other messages, and for
// notifications of which no valid events can be made.
func notificationOf(body []byte, id string) []event.Event {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return nil
	}
	if events := recordsOf(body, id); events != nil {
		return events
	}
	var envelope struct{ Type, MessageId, TopicArn, Subject, Message, Timestamp string } //nolint:revive // as SNS spells them
	if json.Unmarshal(body, &envelope) != nil || envelope.Type != "Notification" || envelope.TopicArn == "" {
		return nil
	}
	if events := recordsOf([]byte(envelope.Message), id); events != nil {
		return events
	}
	e := event.Event{
		ID: envelope.MessageId, Source: envelope.TopicArn, Type: typeSNS + envelope.Type,
		Subject: envelope.Subject, Time: envelope.Timestamp, DataContentType: mediaJSON, Data: body,
	}
	if e.Validate() != nil {
		return nil
	}
	return []event.Event{e}
}

// record is one of the records of a notification by S3, or by a server that
// speaks like it.
type record struct {
	EventSource string `json:"eventSource"`
	EventName   string `json:"eventName"`
	EventTime   string `json:"eventTime"`
	AWSRegion   string `json:"awsRegion"`
	S3          struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key string `json:"key"` // URL-encoded
		} `json:"object"`
	} `json:"s3"`
}

// recordsOf is one event for each record, or nil if one of them is not of S3.
// Their ids are of the message, as those in the records are not always there, and
// are the same for all that one request has done.
func recordsOf(body []byte, id string) []event.Event {
	var notification struct{ Records []json.RawMessage }
	if json.Unmarshal(body, &notification) != nil {
		return nil
	}
	var events []event.Event
	for i, raw := range notification.Records {
		var r record
		if json.Unmarshal(raw, &r) != nil || r.S3.Bucket.Name == "" {
			return nil
		}
		e := event.Event{
			ID: fmt.Sprintf("%s/%d", id, i), Type: typeS3 + r.EventName, Subject: decoded(r.S3.Object.Key),
			Source: strings.Join([]string{r.EventSource, r.AWSRegion, r.S3.Bucket.Name}, "."),
			Time:   r.EventTime, DataContentType: mediaJSON, Data: raw,
		}
		if e.Validate() != nil {
			e.Subject = r.S3.Object.Key // a key may have characters that no attribute can
		}
		if e.Validate() != nil {
			return nil
		}
		events = append(events, e)
	}
	return events
}

// decoded is the key of an object, in which a blank comes as a plus.
func decoded(key string) string {
	if plain, err := url.QueryUnescape(key); err == nil {
		return plain
	}
	return key
}
