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

// delete tries again until the queue has deleted messages that are kept, or said
// that they are no longer in hand: else they would come again and again. When ctx
// ends it tries once more.
func (q *queue) delete(ctx context.Context, messages []types.Message) {
	var pauses intake.Pauses
	for len(messages) > 0 {
		left, err := q.deleteOnce(ctx, messages)
		q.health.Set(intake.Acknowledging, q.explain("deleting messages that are kept", err))
		if len(left) == 0 || ctx.Err() != nil {
			return
		}
		messages = left
		if intake.Wait(ctx, pauses.Next()) != nil {
			_, _ = q.deleteOnce(ctx, messages)
			return
		}
	}
}

// deleteOnce returns the messages that are to be tried again.
func (q *queue) deleteOnce(ctx context.Context, messages []types.Message) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
	for i, m := range messages {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	out, err := q.api.DeleteMessageBatch(ctx, in)
	if err != nil {
		return messages, err
	}
	var left []types.Message
	for _, failed := range out.Failed {
		i, numberErr := strconv.Atoi(aws.ToString(failed.Id))
		if failed.SenderFault || numberErr != nil || i < 0 || i >= len(messages) {
			continue // its time was over: whoever receives it next deletes it
		}
		left = append(left, messages[i])
		err = fmt.Errorf("%s: %s", aws.ToString(failed.Code), aws.ToString(failed.Message))
	}
	return left, err
}

// hide keeps messages hidden from other readers until ctx ends. A message whose
// time is over all the same, after SQS's 12 hours or because SQS was away, comes
// again and is kept once within the channel's dedupe.
func (q *queue) hide(ctx context.Context, messages []types.Message) {
	for intake.Wait(ctx, hidden/3) == nil {
		q.hideFor(ctx, messages, hidden)
	}
}

// giveBack shows messages to other readers now, so that they need not wait.
func (q *queue) giveBack(ctx context.Context, messages []types.Message) {
	q.hideFor(context.WithoutCancel(ctx), messages, 0)
}

func (q *queue) hideFor(ctx context.Context, messages []types.Message, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url}
	for i, m := range messages {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: int32(d / time.Second),
		})
	}
	_, _ = q.api.ChangeMessageVisibilityBatch(ctx, in)
}
