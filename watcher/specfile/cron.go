package specfile

import (
	"strings"

	"github.com/headway-dev/headway/api/cron"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// Parts of cron that sources and the subscriptions of an app have alike. into makes
// the CronSource when the first of its keys is read.
type cronKeys[T any] func(into *T) *v1alpha1.CronSource

const scheduleExample = `"0 3 * * * Europe/Berlin"`

func (k cronKeys[T]) schedule() textOf[T] {
	return textOf[T]{what: "a schedule of five fields, and a time zone", example: scheduleExample, pattern: `^[^\x00-\x1f]*$`, most: v1alpha1.MaxSchedule,
		set: func(into *T, v string) error { return setSchedule(k(into), v) }}
}

func (k cronKeys[T]) catchUp() rowOf[T] {
	return rowOf[T]{
		name: "catchUp", byDefault: string(v1alpha1.CatchUpLast),
		doc: "What becomes of times that were missed: one event for the `last` of them, `all`, or `none`.",
		value: textOf[T]{what: "last, all or none", example: "all", pattern: "^(last|all|none)$", most: 4,
			set: func(into *T, v string) error { k(into).CatchUp = v1alpha1.CatchUp(v); return nil }},
	}
}

func (k cronKeys[T]) data() rowOf[T] {
	return rowOf[T]{
		name: "data", byDefault: "none",
		doc: "Data of each event of `cron`: JSON, or else plain text.",
		value: textOf[T]{what: "a text", example: `'{"full": true}'`, pattern: `^[^\x00]*$`, most: v1alpha1.MaxCronData, bare: true,
			set: func(into *T, v string) error { k(into).Data = v; return nil }},
	}
}

// setSchedule takes five fields and, after them, a time zone.
func setSchedule(c *v1alpha1.CronSource, v string) error {
	words := strings.Fields(v)
	zone := ""
	if len(words) == 6 {
		words, zone = words[:5], words[5]
	}
	c.Schedule, c.TimeZone = strings.Join(words, " "), zone
	if _, err := cron.Zone(zone); err != nil {
		return err
	}
	_, err := cron.Parse(c.Schedule)
	return err
}
