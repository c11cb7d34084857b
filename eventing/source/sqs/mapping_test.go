package sqs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/event"
)

const origin = "/headway/shop/sources/in"

func received(body string, attributes ...string) types.Message {
	m := types.Message{
		MessageId: aws.String("m1"), Body: &body, MessageAttributes: map[string]types.MessageAttributeValue{},
		Attributes: map[string]string{"SentTimestamp": "1778587200500"},
	}
	for i := 0; i < len(attributes); i += 2 {
		m.MessageAttributes[attributes[i]] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(attributes[i+1])}
	}
	return m
}

func plain(body, media string, extensions ...event.Attribute) event.Event {
	return event.Event{
		ID: "m1", Source: origin, Type: TypeMessage, Time: "2026-05-12T12:00:00.5Z",
		DataContentType: media, Data: []byte(body), Extensions: extensions,
	}
}

// recordOf is a record as S3 sends it, cut to what is read and a little more.
func recordOf(bucket, key string) string {
	return `{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1","eventTime":"2026-05-12T12:00:00.000Z","eventName":"ObjectCreated:Put",` +
		`"s3":{"bucket":{"name":"` + bucket + `"},"object":{"key":"` + key + `","size":7}}}`
}

func created(index, key, raw string) event.Event {
	return event.Event{
		ID: "m1/" + index, Source: "aws:s3.eu-central-1.zips", Type: "com.amazonaws.s3.ObjectCreated:Put", Subject: key,
		Time: "2026-05-12T12:00:00.000Z", DataContentType: "application/json", Data: []byte(raw),
	}
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func TestMapping(t *testing.T) {
	one, two := recordOf("zips", "a+b%C3%A9.zip"), recordOf("zips", "c%2Bd/e.zip")
	strange, foreign := recordOf("zips", "a%0Ab"), strings.Replace(one, `"name":"zips"`, `"name":""`, 1)
	sns := func(inner string) string {
		return `{"Type":"Notification","MessageId":"n1","TopicArn":"arn:aws:sns:eu-central-1:1:zips","Subject":"hi","Message":` + quoted(inner) + `,"Timestamp":"2026-05-12T12:00:01.000Z"}`
	}
	grouped := received("x")
	grouped.Attributes["MessageGroupId"] = "customer 7"
	test := `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"zips"}`
	structured := `{"specversion":"1.0","id":"17","source":"/shop","type":"order.created","data":{"a":1}}`
	ours := event.Event{ID: "17", Source: "/shop", Type: "order.created", DataContentType: "application/json", Data: []byte(`{"a":1}`)}
	for name, tt := range map[string]struct {
		message types.Message
		want    []event.Event
	}{
		"text":                     {received("hello"), []event.Event{plain("hello", "text/plain; charset=utf-8")}},
		"JSON":                     {received(`{"a":1}`), []event.Event{plain(`{"a":1}`, "application/json")}},
		"said to be CSV":           {received("a,b", "Content-Type", "text/csv", "region", "eu"), []event.Event{plain("a,b", "text/csv", event.Attribute{Name: "region", Value: "eu"})}},
		"a group":                  {grouped, []event.Event{plain("x", "text/plain; charset=utf-8", event.Attribute{Name: "partitionkey", Value: "customer 7"})}},
		"an event, binary":         {received(`{"a":1}`, "ce-specversion", "1.0", "ce-id", "17", "ce-source", "/shop", "ce-type", "order.created", "content-type", "application/json"), []event.Event{ours}},
		"an event, structured":     {received(structured), []event.Event{ours}},
		"S3, two records":          {received(`{"Records":[` + one + `,` + two + `]}`), []event.Event{created("0", "a bé.zip", one), created("1", "c+d/e.zip", two)}},
		"S3, a key with a newline": {received(`{"Records":[` + strange + `]}`), []event.Event{created("0", "a%0Ab", strange)}},
		"S3 by SNS":                {received(sns(`{"Records":[` + one + `]}`)), []event.Event{created("0", "a bé.zip", one)}},
		"S3's test":                {received(test), []event.Event{plain(test, "application/json")}},
		"records of another":       {received(`{"Records":[` + foreign + `]}`), []event.Event{plain(`{"Records":[`+foreign+`]}`, "application/json")}},
		"no records":               {received(`{"Records":[]}`), []event.Event{plain(`{"Records":[]}`, "application/json")}},
		"records that are none":    {received(`{"Records":[1,"x",null]}`), []event.Event{plain(`{"Records":[1,"x",null]}`, "application/json")}},
		"SNS of something else": {received(sns("hello")), []event.Event{{
			ID: "n1", Source: "arn:aws:sns:eu-central-1:1:zips", Type: "com.amazonaws.sns.Notification", Subject: "hi",
			Time: "2026-05-12T12:00:01.000Z", DataContentType: "application/json", Data: []byte(sns("hello")),
		}}},
		"cut":          {received(`{"Records":[{"s3"`), []event.Event{plain(`{"Records":[{"s3"`, "text/plain; charset=utf-8")}},
		"nothing said": {types.Message{}, []event.Event{{ID: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", Source: origin, Type: TypeMessage}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, eventsOf(tt.message, origin)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzMapping(f *testing.F) {
	f.Add(`{"Records":[`+recordOf("zips", "a%zz")+`]}`, "1", "ce-id")
	f.Add(`{"Type":"Notification","TopicArn":"arn:a","Message":"{}"}`, "x", "content-type")
	f.Fuzz(func(t *testing.T, body, id, attribute string) {
		m := received(body, attribute, id)
		m.MessageId = &id
		events := eventsOf(m, origin)
		if len(events) == 0 {
			t.Fatal("the message is lost")
		}
		for i := range events {
			if err := events[i].Validate(); err != nil {
				t.Fatalf("event %d: %v", i, err)
			}
		}
	})
}
