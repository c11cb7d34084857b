package delivery

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/story"
)

// tooManyHops is the reason for what goes round in a loop.
const tooManyHops = "it has passed 16 channels, which is taken for a loop"

// passOn returns a copy of e with one hop more than the event has that caused it;
// ok is false if that one has the most allowed.
func passOn(e, cause *event.Event, most int) (next *event.Event, ok bool) {
	value, _ := cause.Get(attrHops)
	hops, _ := strconv.Atoi(value) // what is no number counts as none
	if hops >= most {
		return nil, false
	}
	c := *e
	c.Extensions = append([]event.Attribute(nil), e.Extensions...)
	c.Set(attrHops, strconv.Itoa(max(hops, 0)+1))
	return &c, true
}

// reply puts the event with which the target has answered into its channel. The
// error is that of ctx.
func (a attempt) reply(ctx context.Context, e *event.Event) error {
	if e == nil {
		return nil
	}
	next, ok := passOn(e, a.item.event, maxHops)
	if !ok {
		a.dropped(dropLoop, "the event in the answer", tooManyHops)
		return nil
	}
	// Who does not pass the trace on did not mean to end it.
	next.JoinTrace(a.item.event.Trace())
	return a.insist(story.WithSender(ctx, a.as("the answer to")), a.sub.Spec.Reply, next, "the event in the answer")
}

// as is the sender of an event that follows from the attempt.
func (a attempt) as(what string) string {
	return what + " subscription " + a.sub.Name.Name + ", event " + strconv.FormatUint(a.item.seq, 10) + " of channel " + a.lane.channel.Name().Name
}

// insist puts a reply into its channel, however long that takes: it is nowhere
// else. Meanwhile the attempt is under way, so that no more of them follow than the
// window allows.
func (a attempt) insist(ctx context.Context, name string, e *event.Event, what string) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, maxInsist) {
		err := a.append(ctx, name, e)
		var large *channel.TooLarge
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil, errors.Is(err, channel.ErrClosed):
			return err
		case errors.As(err, &large):
			a.dropped(dropTooLarge, what, err.Error())
			return nil
		}
		a.mu.Lock()
		a.failed(a.item.event.ID, what+" waits for its channel: "+err.Error(), time.Now())
		a.mu.Unlock()
		var full *channel.Full
		if errors.As(err, &full) {
			wait = maxInsist
		}
		pause(ctx, wait)
	}
}

// maxInsist is the longest pause before a channel is tried again.
const maxInsist = 5 * time.Second

// dropped tells that something is lost for good.
func (a attempt) dropped(kind, what, reason string) {
	a.drop(kind, 1)
	a.log.Warn("an event is dropped", "what", what, "event", a.item.event.ID, "reason", reason)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count(resultDropped)
	a.failed(a.item.event.ID, what+" is dropped: "+reason, time.Now())
}

// oneLine makes a reason an attribute: one line of at most maxReason bytes.
func oneLine(reason string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, reason)
	if len(clean) <= maxReason {
		return clean
	}
	cut := maxReason - len("…")
	for !utf8.RuneStart(clean[cut]) {
		cut--
	}
	return clean[:cut] + "…"
}
