package query

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/filter"
	"github.com/headway-dev/headway/eventing/story"
)

// maxEvents is how many events with one id are told of.
const maxEvents = 20

// tell tells the story of the events with an id in a namespace.
func (h *Handler) tell(ctx context.Context, namespace, id string, data bool) (*explain.EventStory, error) {
	answer := &explain.EventStory{Namespace: namespace, ID: id, Events: []explain.StoredEvent{}}
	found, earlier := h.Story.Find(namespace, id, maxEvents)
	answer.Earlier = earlier
	subscriptions, err := h.Subscriptions(ctx, namespace)
	if err != nil {
		return nil, err
	}
	told := map[place]bool{}
	for i := range found {
		at := place{found[i].Channel, found[i].Seq}
		if told[at] {
			continue // it was caught up with, too
		}
		told[at] = true
		one, ok, err := h.tellOne(ctx, &found[i], id, subscriptions, data)
		if err != nil {
			return nil, err
		}
		if ok {
			answer.Events = append(answer.Events, one)
		}
	}
	if len(answer.Events) == 0 {
		answer.Channels = h.kept(ctx, namespace)
	}
	return answer, nil
}

type place struct {
	channel types.NamespacedName
	seq     uint64
}

// tellOne tells of one event in one channel; ok is false if another one has its
// number by now.
func (h *Handler) tellOne(ctx context.Context, a *story.Accepted, id string, subscriptions []v1alpha1.Subscription, data bool) (told explain.StoredEvent, ok bool, err error) {
	told = explain.StoredEvent{Channel: a.Channel.Name, Sequence: a.Seq, Accepted: a.At, By: a.By, Gone: true}
	e, err := h.read(ctx, a.Channel, a.Seq)
	if err != nil {
		return told, false, err
	}
	if e != nil {
		if e.ID != id {
			return told, false, nil
		}
		told.Gone = false
		describe(&told, e, data)
	}
	_, attempts := h.Story.At(a.Channel, a.Seq)
	by := map[string][]explain.EventAttempt{}
	dead := map[string]string{}
	for i := range attempts {
		t := &attempts[i]
		by[t.Subscription.Name] = append(by[t.Subscription.Name], attemptOf(t))
		if t.DeadLetter != "" {
			dead[t.Subscription.Name] = t.DeadLetter
		}
	}
	for i := range subscriptions {
		s := &subscriptions[i]
		if s.Spec.Channel != a.Channel.Name {
			continue
		}
		told.Deliveries = append(told.Deliveries, h.deliver(s, a.Seq, e, by[s.Name], dead[s.Name]))
		delete(by, s.Name)
	}
	for name, attempts := range by {
		d := explain.EventDelivery{Subscription: name, Attempts: attempts, DeadLetter: dead[name], Problem: "the subscription does not exist any more"}
		if d.Judge(true, false, false); d.State == explain.EventPassed {
			d.State = explain.EventUnknown
		}
		told.Deliveries = append(told.Deliveries, d)
	}
	slices.SortFunc(told.Deliveries, func(a, b explain.EventDelivery) int { return strings.Compare(a.Subscription, b.Subscription) })
	return told, true, nil
}

// deliver tells what a subscription has done with an event, which is nil if it is
// gone.
func (h *Handler) deliver(s *v1alpha1.Subscription, seq uint64, e *event.Event, attempts []explain.EventAttempt, deadLetter string) explain.EventDelivery {
	d := explain.EventDelivery{
		Subscription: s.Name, Target: explain.Target(s.Spec.To), Filter: explain.Filter(s.Spec.Filter), Attempts: attempts, DeadLetter: deadLetter,
	}
	compiled, err := filter.Compile(s.Spec.Filter)
	switch {
	case err != nil:
		d.Verdict = "the filter cannot be used: " + err.Error()
	case e != nil:
		d.Verdict = verdict(compiled.Match(e))
	}
	if ready := condition.Get(s.Status.Conditions, v1alpha1.ConditionReady); ready.Status == "False" {
		d.Problem = ready.Reason + ": " + ready.Message
	}
	standing := h.Standing(types.NamespacedName{Namespace: s.Namespace, Name: s.Name}, seq)
	if !standing.Known && len(attempts) == 0 {
		d.State = explain.EventUnknown
		if d.Problem == "" {
			d.Problem = "the subscription has not begun yet"
		}
		return d
	}
	retry := standing.Retry
	retrying := retry.Attempts > 0
	if retrying {
		d.Tried, d.Next = int(retry.Attempts), later(time.UnixMilli(retry.Due), standing.HeldUntil)
	}
	d.Judge(standing.Done || e == nil, retrying, s.Spec.Paused || stops(d.Problem))
	if d.State == explain.EventWaiting {
		d.Before = standing.Before
	}
	return d
}

// stops reports whether a problem keeps everything from being delivered: all do but
// that of a target that fails.
func stops(problem string) bool {
	return problem != "" && !strings.HasPrefix(problem, v1alpha1.ReasonTargetFailing+":")
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b.UTC()
	}
	return a.UTC()
}

func verdict(v filter.Verdict) string {
	if v.Match {
		return ""
	}
	if v.Reason == "" {
		return "it does not match"
	}
	return v.Reason
}

// thens are what followed from attempts.
var thens = map[story.Verdict]explain.DeliveryState{story.Delivered: explain.EventDelivered, story.Again: explain.EventRetrying, story.Dead: explain.EventDead}

func attemptOf(t *story.Attempt) explain.EventAttempt {
	run := ""
	if _, after, is := strings.Cut(t.Run, "~"); is {
		run = strings.Replace(after, "~", " ", 1)
	}
	return explain.EventAttempt{
		Number: t.Number, At: t.At, Milliseconds: float64(t.Took.Microseconds()) / 1000, Status: t.Status, Said: t.Said, Revision: t.Revision,
		Then: thens[t.Verdict], Next: t.Next, Reason: t.Reason, Run: run,
	}
}

// read returns the event with a number; nil if the channel does not have it.
func (h *Handler) read(ctx context.Context, name types.NamespacedName, seq uint64) (*event.Event, error) {
	c, ok := h.Channels.Channel(name)
	if !ok || seq < c.State().First {
		return nil, nil
	}
	records, err := c.Read(ctx, seq, 1, 1)
	if err != nil || len(records) == 0 || records[0].Seq != seq {
		return nil, err
	}
	e, err := event.Decode(records[0].Data)
	if err != nil {
		return nil, nil // it is damaged, which the deliveries say
	}
	return e, nil
}

// describe tells what an event says of itself.
func describe(told *explain.StoredEvent, e *event.Event, data bool) {
	told.ID, told.Source, told.Type, told.Bytes = e.ID, e.Source, e.Type, len(e.Data)
	told.Attributes = map[string]string{}
	for _, name := range []string{"subject", "time", "datacontenttype", "dataschema"} {
		if value, ok := e.Get(name); ok {
			told.Attributes[name] = value
		}
	}
	for _, x := range e.Extensions {
		told.Attributes[x.Name] = x.Value
	}
	switch {
	case !data:
	case utf8.Valid(e.Data):
		told.Data = string(e.Data)
	default:
		told.DataBase64 = e.Data
	}
}

// kept is how far back the channels of a namespace go.
func (h *Handler) kept(ctx context.Context, namespace string) (all []explain.KeptChannel) {
	for _, name := range h.Channels.Names() {
		c, ok := h.Channels.Channel(name)
		if !ok || name.Namespace != namespace {
			continue
		}
		one := explain.KeptChannel{Name: name.Name, Events: c.State().Events}
		if records, err := c.Read(ctx, c.State().First, 1, 1); err == nil && len(records) > 0 {
			one.Oldest = records[0].At.UTC()
		}
		all = append(all, one)
	}
	return all
}

// stored is an event as a list tells it.
func stored(name channel.Name, r channel.Record, e *event.Event, data bool) explain.StoredEvent {
	told := explain.StoredEvent{Channel: name.Name, Sequence: r.Seq, Accepted: r.At.UTC()}
	describe(&told, e, data)
	return told
}
