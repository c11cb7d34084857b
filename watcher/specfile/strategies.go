package specfile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// period is a duration that a rule has.
func period(example string, least, most time.Duration, field func(r *rule) *metav1.Duration) durationOf[rule] {
	return durationOf[rule]{min: least, max: most, example: example,
		set: func(r *rule, v time.Duration) { field(r).Duration = v }}
}

var canaryRows = []rowOf[rule]{
	{
		name: "steps", byDefault: "none",
		doc: "Percentages of the traffic, rising. After the last one comes 100%.",
		value: listOf[rule]{what: "percentages", example: "1, 5, 25, 50", most: 20, item: percent("5", 99_99,
			func(r *rule, v int32) { r.Canary.Steps = append(r.Canary.Steps, v) })},
	},
	{
		name: "every", byDefault: "2m",
		doc:   "How long each step takes at least.",
		value: period("2m", time.Second, 24*time.Hour, func(r *rule) *metav1.Duration { return &r.Canary.Every }),
	},
	{
		name: "ramp", byDefault: "none",
		doc:   "Time in which the traffic moves steadily, in the place of steps.",
		value: period("20m", time.Minute, 24*time.Hour, func(r *rule) *metav1.Duration { return &r.Canary.Ramp }),
	},
}

var blueGreenRows = []rowOf[rule]{
	{
		name: "soak", byDefault: "0s",
		doc:   "How long the new version is checked at its own URL, with pods for all of the traffic, before it gets any.",
		value: period("10m", 0, 24*time.Hour, func(r *rule) *metav1.Duration { return &r.BlueGreen.Soak }),
	},
	{
		name: "keep", byDefault: "2m",
		doc:   "How long the version before keeps its pods afterwards, to take the traffic back within a second.",
		value: period("1h", 0, 7*24*time.Hour, func(r *rule) *metav1.Duration { return &r.BlueGreen.Keep }),
	},
}

var matchRows = []rowOf[rule]{
	{
		name: "method", byDefault: "any",
		doc: "Method of the request.",
		value: textOf[rule]{what: "a method in capital letters", example: "GET", pattern: "^[A-Z]{1,16}$", most: 16,
			set: func(r *rule, v string) error { r.Match.Method = v; return nil }},
	},
	{
		name: "header", byDefault: "any",
		doc: "Header fields by name: the value itself, the beginning of one and a `*`, or `*` for any.",
		value: tableOf[rule]{what: "the name of a header field", pattern: tokenPattern, example: `{X-Beta: "yes"}`, most: 8,
			set: func(r *rule, name, v string) error { return setMatch(&r.Match.Header, name, v) }},
	},
	{
		name: "cookie", byDefault: "any",
		doc: "Cookies by name, with values as in `header`.",
		value: tableOf[rule]{what: "the name of a cookie", pattern: tokenPattern, example: "{tester: \"*\"}", most: 8,
			set: func(r *rule, name, v string) error { return setMatch(&r.Match.Cookie, name, v) }},
	},
}

// tokenPattern are names of header fields and cookies (RFC 9110, section 5.6.2).
const tokenPattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"

func setMatch(into *map[string]string, name, v string) error {
	star := strings.IndexByte(v, '*')
	switch {
	case v == "":
		return errors.New(`is empty; write the value, "x*" for those that begin with x, or "*" for any`)
	case len(v) > 1024 || strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c > '~' }):
		return fmt.Errorf("expected at most 1024 characters of ASCII, but found %q", clip(v))
	case star >= 0 && star < len(v)-1:
		return fmt.Errorf("%q has a * that is not at its end; it can only stand there", clip(v))
	}
	if *into == nil {
		*into = map[string]string{}
	}
	(*into)[name] = v
	return nil
}

var promoteRows = []rowOf[rule]{
	{
		name: "to", required: true,
		doc: "The production branch, which is moved forward to the branch's head.",
		value: textOf[rule]{what: "the name of the production branch", example: "main", pattern: `^[^\s~^:?*\[\\]+$`, most: 255,
			set: func(r *rule, v string) error { r.Promote.To = v; return nil }},
	},
	{
		name: "after", required: true,
		doc:   "How long its share must have passed the gates.",
		value: period("24h", time.Minute, 30*24*time.Hour, func(r *rule) *metav1.Duration { return &r.Promote.After }),
	},
}
