package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/nearest"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// Lint says what the channels, sources and subscriptions of a commit come to that
// nobody can have meant, or that loses events. Nothing of it is a reason to refuse
// a file. elsewhere reports whether another repository of the namespace has a
// channel; nil: no cluster was asked.
func (s *Snapshot) Lint(elsewhere func(channel string) bool) specfile.Problems {
	t := s.topology()
	var out specfile.Problems
	for _, source := range t.sources {
		key := source.Key + ".to.channel"
		out = append(out, t.unknown(source.of, key, source.Spec.Channel, elsewhere)...)
	}
	for _, each := range t.sends {
		out = append(out, t.unknown(each.of, each.key, each.channel, elsewhere)...)
	}
	for _, each := range t.subscriptions {
		for _, e := range append([]edge{{to: each.Spec.Channel, key: "from"}}, edgesOf(each)...) {
			out = append(out, t.unknown(each.of, each.Key+"."+e.key, e.to, elsewhere)...)
		}
		out = append(out, t.dropping(each)...)
		out = append(out, t.unreached(each)...)
	}
	return append(out, t.loops()...)
}

func warn(of *Candidate, key, format string, args ...any) specfile.Problem {
	p := of.Spec.Problem(key, fmt.Sprintf(format, args...))
	p.File = of.File
	return p
}

// unknown is a channel that nobody declares.
func (t *topology) unknown(of *Candidate, key, channel string, elsewhere func(string) bool) specfile.Problems {
	if _, declared := t.channels[channel]; declared || elsewhere != nil && elsewhere(channel) {
		return nil
	}
	hint, otherwise := "", "; another one of the namespace must have it"
	if near := nearest.To(channel, slices.Sorted(maps.Keys(t.channels))); near != "" {
		hint, otherwise = fmt.Sprintf(", did you mean %q?", near), " Otherwise another one of the namespace must have it"
	}
	if elsewhere != nil {
		return specfile.Problems{warn(of, key, "neither this repository nor another one of the namespace has the channel %q%s", channel, hint)}
	}
	return specfile.Problems{warn(of, key, "this repository has no channel %q%s%s", channel, hint, otherwise)}
}

// dropping: a subscription without a dead letter channel, unless it reads one.
func (t *topology) dropping(s placed[v1alpha1.SubscriptionSpec]) specfile.Problems {
	if s.Spec.DeadLetter != "" || t.dead[s.Spec.Channel] {
		return nil
	}
	return specfile.Problems{warn(s.of, s.Key+".deadLetter", "events that still fail after retry.for (%s) are dropped; name a channel that gets them", explain.Span(s.Spec.Retry.For.Duration))}
}

// unreached: a subscription of a channel to which nothing leads that the files
// know, or nothing of the types that it wants.
func (t *topology) unreached(s placed[v1alpha1.SubscriptionSpec]) specfile.Problems {
	channel, declared := t.channels[s.Spec.Channel]
	if !declared {
		return nil // of another repository, or a problem already
	}
	outside := channel.Access != nil && (channel.Access.Outside != nil || len(channel.Access.Senders) > 0)
	sent := slices.ContainsFunc(t.sends, func(x sending) bool { return x.channel == s.Spec.Channel })
	led := slices.ContainsFunc(t.edges, func(e edge) bool { return e.to == s.Spec.Channel })
	if outside || sent || led {
		return nil
	}
	var sources []string
	wanted := exactTypes(s.Spec.Filter)
	for _, source := range t.sources {
		if source.Spec.Channel != s.Spec.Channel {
			continue
		}
		if wanted == nil || slices.ContainsFunc(wanted, func(name string) bool { return maySend(source.Spec, name) }) {
			return nil
		}
		sources = append(sources, source.Name)
	}
	if sources == nil {
		return specfile.Problems{warn(s.of, s.Key+".from", "nobody is known to send to the channel %q: no source and no subscription does, no app has it in sends, and it is not open to the outside", s.Spec.Channel)}
	}
	return specfile.Problems{warn(s.of, s.Key+".filter", "nobody sends events of the type %s to the channel %q, which only has %s", strings.Join(wanted, " or "), s.Spec.Channel, strings.Join(sources, ", "))}
}

// exactTypes are the types of which an event must have one to pass a filter; nil
// where the filter does not say that.
func exactTypes(f *v1alpha1.EventFilter) []string {
	if f == nil {
		return nil
	}
	if name := f.Exact["type"]; name != "" {
		return []string{name}
	}
	for i := range f.All {
		if types := exactTypes(&f.All[i]); types != nil {
			return types
		}
	}
	var all []string
	for i := range f.Any {
		types := exactTypes(&f.Any[i])
		if types == nil {
			return nil
		}
		all = append(all, types...)
	}
	return all
}

// maySend reports whether a source may make events of a type. Those of most kinds
// have the types that the other side gives them.
func maySend(s v1alpha1.SourceSpec, name string) bool {
	switch {
	case s.Cron != nil:
		return name == v1alpha1.CronEventType
	case s.GitHub != nil:
		return strings.HasPrefix(name, "com.github.")
	case s.GitLab != nil:
		return strings.HasPrefix(name, "com.gitlab.")
	}
	return true
}

// loops are the ways on which an event may come back to a channel, each told
// once, where its first subscription stands.
func (t *topology) loops() (out specfile.Problems) {
	told := map[string]bool{}
	for i := range t.edges {
		way := t.back(t.edges[i])
		if way == nil {
			continue
		}
		var channels []string
		drawn := way[0].from
		for _, e := range way {
			channels = append(channels, e.from)
			drawn += fmt.Sprintf(" -(%s %s)-> %s", e.by.Name, e.key, e.to)
		}
		slices.Sort(channels)
		if id := strings.Join(channels, " "); !told[id] {
			told[id] = true
			out = append(out, warn(way[0].by.of, way[0].by.Key+"."+way[0].key, "events that pass the filters go in a loop: %s", drawn))
		}
	}
	return out
}

// back is the shortest way that begins with an edge and leads to where it began;
// nil where there is none.
func (t *topology) back(first edge) []edge {
	ways := [][]edge{{first}}
	reached := map[string]bool{first.to: true}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		end := way[len(way)-1].to
		if end == first.from {
			return way
		}
		for _, e := range t.edges {
			if e.from == end && !reached[e.to] {
				reached[e.to] = true
				ways = append(ways, append(slices.Clone(way), e))
			}
		}
	}
	return nil
}
