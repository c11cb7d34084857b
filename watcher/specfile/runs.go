package specfile

import (
	"fmt"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// redriveRow and replayRow deliver events again, once for each name.
var (
	redriveRow = rowOf[Subscription]{
		name: "redrive", byDefault: "none",
		doc: "Deliver the dead letters of this subscription again, [once for each name](events.md#again-redrive-and-replay).",
		value: objectOf[Subscription]{rows: redriveRows, example: "{name: after-the-fix}",
			begin: func(e *Subscription) { e.Spec.Redrive = &v1alpha1.EventRedrive{} }},
	}
	replayRow = rowOf[Subscription]{
		name: "replay", byDefault: "none",
		doc: "Deliver events of the channel again, [once for each name](events.md#again-redrive-and-replay), beside what is delivered otherwise.",
		value: objectOf[Subscription]{rows: replayRows, example: "{name: monday, from: 2026-05-04T12:00:00Z}",
			begin: func(e *Subscription) { e.Spec.Replay = &v1alpha1.EventReplay{} }},
	}
)

var redriveRows = []rowOf[Subscription]{
	{
		name: "name", required: true,
		doc:   "Another name runs it again.",
		value: runName("after-the-fix", func(e *Subscription) *string { return &e.Spec.Redrive.Name }),
	},
	{
		name: "filter", byDefault: "all of them",
		doc:   "What a dead letter must have, as in `filter`; the attributes `headwaydead…` are there.",
		value: filterOf[Subscription]{set: func(e *Subscription, f *v1alpha1.EventFilter) { e.Spec.Redrive.Filter = f }},
	},
	{
		name: "again", byDefault: "false",
		doc:   "`true`: also those that an earlier redrive has delivered.",
		value: booleanOf[Subscription]{set: func(e *Subscription, v bool) { e.Spec.Redrive.Again = v }},
	},
}

// plainTime is the form of a time without its anchors.
var plainTime = strings.Trim(v1alpha1.EventTime, "^$")

var replayRows = []rowOf[Subscription]{
	{
		name: "name", required: true,
		doc:   "Another name runs it again.",
		value: runName("monday", func(e *Subscription) *string { return &e.Spec.Replay.Name }),
	},
	{
		name: "from", required: true,
		doc: "Where it begins: `earliest`, a time, or `id:` and the id of an event.",
		value: textOf[Subscription]{what: "earliest, a time or the id of an event", example: "2026-05-04T12:00:00Z or id:17",
			pattern: "^(earliest|id:.+|" + plainTime + ")$", most: 1024,
			set: func(e *Subscription, v string) error {
				e.Spec.Replay.From = v
				if v == v1alpha1.FromEarliest || strings.HasPrefix(v, "id:") {
					return nil
				}
				return checkTime(v)
			}},
	},
	{
		name: "until", byDefault: "when it begins",
		doc: "Time at which it ends.",
		value: textOf[Subscription]{what: "a time", example: "2026-05-04T18:00:00Z", pattern: v1alpha1.EventTime, most: 64,
			set: func(e *Subscription, v string) error { e.Spec.Replay.Until = v; return checkTime(v) }},
	},
	{
		name: "filter", byDefault: "that of the subscription",
		doc:   "What an event must have, in the place of the subscription's `filter`.",
		value: filterOf[Subscription]{set: func(e *Subscription, f *v1alpha1.EventFilter) { e.Spec.Replay.Filter = f }},
	},
	{
		name: "app", byDefault: "this app",
		doc: "App that gets the events, such as a preview.",
		value: textOf[Subscription]{what: "the name of an app", example: "shop-pr-12", pattern: appName.String(), most: 63,
			set: func(e *Subscription, v string) error { e.Spec.Replay.App = v; return nil }},
	},
	{
		name: "revision", byDefault: "as requests are split",
		doc: "Commit, or name of a revision, of the app that alone gets the events.",
		value: textOf[Subscription]{what: "a commit or the name of a revision", example: "1a2b3c4d", pattern: `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`, most: 64, bare: true,
			set: func(e *Subscription, v string) error { e.Spec.Replay.Revision = v; return nil }},
	},
}

func runName(example string, field func(e *Subscription) *string) textOf[Subscription] {
	return textOf[Subscription]{what: "a name of at most 63 lower-case letters, digits and hyphens", example: example, pattern: v1alpha1.RunName, most: 63, bare: true,
		set: func(e *Subscription, v string) error { *field(e) = v; return nil }}
}

func checkTime(v string) error {
	if _, err := time.Parse(time.RFC3339, v); err != nil {
		return fmt.Errorf("%s is no time; write it as 2026-05-04T12:00:00Z", clip(v))
	}
	return nil
}

// acrossRuns: a redrive has dead letters to read, only an app has revisions, and a
// replay ends after it begins.
func (r *reader) acrossRuns(key string, e *Subscription) {
	if e.Spec.Redrive != nil && e.Spec.DeadLetter == "" && !r.has(key+".deadLetter") {
		r.failAt(r.at[key+".redrive"], key+".redrive", "delivers what deadLetter has, and this subscription names none")
	}
	for _, to := range []string{"app", "revision"} {
		if at := key + ".replay." + to; r.has(at) && !e.here && r.has(key+".to") {
			r.failAt(r.at[at], at, "is for events that go to a path of this app, such as to: /events")
		}
	}
	if run := e.Spec.Replay; run != nil && run.Until != "" {
		from, err := time.Parse(time.RFC3339, run.From)
		until, err2 := time.Parse(time.RFC3339, run.Until)
		if at := key + ".replay.until"; err == nil && err2 == nil && !until.After(from) {
			r.failAt(r.at[at], at, "is not after from; nothing would be delivered")
		}
	}
}
