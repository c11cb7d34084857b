package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// topology is where events come from and go to, by the files that can be used.
type topology struct {
	// channels are those that the files declare, or imply.
	channels      map[string]v1alpha1.ChannelSpec
	sources       []placed[v1alpha1.SourceSpec]
	subscriptions []placed[v1alpha1.SubscriptionSpec]
	// sends are the channels that apps have tokens for.
	sends []sending
	edges []edge
	// dead are the channels that get what is given up on.
	dead map[string]bool
}

// placed is an object with the file where it stands.
type placed[S any] struct {
	of *Candidate
	*specfile.Object[S]
}

// sending is an app that names a channel in sends.
type sending struct {
	of      *Candidate
	channel string
	key     string
}

// edge is a way of events from a channel to another one.
type edge struct {
	from, to string
	by       placed[v1alpha1.SubscriptionSpec]
	// key below the subscription that makes it.
	key string
}

func (s *Snapshot) topology() *topology {
	t := &topology{channels: map[string]v1alpha1.ChannelSpec{}, dead: map[string]bool{}}
	for _, c := range s.all() {
		if c.Spec == nil || c.Problem != nil {
			continue
		}
		o := c.Spec.Objects()
		for _, channel := range o.Channels {
			t.channels[channel.Name] = channel.Spec
		}
		for i := range o.Sources {
			t.sources = append(t.sources, placed[v1alpha1.SourceSpec]{c, &o.Sources[i]})
		}
		for i := range o.Subscriptions {
			t.subscriptions = append(t.subscriptions, placed[v1alpha1.SubscriptionSpec]{c, &o.Subscriptions[i]})
		}
		for _, channel := range c.Spec.Sends {
			if !strings.Contains(channel, "/") {
				t.sends = append(t.sends, sending{c, channel, "sends"})
			}
		}
	}
	for _, s := range t.subscriptions {
		for _, e := range edgesOf(s) {
			t.edges = append(t.edges, e)
			t.dead[e.to] = t.dead[e.to] || e.key == "deadLetter"
		}
	}
	return t
}

func edgesOf(s placed[v1alpha1.SubscriptionSpec]) []edge {
	var out []edge
	for _, e := range []edge{{to: s.Spec.To.Channel, key: "to.channel"}, {to: s.Spec.Reply, key: "reply"}, {to: s.Spec.DeadLetter, key: "deadLetter"}} {
		if e.to != "" {
			out = append(out, edge{s.Spec.Channel, e.to, s, e.key})
		}
	}
	return out
}

// Topology draws where the events of a commit come from and go to: each channel in
// the order of their names, with what leads to it and what leads away.
func (s *Snapshot) Topology() string {
	t := s.topology()
	lines := map[string][]string{}
	for name := range t.channels {
		lines[name] = nil
	}
	add := func(channel, format string, args ...any) {
		lines[channel] = append(lines[channel], "  "+fmt.Sprintf(format, args...))
	}
	for _, source := range t.sources {
		add(source.Spec.Channel, "<- %s (%s)", SourceText(source.Spec), source.Name)
	}
	for _, sends := range t.sends {
		add(sends.channel, "<- app %s", sends.of.Name)
	}
	for _, e := range t.edges {
		what := map[string]string{"to.channel": "events", "reply": "answers", "deadLetter": "dead letters"}[e.key]
		add(e.to, "<- %s of %s", what, e.by.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(t.channels)) {
		a := t.channels[name].Access
		if a == nil || a.Outside == nil {
			continue
		}
		if a.Outside.HMAC.Name != "" {
			add(name, "<- outside, signed")
		}
		if len(a.Outside.SubjectAltNames) > 0 {
			add(name, "<- outside, with a client certificate")
		}
	}
	for _, each := range t.subscriptions {
		add(each.Spec.Channel, "-> %s", deliveryText(each))
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		slices.Sort(lines[name])
		slices.Reverse(lines[name]) // <- comes before ->
		b.WriteString(name + "\n")
		for _, line := range lines[name] {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func deliveryText(s placed[v1alpha1.SubscriptionSpec]) string {
	to := "app " + s.Spec.To.App + " " + s.Spec.To.Path
	switch {
	case s.Spec.To.Channel != "":
		to = "channel " + s.Spec.To.Channel
	case s.Spec.To.URL != "":
		to = s.Spec.To.URL
	}
	text := to
	if s.Spec.Filter != nil {
		text = "[" + condition.Clip(filterText(s.Spec.Filter), 200) + "] -> " + to
	}
	text += " (" + s.Name + ")"
	if s.Spec.Reply != "" {
		text += ", answers -> " + s.Spec.Reply
	}
	if s.Spec.DeadLetter != "" {
		text += ", dead letters -> " + s.Spec.DeadLetter
	}
	return text
}

// filterText is a filter in one line.
func filterText(f *v1alpha1.EventFilter) string {
	var parts []string
	for _, form := range []struct {
		values        map[string]string
		before, after string
	}{{f.Exact, "", ""}, {f.Prefix, "", "*"}, {f.Suffix, "*", ""}} {
		for _, name := range slices.Sorted(maps.Keys(form.values)) {
			parts = append(parts, name+"="+form.before+form.values[name]+form.after)
		}
	}
	if f.CESQL != "" {
		parts = append(parts, f.CESQL)
	}
	several := func(filters []v1alpha1.EventFilter, with string) {
		var texts []string
		for i := range filters {
			texts = append(texts, filterText(&filters[i]))
		}
		if texts != nil {
			parts = append(parts, "("+strings.Join(texts, with)+")")
		}
	}
	several(f.All, " and ")
	several(f.Any, " or ")
	if f.Not != nil {
		parts = append(parts, "not ("+filterText(f.Not)+")")
	}
	return strings.Join(parts, " and ")
}
