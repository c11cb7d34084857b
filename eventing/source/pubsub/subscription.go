package pubsub

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headway-dev/headway/eventing/source/intake"
)

const (
	// maxMessages is how many come at once.
	maxMessages = 100
	// longPoll is for how long a pull waits for messages; Pub/Sub ends some earlier.
	longPoll = 90 * time.Second
	// hidden is how far a deadline is extended. A third of it is less than the 10
	// seconds that are the least a subscription gives.
	hidden = 24 * time.Second
)

// subscription is an intake.Queue.
type subscription struct {
	api    pubsubpb.SubscriberClient
	name   string
	secret string // name of that with the credentials
	origin string // source of events
	most   int    // messages at once: fewer after some that were more than maxAnswer
}

func (s *subscription) Receive(ctx context.Context, wait bool) ([]*pubsubpb.ReceivedMessage, error) {
	poll := intake.Patience
	if wait {
		poll = longPoll
	}
	within, cancel := context.WithTimeout(ctx, poll)
	defer cancel()
	out, err := s.api.Pull(within, &pubsubpb.PullRequest{
		Subscription: s.name, MaxMessages: int32(s.most),
		ReturnImmediately: !wait, //nolint:staticcheck // deprecated, as it finds less; here it is to find out whether the server answers
	})
	switch {
	case err == nil:
		s.most = min(2*s.most, maxMessages)
		return out.GetReceivedMessages(), nil
	case wait && status.Code(err) == codes.DeadlineExceeded:
		return nil, nil // there was none
	case status.Code(err) == codes.ResourceExhausted:
		s.most = max(s.most/2, 1)
	}
	return nil, s.explain("pulling messages", err)
}

func (s *subscription) Message(m *pubsubpb.ReceivedMessage) intake.Message {
	return intake.Message{Name: m.GetMessage().GetMessageId(), Events: eventsOf(m.GetMessage(), s.origin)}
}

func (s *subscription) Hide(ctx context.Context, messages []*pubsubpb.ReceivedMessage, d time.Duration) {
	_, _ = s.api.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{
		Subscription: s.name, AckIds: idsOf(messages), AckDeadlineSeconds: int32(d / time.Second),
	})
}

func (s *subscription) Acknowledge(ctx context.Context, messages []*pubsubpb.ReceivedMessage) ([]*pubsubpb.ReceivedMessage, error) {
	_, err := s.api.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: s.name, AckIds: idsOf(messages)})
	switch status.Code(err) {
	case codes.OK, codes.InvalidArgument, codes.FailedPrecondition:
		return nil, nil // or their time was over: they come again, and are known again
	}
	return messages, s.explain("acknowledging messages that are kept", err)
}

func idsOf(messages []*pubsubpb.ReceivedMessage) []string {
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.GetAckId()
	}
	return ids
}

// explain says what went wrong with a call, and what to look at.
func (s *subscription) explain(action string, err error) error {
	answer := status.Convert(err)
	switch answer.Code() {
	case codes.Unauthenticated, codes.PermissionDenied:
		return fmt.Errorf("%s: Google refuses the credentials in the Secret %s (%s: %s)", action, s.secret, answer.Code(), answer.Message())
	case codes.NotFound:
		return fmt.Errorf("%s: %s does not exist", action, s.name)
	}
	return fmt.Errorf("%s: %s: %s", action, answer.Code(), answer.Message())
}
