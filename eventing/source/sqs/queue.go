package sqs

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	ktypes "k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/source/intake"
	"github.com/headway-dev/headway/eventing/source/message"
)

const (
	// maxMessages is how many come at once; SQS has no more.
	maxMessages = 10
	// maxBatches is how many receives are worked on at a time. While the channel
	// refuses, no more messages than these are taken from the queue.
	maxBatches = 8
	// longPoll is how long SQS waits for a message; it has no longer one.
	longPoll = 20 * time.Second
	// hidden is for how long a message is hidden from other readers, anew each
	// third of it, whatever the queue's own default is: so long does it take until
	// messages come again that a process had which was killed.
	hidden = time.Minute
	// patience is how long SQS may take for an answer.
	patience = 10 * time.Second
)

// api is what is used of SQS.
type api interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// queue is one run.
type queue struct {
	api    api
	url    string
	secret string // name of that with the credentials
	name   ktypes.NamespacedName
	intake *intake.Intake
	health *intake.Health
}

// run takes messages until ctx ends, and returns when it has none in hand.
func (q *queue) run(ctx context.Context) {
	var batches sync.WaitGroup
	defer batches.Wait()
	slots := make(chan struct{}, maxBatches)
	var pauses intake.Pauses
	var poll time.Duration // none until the queue has answered, so that this is told at once
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		messages, err := q.receive(ctx, poll)
		if ctx.Err() != nil && len(messages) == 0 {
			return
		}
		q.health.Set(intake.Reading, q.explain("receiving messages", err))
		if err != nil {
			poll = 0
			if intake.Wait(ctx, pauses.Next()) != nil {
				return
			}
		} else {
			poll = longPoll
			pauses.Reset()
		}
		if len(messages) == 0 {
			<-slots
			continue
		}
		batches.Go(func() {
			defer func() { <-slots }()
			q.take(ctx, messages)
		})
	}
}

func (q *queue) receive(ctx context.Context, poll time.Duration) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, longPoll+patience)
	defer cancel()
	out, err := q.api.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:              &q.url,
		MaxNumberOfMessages:   maxMessages,
		WaitTimeSeconds:       int32(poll / time.Second),
		VisibilityTimeout:     int32(hidden / time.Second),
		MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameMessageGroupId,
		},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// take has messages kept and deletes them, and hides them meanwhile. Those that
// cannot be kept before ctx ends are given back.
func (q *queue) take(ctx context.Context, messages []types.Message) {
	var hiding sync.WaitGroup
	hide, done := context.WithCancel(ctx)
	hiding.Go(func() { q.hide(hide, messages) })
	defer hiding.Wait()
	defer done()

	put := make([]intake.Message, len(messages))
	for i, m := range messages {
		put[i] = intake.Message{Name: aws.ToString(m.MessageId), Events: eventsOf(m, message.Origin(q.name))}
	}
	tooLarge, err := q.intake.Put(ctx, put)
	if err != nil {
		q.giveBack(ctx, messages)
		return
	}
	var kept []types.Message
	for i, m := range messages {
		if !slices.Contains(tooLarge, i) { // those the queue keeps
			kept = append(kept, m)
		}
	}
	q.delete(ctx, kept)
}
