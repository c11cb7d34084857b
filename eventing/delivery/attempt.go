package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/retry"
	"github.com/headway-dev/headway/eventing/story"
)

// attempt is one delivery of one event that is under way.
type attempt struct {
	*subscription
	sub    Subscription // as it was when it began, as is policy
	policy retry.Policy
	item   item
	entry  cursor.Entry // this attempt included
	weight int64
	pass   retry.Pass
	began  time.Time
}

// run delivers the event, puts what follows from it where it belongs, and
// records it. If the end comes first, nothing is recorded: the event is
// delivered again.
func (a attempt) run() {
	defer a.gate.kick()
	defer a.d.flight.Release(a.weight)
	outcome, reply, err := a.deliver(a.d.abort)
	if err != nil {
		a.cancel()
		return
	}
	now := time.Now()
	decision := retry.Next(a.policy, time.UnixMilli(a.entry.First), int(a.entry.Attempts), outcome, now, rand.Float64())
	switch decision.Verdict {
	case retry.Done:
		err = a.reply(a.d.abort, reply)
	case retry.GiveUp:
		var buried bool
		if buried, err = a.bury(a.d.abort, outcome.Status, decision.Reason); err == nil && !buried {
			a.entry.Dead = oneLine(decision.Reason)
			decision = retry.Decision{Verdict: retry.Again, At: now.Add(letterPause)}
		}
	case retry.Again:
	}
	if err != nil {
		a.cancel()
		return
	}
	a.record(outcome, decision, now)
}

// cancel takes the attempt back: the end has come.
func (a attempt) cancel() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gate.cancel(a.pass)
	a.landed()
}

// landed counts the event as not under way. Called with mu held.
func (a attempt) landed() {
	a.subscription.bytes -= a.item.size
	a.subscription.flying--
}

// record writes down how the attempt has ended.
func (a attempt) record(o retry.Outcome, d retry.Decision, ended time.Time) {
	s := a.subscription
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.end(a.pass, o, ended)
	a.landed()
	said := d
	if a.entry.Dead != "" { // only its letter is tried again
		said = retry.Decision{Verdict: retry.GiveUp, Reason: a.entry.Dead}
	}
	s.d.remember(a.story(o, said, ended))
	if d.Verdict != retry.Done && a.entry.Dead == "" {
		s.failed(a.item.event.ID, o.String(), ended)
	}
	if s.detached {
		return
	}
	switch d.Verdict {
	case retry.Done:
		s.count(resultDelivered)
		s.end(a.item.seq, cursor.Delivered)
	case retry.GiveUp:
		s.count(resultDead)
		s.end(a.item.seq, cursor.Dead)
	case retry.Again:
		s.count(resultFailed)
		a.entry.Status, a.entry.Due = uint16(o.Status), d.At.UnixMilli()
		s.place.Retry(a.item.seq, a.entry)
		s.due.add(a.item.seq, a.entry.Due)
	}
}

// deliver makes the attempt. The error is that of ctx.
func (a attempt) deliver(ctx context.Context) (o retry.Outcome, reply *event.Event, err error) {
	if a.sub.Spec.To.Channel != "" {
		o, err = a.pour(ctx)
		return o, nil, err
	}
	limit := a.sub.Spec.Timeout.Duration
	if limit <= 0 {
		limit = defaultTimeout
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	o, reply, problem := a.post(within)
	if ctx.Err() != nil && o.Fault != retry.None {
		return o, nil, ctx.Err()
	}
	if problem != nil {
		a.mu.Lock()
		a.count(resultBadReply)
		a.drop(dropBadReply, 1)
		a.failed(a.item.event.ID, "the event in the answer is dropped: "+problem.Error(), time.Now())
		a.mu.Unlock()
	}
	return o, reply, nil
}

// pour delivers to a channel.
func (a attempt) pour(ctx context.Context) (retry.Outcome, error) {
	next, ok := passOn(a.item.event, a.item.event, maxHops)
	if !ok {
		return retry.Outcome{Status: http.StatusLoopDetected, Final: tooManyHops}, nil
	}
	err := a.append(story.WithSender(ctx, a.as("passed on by")), a.sub.Spec.To.Channel, next)
	var full *channel.Full
	var unavailable *channel.Unavailable
	var large *channel.TooLarge
	switch {
	case err == nil:
		return retry.Outcome{Status: http.StatusAccepted}, nil
	case ctx.Err() != nil, errors.Is(err, channel.ErrClosed):
		return retry.Outcome{}, err
	case errors.As(err, &large):
		return retry.Outcome{Status: http.StatusRequestEntityTooLarge}, nil
	case errors.As(err, &full):
		return retry.Outcome{Status: http.StatusServiceUnavailable, RetryAfter: full.RetryAfter}, nil
	case errors.As(err, &unavailable):
		return retry.Outcome{Status: http.StatusServiceUnavailable, RetryAfter: unavailable.RetryAfter}, nil
	}
	return retry.Outcome{Fault: retry.Network, Detail: err.Error()}, nil
}

// errNoChannel is the error for a channel that does not exist.
var errNoChannel = errors.New("it does not exist")

func (a attempt) append(ctx context.Context, name string, e *event.Event) error {
	c, ok := a.d.store.Channel(channel.Name{Namespace: a.sub.Name.Namespace, Name: name})
	if !ok {
		return fmt.Errorf("channel %s: %w", name, errNoChannel)
	}
	return c.Append(ctx, []event.Event{*e})
}
