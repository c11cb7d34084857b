package sqs

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/headway-dev/headway/eventing/source/intake"
)

const (
	// maxMessages is how many come at once; SQS has no more.
	maxMessages = 10
	// longPoll is how long SQS waits for a message; it has no longer one.
	longPoll = 20 * time.Second
	// hidden is for how long a message is hidden from other readers, whatever the
	// queue's own default is: so long does it take until messages come again that a
	// process had which was killed. SQS hides none for longer than 12 hours.
	hidden = time.Minute
)

// api is what is used of SQS.
type api interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// queue is an intake.Queue.
type queue struct {
	api    api
	url    string
	secret string // name of that with the credentials
	origin string // source of events
}

func (q *queue) Receive(ctx context.Context, wait bool) ([]types.Message, error) {
	var poll time.Duration
	if wait {
		poll = longPoll
	}
	ctx, cancel := context.WithTimeout(ctx, poll+intake.Patience)
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
		return nil, q.explain("receiving messages", err)
	}
	return out.Messages, nil
}

func (q *queue) Message(m types.Message) intake.Message {
	return intake.Message{Name: aws.ToString(m.MessageId), Events: eventsOf(m, q.origin)}
}

func (q *queue) Hide(ctx context.Context, messages []types.Message, d time.Duration) {
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url}
	for i, m := range messages {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: int32(d / time.Second),
		})
	}
	_, _ = q.api.ChangeMessageVisibilityBatch(ctx, in)
}

// Acknowledge deletes messages.
func (q *queue) Acknowledge(ctx context.Context, messages []types.Message) ([]types.Message, error) {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
	for i, m := range messages {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	out, err := q.api.DeleteMessageBatch(ctx, in)
	if err != nil {
		return messages, q.explain("deleting messages that are kept", err)
	}
	var left []types.Message
	for _, failed := range out.Failed {
		i, numberErr := strconv.Atoi(aws.ToString(failed.Id))
		if failed.SenderFault || numberErr != nil || i < 0 || i >= len(messages) {
			continue // its time was over: whoever receives it next deletes it
		}
		left = append(left, messages[i])
		err = fmt.Errorf("deleting messages that are kept: %s: %s", aws.ToString(failed.Code), aws.ToString(failed.Message))
	}
	return left, err
}
