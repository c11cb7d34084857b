package specfile

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Source is where events come from. Only the files on the production branch count.
type Source struct {
	// Name of it: within the app, where events go to a path of that.
	Name string
	// Spec has no Channel where Path is set.
	Spec v1alpha1.SourceSpec
	// Path of the app that gets the events, and DeadLetter the channel of those
	// that are given up on; empty where a channel gets them.
	Path       string `json:",omitempty"`
	DeadLetter string `json:",omitempty"`
}

var sourcesRow = row{
	name: "sources", byDefault: "none",
	doc: "[Sources](events.md#sources-in-git): where events come from. Only the files on the production branch count.",
	value: listOfObjects[Spec, Source]{
		what: "sources", most: maxEventing,
		item: objectOf[Source]{rows: sourceRows, example: "{name: push, github: {secret: secret://hooks/key}, to: /push}"},
		add:  func(s *Spec, source Source) { s.Sources = append(s.Sources, source) },
	},
}

var sourceRows = append([]rowOf[Source]{
	{
		name: "name", required: true,
		doc: "Name of the source: within the app with `to: /path`, else one that no other of the namespace has.",
		value: textOf[Source]{what: "a name of lower-case letters, digits and hyphens", example: "push",
			pattern: appName.String(), most: v1alpha1.MaxEventingName,
			set: func(s *Source, v string) error { s.Name = v; return nil }},
	},
	{
		name: "to", required: true,
		doc: "Where its events go: a path of this app, or a channel.",
		value: pathOrObject[Source]{
			path: textOf[Source]{what: "a path of this app that begins with /", example: "/events", pattern: v1alpha1.EventPath, most: v1alpha1.MaxEventPath,
				set: func(s *Source, v string) error { s.Path = v; return nil }},
			objectOf: objectOf[Source]{example: "{channel: orders}", rows: []rowOf[Source]{{
				name: "channel", byDefault: "none",
				doc:   "Channel that gets the events.",
				value: channelName("orders", func(s *Source, v string) { s.Spec.Channel = v }),
			}}},
		},
	},
	{
		name: "deadLetter", byDefault: "they are counted and dropped",
		doc:   "Channel that gets the events that are given up on, with `to: /path`.",
		value: channelName("orders-dead", func(s *Source, v string) { s.DeadLetter = v }),
	},
	{
		name: "extensions", byDefault: "none",
		doc: "Attributes that every event gets.",
		value: tableOf[Source]{what: "the name of an attribute (at most 20 lower-case letters and digits)", pattern: "^[a-z0-9]{1,20}$",
			example: "{region: eu}", most: v1alpha1.MaxExtensions, set: setExtension},
	},
	{
		name: "paused", byDefault: "false",
		doc:   "`true`: nothing is taken.",
		value: booleanOf[Source]{set: func(s *Source, v bool) { s.Spec.Paused = v }},
	},
}, kindRows...)

func setExtension(s *Source, name, v string) error {
	if v == "" || len(v) > 1024 {
		return fmt.Errorf("expected a text of 1 to 1024 characters, but found %d", len(v))
	}
	if s.Spec.Extensions == nil {
		s.Spec.Extensions = map[string]v1alpha1.EventAttribute{}
	}
	s.Spec.Extensions[name] = v1alpha1.EventAttribute(v)
	return nil
}

// acrossSources: each has one kind, and what it says about delivering counts only
// where it delivers. app is empty in a file that has none.
func (r *reader) acrossSources(app bool, sources []Source) {
	for i := range sources {
		s := &sources[i]
		key := fmt.Sprintf("sources[%d]", i)
		var kinds []string
		for _, row := range kindRows {
			if r.has(key + "." + row.name) {
				kinds = append(kinds, row.name)
			}
		}
		switch {
		case len(kinds) == 0 && r.has(key):
			r.failAt(r.at[key], key, "says no kind; write one of %s", kindNames())
		case len(kinds) > 1:
			at := key + "." + kinds[1]
			r.failAt(r.at[at], at, "%s and %s exclude each other; make two sources of them", kinds[0], kinds[1])
		}
		if k := s.Spec.Kafka; k != nil {
			r.notEmpty(key+".kafka.brokers", k.Brokers)
			r.notEmpty(key+".kafka.topics", k.Topics)
		}
		if at := key + ".to"; s.Path != "" && !app {
			r.failAt(r.at[at], at, "%s has no app; write to: {channel: orders}", EventsFileName)
		}
		if at := key + ".deadLetter"; r.has(at) && s.Spec.Channel != "" {
			r.failAt(r.at[at], at, "is about delivering, and this goes to a channel: write it where that is delivered")
		}
	}
}

func (r *reader) notEmpty(key string, list []string) {
	told := slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Key == key })
	if r.has(key) && len(list) == 0 && !told {
		r.failAt(r.at[key], key, "is empty; write at least one")
	}
}

func kindNames() string {
	var names []string
	for _, row := range kindRows {
		names = append(names, row.name)
	}
	return strings.Join(names, ", ")
}

// secretName is a Secret as a whole.
func secretName(example string, set func(s *Source, ref corev1.LocalObjectReference)) textOf[Source] {
	return textOf[Source]{what: "a Secret", example: example, pattern: `^secret://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`, most: 270,
		set: func(s *Source, v string) error {
			set(s, corev1.LocalObjectReference{Name: strings.TrimPrefix(v, "secret://")})
			return nil
		}}
}
