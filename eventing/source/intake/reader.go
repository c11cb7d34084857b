package intake

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// maxBatches is how many receives are worked on at a time. While the channel
	// refuses, no more messages than these are taken from the queue.
	maxBatches = 8
	// Patience is how long a queue may take for an answer.
	Patience = 10 * time.Second
)

// Queue hands out messages and hides them from other readers for a time. When it
// is over, and they are not acknowledged, they come again.
type Queue[M any] interface {
	// Receive waits for messages as long as the queue lets it, or not at all. It is
	// not called again before it has returned.
	Receive(ctx context.Context, wait bool) ([]M, error)
	// Message is the message with its events.
	Message(M) Message
	// Hide hides messages for some time from now on; 0: they may come at once. What
	// goes wrong is not told: the messages come again, and are known again.
	Hide(ctx context.Context, messages []M, d time.Duration)
	// Acknowledge returns those messages for which it is to be tried again.
	Acknowledge(ctx context.Context, messages []M) ([]M, error)
}

// Reader takes the messages of a Queue into an Intake. It acknowledges those that
// are kept, and nothing else: what is too large for the channel is left to the
// queue, which may have dead letters.
type Reader[M any] struct {
	Queue  Queue[M]
	Intake *Intake
	Health *Health
	// Hidden is for how long Receive hides messages. A third of it before they
	// would come again, they are hidden anew.
	Hidden time.Duration
}

// Run takes messages until ctx ends, and returns when it has none in hand.
func (r *Reader[M]) Run(ctx context.Context) {
	var batches sync.WaitGroup
	defer batches.Wait()
	slots := make(chan struct{}, maxBatches)
	var pauses Pauses
	wait := false // until the queue has answered, so that this is told at once
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		messages, err := r.Queue.Receive(ctx, wait)
		if ctx.Err() != nil && len(messages) == 0 {
			return
		}
		r.Health.Set(Reading, err)
		if wait = err == nil; wait {
			pauses.Reset()
		} else if Wait(ctx, pauses.Next()) != nil {
			return
		}
		if len(messages) == 0 {
			<-slots
			continue
		}
		batches.Go(func() {
			defer func() { <-slots }()
			r.take(ctx, messages)
		})
	}
}

// take has messages kept and acknowledges them, and hides them meanwhile. Those
// that cannot be kept before ctx ends are given back.
func (r *Reader[M]) take(ctx context.Context, messages []M) {
	var hiding sync.WaitGroup
	hide, done := context.WithCancel(ctx)
	hiding.Go(func() {
		for Wait(hide, r.Hidden/3) == nil {
			r.hide(hide, messages, r.Hidden)
		}
	})
	defer hiding.Wait()
	defer done()

	put := make([]Message, len(messages))
	for i, m := range messages {
		put[i] = r.Queue.Message(m)
	}
	tooLarge, err := r.Intake.Put(ctx, put)
	if err != nil {
		r.hide(context.WithoutCancel(ctx), messages, 0)
		return
	}
	var kept []M
	for i, m := range messages {
		if !slices.Contains(tooLarge, i) {
			kept = append(kept, m)
		}
	}
	r.acknowledge(ctx, kept)
}

func (r *Reader[M]) hide(ctx context.Context, messages []M, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	r.Queue.Hide(ctx, messages, d)
}

// acknowledge tries again until the queue has taken it: else messages that are
// kept would come again and again. When ctx ends it tries once more.
func (r *Reader[M]) acknowledge(ctx context.Context, messages []M) {
	once := func(messages []M) ([]M, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Patience)
		defer cancel()
		return r.Queue.Acknowledge(ctx, messages)
	}
	var pauses Pauses
	for len(messages) > 0 {
		left, err := once(messages)
		r.Health.Set(Acknowledging, err)
		if len(left) == 0 || ctx.Err() != nil {
			return
		}
		messages = left
		if Wait(ctx, pauses.Next()) != nil {
			_, _ = once(messages)
			return
		}
	}
}
