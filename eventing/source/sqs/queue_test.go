package sqs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source/intake"
)

// world is a queue of which the test says what it answers, a channel and a
// report. Messages are hidden and deleted as SQS does it, by the receipt of the
// last receive.
type world struct {
	mu       sync.Mutex
	messages []*kept
	receipts int
	receive  error
	deletes  []error // of DeleteMessageBatch, one after the other; then nil
	blamed   string  // for the body of a message: fails in a batch, each time

	refuse func(events []event.Event) error
	events []string
	told   []string
}

type kept struct {
	body, receipt string
	visible       time.Time
}

func (w *world) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	for deadline := time.Now().Add(time.Duration(in.WaitTimeSeconds) * time.Second); ; {
		if out, err := w.receiveNow(in); err != nil || len(out.Messages) > 0 || time.Now().After(deadline) {
			return out, err
		}
		if err := intake.Wait(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

func (w *world) receiveNow(in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := &sqs.ReceiveMessageOutput{}
	if w.receive != nil {
		return out, w.receive
	}
	for _, m := range w.messages {
		if len(out.Messages) < int(in.MaxNumberOfMessages) && !m.visible.After(time.Now()) {
			w.receipts++
			m.receipt, m.visible = fmt.Sprint("r", w.receipts), time.Now().Add(time.Duration(in.VisibilityTimeout)*time.Second)
			out.Messages = append(out.Messages, types.Message{MessageId: &m.body, Body: &m.body, ReceiptHandle: aws.String(m.receipt)})
		}
	}
	return out, nil
}

func (w *world) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.deletes) > 0 {
		err := w.deletes[0]
		if w.deletes = w.deletes[1:]; err != nil {
			return nil, err
		}
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		w.messages = slices.DeleteFunc(w.messages, func(m *kept) bool {
			if m.receipt == *e.ReceiptHandle && m.body == w.blamed {
				w.blamed = ""
				out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError"), Message: aws.String("try again")})
				return false
			}
			return m.receipt == *e.ReceiptHandle
		})
	}
	return out, nil
}

func (w *world) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range in.Entries {
		for _, m := range w.messages {
			if m.receipt == *e.ReceiptHandle {
				m.visible = time.Now().Add(time.Duration(e.VisibilityTimeout) * time.Second)
			}
		}
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func (w *world) Append(_ context.Context, events []event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		if err := w.refuse(events); err != nil {
			return err
		}
	}
	for _, e := range events {
		w.events = append(w.events, e.ID)
	}
	return nil
}

func (w *world) Accepted(int)    {}
func (w *world) Position(string) {}
func (w *world) Problem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprint(err))
}

func (w *world) send(n int) {
	for i := range n {
		w.messages = append(w.messages, &kept{body: fmt.Sprint("m", i)})
	}
}

// run runs the source for some time.
func (w *world) run(t *testing.T, d time.Duration) {
	t.Helper()
	health := intake.NewHealth(w)
	r := intake.Reader[types.Message]{
		Queue:  &queue{api: w, url: "https://sqs.eu-central-1.amazonaws.com/1/a", secret: "aws", origin: origin},
		Intake: intake.New(w, w, health), Health: health, Hidden: hidden,
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	r.Run(ctx)
}

func (w *world) check(t *testing.T, kept, left int, told ...string) {
	t.Helper()
	slices.Sort(w.events)
	if all, each := len(w.events), len(slices.Compact(slices.Clone(w.events))); all != kept || each != all || len(w.messages) != left {
		t.Errorf("%d events kept, %d of them once, want %d; %d messages left, want %d", all, each, kept, len(w.messages), left)
	}
	if diff := cmp.Diff(told, w.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		w.send(95)
		w.run(t, time.Second)
		w.check(t, 95, 0, "<nil>")
	})
}

// While the channel refuses, messages stay hidden, and only as many are taken as
// are worked on; nothing is deleted before it is kept.
func TestChannelRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := &world{}, time.Now()
		w.send(200)
		w.refuse = func([]event.Event) error {
			if time.Since(began) < time.Hour {
				return &channel.Full{RetryAfter: time.Minute}
			}
			return nil
		}
		go func() {
			time.Sleep(50 * time.Minute)
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.receipts != 8*maxMessages || len(w.messages) != 200 {
				t.Errorf("%d messages received, %d left", w.receipts, len(w.messages))
			}
		}()
		w.run(t, 70*time.Minute)
		w.check(t, 200, 0, "<nil>", "the channel is full; the next event to go goes in 1m0s", "<nil>")
	})
}

// What is in hand when the source ends is there for the next one at once.
func TestGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{refuse: func([]event.Event) error { return errors.New("no") }}
		w.send(15)
		w.run(t, 30*time.Second)
		if w.refuse = nil; len(w.messages) != 15 {
			t.Fatalf("%d messages left", len(w.messages))
		}
		w.run(t, time.Second)
		w.check(t, 15, 0, "<nil>", "no", "<nil>")
	})
}

// A message that is too large is left to the queue, and to its dead letter queue.
func TestTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{refuse: func(events []event.Event) error {
			for _, e := range events {
				if e.ID == "m3" {
					return &channel.TooLarge{Reason: "the event is large"}
				}
			}
			return nil
		}}
		w.send(12)
		w.run(t, 90*time.Second)
		w.check(t, 11, 1, "<nil>", "message m3: the event is large")
		if w.receipts != 12+1 {
			t.Errorf("%d receives; the message comes again when its minute is over", w.receipts)
		}
	})
}

func TestQueueFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{receive: &smithy.GenericAPIError{Code: "InvalidClientTokenId", Message: "The security token is invalid."}}
		w.send(10)
		go func() {
			time.Sleep(5 * time.Minute)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.receive = nil
		}()
		w.run(t, 7*time.Minute)
		w.check(t, 10, 0, "receiving messages: AWS refuses the credentials in the Secret aws (InvalidClientTokenId: The security token is invalid.)", "<nil>")
	})
}

// What cannot be deleted is not received again meanwhile.
func TestDeleteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{blamed: "m4"}
		for range 20 {
			w.deletes = append(w.deletes, &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"})
		}
		w.send(10)
		w.run(t, time.Hour)
		w.check(t, 10, 0, "<nil>",
			"deleting messages that are kept: AWS refuses the credentials in the Secret aws (AccessDenied: no)",
			"deleting messages that are kept: InternalError: try again", "<nil>")
		if w.receipts != 10 {
			t.Errorf("%d receives, want 10", w.receipts)
		}
	})
}
