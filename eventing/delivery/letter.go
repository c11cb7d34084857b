package delivery

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/retry"
	"github.com/headway-dev/headway/eventing/story"
)

// letterPause is how long a channel that takes no dead letter is left alone. Then
// one is tried before the others follow.
const letterPause = 5 * time.Second

// bury makes the event a dead letter. It returns false if the channel takes none
// for now: then the event waits for it, without being under way, as something that
// is tried again. The error is that of ctx.
func (a attempt) bury(ctx context.Context, status int, reason string) (buried bool, err error) {
	if a.sub.Spec.DeadLetter == "" {
		a.drop(dropNoDeadLetter, 1)
		a.log.Warn("an event is given up on and dropped", "event", a.item.event.ID, "attempts", a.entry.Attempts, "reason", reason)
		return true, nil
	}
	letter, ok := a.letter(status, reason)
	if !ok {
		a.dropped(dropLoop, "the dead letter", tooManyHops)
		return true, nil
	}
	a.mu.Lock()
	if ok, _ = a.grave.Ask(time.Now()); !ok {
		a.mu.Unlock()
		return false, nil
	}
	pass := a.grave.Begin(time.Now())
	a.mu.Unlock()

	err = a.append(story.WithSender(ctx, a.as("given up on by")), a.sub.Spec.DeadLetter, letter)
	var large *channel.TooLarge
	if errors.As(err, &large) {
		a.dropped(dropTooLarge, "the dead letter", err.Error())
		err = nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		a.grave.End(pass, retry.Outcome{Status: http.StatusAccepted}, now)
		return true, nil
	case ctx.Err() != nil, errors.Is(err, channel.ErrClosed):
		a.grave.Cancel(pass)
		return false, err
	}
	a.grave.End(pass, retry.Outcome{Status: http.StatusServiceUnavailable, RetryAfter: letterPause}, now)
	a.failed(a.item.event.ID, "the dead letter waits for its channel: "+err.Error(), now)
	return false, nil
}

// letter is the event with why it is dead; ok is false if it is in a loop.
func (a attempt) letter(status int, reason string) (letter *event.Event, ok bool) {
	// One hop more than others have, so that what ends a loop is kept.
	letter, ok = passOn(a.item.event, a.item.event, maxHops+1)
	if !ok {
		return nil, false
	}
	letter.Set(attrDeadReason, oneLine(reason))
	letter.Set(attrDeadSubscription, a.sub.Name.String())
	letter.Set(attrDeadAttempts, strconv.Itoa(int(a.entry.Attempts)))
	if status != 0 {
		letter.Set(attrDeadStatus, strconv.Itoa(status))
	}
	if a.subscription.run != nil {
		letter.Set(attrDeadRun, a.subscription.run.String())
	}
	return letter, true
}

// buryAgain is for an event that is given up on already.
func (a attempt) buryAgain() {
	defer a.kick()
	defer a.d.flight.Release(a.weight)
	buried, err := a.bury(a.d.abort, int(a.entry.Status), a.entry.Dead)
	s := a.subscription
	s.mu.Lock()
	defer s.mu.Unlock()
	a.landed()
	switch {
	case err != nil, s.detached: // the end has come
	case buried:
		s.count(resultDead)
		s.end(a.item.seq, cursor.Dead)
	default:
		s.due.add(a.item.seq, time.Now().Add(letterPause).UnixMilli())
	}
}

// takeDue takes the next event that is due. While their channel takes none, dead
// letters are put off. Called with mu held.
func (s *subscription) takeDue(now time.Time) (seq uint64, ok bool) {
	for {
		if seq, ok = s.due.take(now.UnixMilli()); !ok {
			return 0, false
		}
		if entry, _ := s.place.Entry(seq); entry.Dead == "" {
			return seq, true
		}
		free, at := s.grave.Ask(now)
		if free {
			return seq, true
		}
		if at.IsZero() { // when the one has ended that is tried
			at = now.Add(time.Second)
		}
		s.due.add(seq, at.UnixMilli()+1)
	}
}
