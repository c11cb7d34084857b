package pubsub

import (
	"context"
	"errors"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/headway-dev/headway/eventing/event"
)

const origin = "/headway/shop/sources/in"

func asked(conn grpc.ClientConnInterface) *subscription {
	return &subscription{api: pubsubpb.NewSubscriberClient(conn), name: orders, secret: "google", origin: origin, most: maxMessages}
}

// answers is a connection on which each call is answered with the next error.
type answers struct {
	grpc.ClientConnInterface
	errs []error
	most []int32 // messages that were asked for
}

func (a *answers) Invoke(_ context.Context, _ string, in, out any, _ ...grpc.CallOption) error {
	if pull, ok := in.(*pubsubpb.PullRequest); ok {
		a.most = append(a.most, pull.MaxMessages)
	}
	if _, ok := out.(*emptypb.Empty); !ok {
		if _, ok := out.(*pubsubpb.PullResponse); !ok {
			return errors.New("called with something else")
		}
	}
	err := a.errs[0]
	a.errs = a.errs[1:]
	return err
}

func TestReceive(t *testing.T) {
	refused := status.Error(codes.PermissionDenied, "not yours")
	large := status.Error(codes.ResourceExhausted, "too large")
	late := status.Error(codes.DeadlineExceeded, "late")
	for name, tt := range map[string]struct {
		wait bool
		err  error
		want string
	}{
		"messages":         {true, nil, ""},
		"none in time":     {true, late, ""},
		"no answer":        {false, late, "pulling messages: DeadlineExceeded: late"},
		"refused":          {true, refused, "pulling messages: Google refuses the credentials in the Secret google (PermissionDenied: not yours)"},
		"unknown":          {true, status.Error(codes.Unauthenticated, "who?"), "pulling messages: Google refuses the credentials in the Secret google (Unauthenticated: who?)"},
		"not there":        {true, status.Error(codes.NotFound, "gone"), "pulling messages: projects/shop/subscriptions/orders does not exist"},
		"something else":   {true, errors.New("broken"), "pulling messages: Unknown: broken"},
		"more than fitted": {true, large, "pulling messages: ResourceExhausted: too large"},
	} {
		got := ""
		if _, err := asked(&answers{errs: []error{tt.err}}).Receive(t.Context(), tt.wait); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	conn := &answers{errs: []error{large, large, large, large, large, large, large, large, nil, nil}}
	s := asked(conn)
	for range 10 {
		s.Receive(t.Context(), true)
	}
	if diff := cmp.Diff([]int32{100, 50, 25, 12, 6, 3, 1, 1, 1, 2}, conn.most); diff != "" {
		t.Errorf("messages asked for (-want +got):\n%s", diff)
	}
}

func TestAcknowledge(t *testing.T) {
	messages := []*pubsubpb.ReceivedMessage{{AckId: "1"}, {AckId: "2"}}
	for code, left := range map[codes.Code]int{
		codes.OK: 0, codes.InvalidArgument: 0, codes.FailedPrecondition: 0,
		codes.Unavailable: 2, codes.DeadlineExceeded: 2, codes.PermissionDenied: 2,
	} {
		got, err := asked(&answers{errs: []error{status.Error(code, "no")}}).Acknowledge(t.Context(), messages)
		if len(got) != left || (err != nil) != (left > 0) {
			t.Errorf("%s: %d left, want %d; %v", code, len(got), left, err)
		}
	}
}

func TestMapping(t *testing.T) {
	at := time.Date(2026, 5, 12, 12, 0, 0, 5e8, time.UTC)
	ours := event.Event{ID: "17", Source: "/shop", Type: "order.created", DataContentType: "application/json", Data: []byte(`{"a":1}`)}
	plain := func(body, media string, extensions ...event.Attribute) event.Event {
		return event.Event{ID: "m1", Source: origin, Type: TypeMessage, Time: "2026-05-12T12:00:00.5Z", DataContentType: media, Data: []byte(body), Extensions: extensions}
	}
	for name, tt := range map[string]struct {
		body       string
		key        string
		attributes map[string]string
		want       event.Event
	}{
		"text":  {"hello", "", nil, plain("hello", "text/plain; charset=utf-8")},
		"JSON":  {`{"a":1}`, "", nil, plain(`{"a":1}`, "application/json")},
		"bytes": {"\xff\x01", "", map[string]string{"content-type": "image/png"}, plain("\xff\x01", "image/png")},
		"a notification of Cloud Storage": {`{"name":"a.zip"}`, "", map[string]string{"eventType": "OBJECT_FINALIZE", "bucketId": "zips"},
			plain(`{"name":"a.zip"}`, "application/json", event.Attribute{Name: "bucketid", Value: "zips"}, event.Attribute{Name: "eventtype", Value: "OBJECT_FINALIZE"})},
		"an ordering key": {"x", "customer 7", nil, plain("x", "text/plain; charset=utf-8", event.Attribute{Name: "partitionkey", Value: "customer 7"})},
		"an event, binary": {`{"a":1}`, "", map[string]string{
			"ce-specversion": "1.0", "ce-id": "17", "ce-source": "/shop", "ce-type": "order.created", "Content-Type": "application/json"}, ours},
		"an event, structured": {`{"specversion":"1.0","id":"17","source":"/shop","type":"order.created","data":{"a":1}}`, "", map[string]string{"content-type": "application/cloudevents+json"}, ours},
		"an event, cut":        {`{"specversion":"1.0","id"`, "", map[string]string{"content-type": "application/cloudevents+json"}, plain(`{"specversion":"1.0","id"`, "text/plain; charset=utf-8")},
	} {
		t.Run(name, func(t *testing.T) {
			m := &pubsubpb.PubsubMessage{MessageId: "m1", PublishTime: timestamppb.New(at), Data: []byte(tt.body), OrderingKey: tt.key, Attributes: tt.attributes}
			if diff := cmp.Diff([]event.Event{tt.want}, eventsOf(m, origin)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := eventsOf(nil, origin); len(got) != 1 || got[0].Validate() != nil {
		t.Errorf("of no message: %+v", got)
	}
}
