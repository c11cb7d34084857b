package specfile

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Subscription is one of the app to the events of a channel, or of a schedule. Only
// the file on the production branch counts.
type Subscription struct {
	// Name within the app. Default: that of the channel.
	Name string
	Spec v1alpha1.SubscriptionSpec
	// Cron makes the events, in the place of a channel.
	Cron *v1alpha1.CronSource `json:",omitempty"`
	// here: events go to this app.
	here bool
}

var eventsRow = row{
	name: "events", byDefault: "none",
	doc: "[Subscriptions](events.md) of the app: which events of which channel go where. Only the file on the production branch counts.",
	value: listOfObjects[Spec, Subscription]{
		what: "subscriptions", most: maxEventing,
		item: objectOf[Subscription]{rows: subscriptionRows, example: "{from: orders, to: /events}", begin: beginSubscription},
		add:  func(s *Spec, e Subscription) { s.Events = append(s.Events, e) },
	},
}

// cronOfSubscription are the keys of a schedule within a subscription.
var cronOfSubscription = cronKeys[Subscription](func(e *Subscription) *v1alpha1.CronSource {
	if e.Cron == nil {
		e.Cron = &v1alpha1.CronSource{CatchUp: v1alpha1.CatchUpLast}
	}
	return e.Cron
})

// beginSubscription fills in what holds for a subscription that says no more
// than it must.
func beginSubscription(e *Subscription) {
	e.Spec = v1alpha1.SubscriptionSpec{
		Retry: v1alpha1.EventRetry{
			For:   metav1.Duration{Duration: v1alpha1.DefaultRetryFor},
			First: metav1.Duration{Duration: v1alpha1.DefaultRetryFirst},
			Max:   metav1.Duration{Duration: v1alpha1.DefaultRetryMax},
		},
		Timeout: metav1.Duration{Duration: v1alpha1.DefaultDeliveryTimeout},
		From:    v1alpha1.FromNow,
	}
}

var subscriptionRows = []rowOf[Subscription]{
	{
		name: "name", byDefault: "that of the channel; required with cron",
		doc: "Name of the subscription within the app. It keeps its place in the channel under it.",
		value: textOf[Subscription]{what: "a name of lower-case letters, digits and hyphens", example: "mail",
			pattern: appName.String(), most: v1alpha1.MaxEventingName,
			set: func(e *Subscription, v string) error { e.Name = v; return nil }},
	},
	{
		name: "from", byDefault: "none: cron is there instead",
		doc:   "Channel whose events are delivered. Another repository of the namespace may have it.",
		value: channelName("orders", func(e *Subscription, v string) { e.Spec.Channel = v }),
	},
	{
		name: "cron", byDefault: "none: from is there instead",
		doc:   "Times at which an event is made, in the place of `from`: minute, hour, day of the month, month and day of the week, and a time zone if it is not UTC.",
		value: cronOfSubscription.schedule(),
	},
	cronOfSubscription.catchUp(),
	cronOfSubscription.data(),
	{
		name: "filter", byDefault: "every event",
		doc:   "What an event must have to be delivered: attributes with their values, or one of the [other forms](events.md#filters).",
		value: filterOf[Subscription]{set: func(e *Subscription, f *v1alpha1.EventFilter) { e.Spec.Filter = f }},
	},
	{
		name: "to", required: true,
		doc: "Where events go: a path of this app, another channel or a URL.",
		value: pathOrObject[Subscription]{
			path: textOf[Subscription]{what: "a path of this app that begins with /", example: "/events", pattern: v1alpha1.EventPath, most: v1alpha1.MaxEventPath,
				set: func(e *Subscription, v string) error { e.here, e.Spec.To.Path = true, v; return nil }},
			objectOf: objectOf[Subscription]{rows: targetRows, example: "{channel: big}"},
		},
	},
	{
		name: "reply", byDefault: "answers are dropped",
		doc:   "Channel that gets an event with which the app answers.",
		value: channelName("answers", func(e *Subscription, v string) { e.Spec.Reply = v }),
	},
	{
		name: "deadLetter", byDefault: "they are counted and dropped",
		doc:   "Channel that gets the events that are given up on.",
		value: channelName("orders-dead", func(e *Subscription, v string) { e.Spec.DeadLetter = v }),
	},
	{
		name: "retry", byDefault: "{for: 24h, first: 1s, max: 10m}",
		doc:   "How long, and with which pauses, a delivery that failed is tried again.",
		value: objectOf[Subscription]{rows: retryRows, example: "{for: 24h}"},
	},
	{
		name: "ordered", byDefault: "no order is kept",
		doc: "Attribute whose equal values are delivered one after the other.",
		value: textOf[Subscription]{what: attributeWhat, example: "subject", pattern: v1alpha1.AttributeName, most: 64,
			set: func(e *Subscription, v string) error { e.Spec.Ordered = v; return nil }},
	},
	{
		name: "rate", byDefault: "no limit",
		doc: "Most deliveries a second, attempts again included.",
		value: textOf[Subscription]{what: fmt.Sprintf("a rate from 1/s to %d/s", v1alpha1.MaxRate), example: "25/s", pattern: `^[1-9][0-9]{0,5}/s$`, most: 8, bare: true,
			set: setRate},
	},
	{
		name: "inFlight", byDefault: "as many as the target keeps up with, at most 256",
		doc: "Most deliveries at a time.",
		value: integerOf[Subscription]{min: 1, max: v1alpha1.MaxInFlight, example: 10,
			set: func(e *Subscription, v int32) { e.Spec.InFlight = v }},
	},
	{
		name: "timeout", byDefault: "30s",
		doc: "How long one attempt may take.",
		value: durationOf[Subscription]{min: v1alpha1.MinDeliveryTimeout, max: v1alpha1.MaxDeliveryTimeout, example: "30s",
			set: func(e *Subscription, v time.Duration) { e.Spec.Timeout.Duration = v }},
	},
	{
		name: "paused", byDefault: "false",
		doc:   "`true`: nothing is delivered; events wait as long as the channel keeps them.",
		value: booleanOf[Subscription]{set: func(e *Subscription, v bool) { e.Spec.Paused = v }},
	},
	{
		name: "start", byDefault: v1alpha1.FromNow,
		doc: "Where a new subscription begins: `now`, `earliest`, or at a time.",
		value: textOf[Subscription]{what: "now, earliest or a time", example: "2026-05-04T12:00:00Z", pattern: "^(now|earliest|" + plainTime + ")$", most: 64,
			set: setStart},
	},
	redriveRow,
	replayRow,
}

var targetRows = []rowOf[Subscription]{
	{
		name: "channel", byDefault: "none",
		doc:   "Channel that gets a copy of each event.",
		value: channelName("big", func(e *Subscription, v string) { e.Spec.To.Channel = v }),
	},
	{
		name: "url", byDefault: "none",
		doc: "URL, also outside of the cluster.",
		value: textOf[Subscription]{what: urlWhat, example: "https://hooks.example.com/orders", pattern: urlPattern, most: v1alpha1.MaxEventURL,
			set: func(e *Subscription, v string) error { e.Spec.To.URL = v; return checkURL(v) }},
	},
}

var retryRows = []rowOf[Subscription]{
	{
		name: "for", byDefault: "24h",
		doc:   "How long an event is tried again before it is given up on; at least 8 times.",
		value: pause("24h", v1alpha1.MinRetryFor, v1alpha1.MaxRetryFor, func(r *v1alpha1.EventRetry) *metav1.Duration { return &r.For }),
	},
	{
		name: "first", byDefault: "1s",
		doc:   "Longest pause before the second attempt. It doubles with each one.",
		value: pause("1s", v1alpha1.MinRetryFirst, v1alpha1.MaxRetryFirst, func(r *v1alpha1.EventRetry) *metav1.Duration { return &r.First }),
	},
	{
		name: "max", byDefault: "10m",
		doc:   "Longest pause between two attempts.",
		value: pause("10m", v1alpha1.MinRetryMax, v1alpha1.MaxRetryMax, func(r *v1alpha1.EventRetry) *metav1.Duration { return &r.Max }),
	},
}

// pause is a duration of the retries.
func pause(example string, least, most time.Duration, field func(*v1alpha1.EventRetry) *metav1.Duration) durationOf[Subscription] {
	return durationOf[Subscription]{min: least, max: most, example: example,
		set: func(e *Subscription, v time.Duration) { field(&e.Spec.Retry).Duration = v }}
}

func setRate(e *Subscription, v string) error {
	n, err := strconv.ParseInt(strings.TrimSuffix(v, "/s"), 10, 32)
	if err != nil || n > v1alpha1.MaxRate {
		return fmt.Errorf("%s is more than %d/s; without the key there is no limit", v, v1alpha1.MaxRate)
	}
	e.Spec.Rate = int32(n)
	return nil
}

func setStart(e *Subscription, v string) error {
	if v != v1alpha1.FromNow && v != v1alpha1.FromEarliest {
		if err := checkTime(v); err != nil {
			return err
		}
	}
	e.Spec.From = v
	return nil
}

// acrossEvents: each subscription has a channel or a schedule.
func (r *reader) acrossEvents(app string, events []Subscription) {
	for i := range events {
		e := &events[i]
		key := fmt.Sprintf("events[%d]", i)
		r.acrossCron(key, e)
		if !r.has(key + ".name") {
			e.Name = e.Spec.Channel
		}
		if e.here {
			e.Spec.To.App = app
		}
		r.acrossRuns(key, e)
	}
}

// ofChannel are the keys of a subscription that are about how events of a channel
// are delivered: without a subscription they have no effect.
var ofChannel = []string{"filter", "reply", "deadLetter", "retry", "ordered", "rate", "inFlight", "timeout", "redrive", "replay"}

func (r *reader) acrossCron(key string, e *Subscription) {
	from, cron := r.has(key+".from"), r.has(key+".cron")
	fail := func(name, message string) { r.failAt(r.at[key+name], key+name, "%s", message) }
	switch {
	case from && cron:
		fail(".cron", "from and cron exclude each other; keep one")
	case !from && !cron && r.has(key):
		fail("", "has no events; write from: orders, a channel, or cron: "+scheduleExample)
	case !cron:
		for _, name := range []string{".catchUp", ".data"} {
			if r.has(key + name) {
				fail(name, "is about cron, and this subscription has none")
			}
		}
	default:
		if !r.has(key + ".name") {
			fail("", `has no name; what comes from cron needs one, such as name: nightly`)
		}
		if r.has(key + ".start") {
			fail(".start", "is about a channel; of times that were missed, catchUp says what becomes of them")
		}
		if e.Spec.To.URL != "" {
			fail(".to.url", "cron goes to a path of this app or to a channel")
		}
		for _, name := range ofChannel {
			if at := key + "." + name; e.Spec.To.Channel != "" && r.has(at) {
				fail("."+name, "is about delivering, and this goes to a channel: write it where that is delivered")
			}
		}
	}
}
