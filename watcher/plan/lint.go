package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/nearest"
	"github.com/headway-dev/headway/watcher/specfile"
)

// Lint says what the channels and subscriptions of a commit come to that nobody
// can have meant, or that loses events. Nothing of it is a reason to refuse a
// file. elsewhere reports whether another repository of the namespace has a
// channel; nil: no cluster was asked.
func (s *Snapshot) Lint(elsewhere func(channel string) bool) specfile.Problems {
	t := s.topology()
	var out specfile.Problems
	for i := range t.all {
		out = append(out, t.unknown(&t.all[i], elsewhere)...)
		out = append(out, t.dropping(&t.all[i])...)
	}
	return append(out, t.loops()...)
}

// topology is where events go, by the files that can be used.
type topology struct {
	declared []string
	all      []subscribed
	edges    []edge
	// dead are the channels that get what is given up on.
	dead map[string]bool
}

// subscribed is a subscription with the file and the key where it stands.
type subscribed struct {
	of   *Candidate
	name string
	key  string
	*specfile.Subscription
}

// edge is a way of events from a channel to another one.
type edge struct {
	from, to string
	by       *subscribed
	// key below the subscription that makes it.
	key string
}

func (s *Snapshot) topology() *topology {
	t := &topology{dead: map[string]bool{}}
	for i := range s.Apps {
		c := &s.Apps[i]
		if c.Spec == nil || c.Problem != nil {
			continue
		}
		for _, channel := range c.Spec.Channels {
			t.declared = append(t.declared, channel.Name)
		}
		for j := range c.Spec.Events {
			e := &c.Spec.Events[j]
			t.all = append(t.all, subscribed{c, e.Object(c.Name), fmt.Sprintf("events[%d]", j), e})
		}
	}
	for i := range t.all {
		for _, e := range t.all[i].edges() {
			t.edges = append(t.edges, e)
			t.dead[e.to] = t.dead[e.to] || e.key == "deadLetter"
		}
	}
	return t
}

func (s *subscribed) edges() []edge {
	var out []edge
	for _, e := range []edge{{to: s.Spec.To.Channel, key: "to.channel"}, {to: s.Spec.Reply, key: "reply"}, {to: s.Spec.DeadLetter, key: "deadLetter"}} {
		if e.to != "" {
			out = append(out, edge{s.Spec.Channel, e.to, s, e.key})
		}
	}
	return out
}

func (s *subscribed) warn(key, format string, args ...any) specfile.Problem {
	p := s.of.Spec.Problem(s.key+"."+key, fmt.Sprintf(format, args...))
	p.File = s.of.File
	return p
}

// unknown are the channels of a subscription that nobody declares.
func (t *topology) unknown(s *subscribed, elsewhere func(string) bool) (out specfile.Problems) {
	for _, e := range append([]edge{{to: s.Spec.Channel, key: "from"}}, s.edges()...) {
		if slices.Contains(t.declared, e.to) || elsewhere != nil && elsewhere(e.to) {
			continue
		}
		hint, otherwise := "", "; another one of the namespace must have it"
		if near := nearest.To(e.to, t.declared); near != "" {
			hint, otherwise = fmt.Sprintf(", did you mean %q?", near), " Otherwise another one of the namespace must have it"
		}
		if elsewhere != nil {
			out = append(out, s.warn(e.key, "neither this repository nor another one of the namespace has the channel %q%s", e.to, hint))
		} else {
			out = append(out, s.warn(e.key, "this repository has no channel %q%s%s", e.to, hint, otherwise))
		}
	}
	return out
}

// dropping: a subscription without a dead letter channel, unless it reads one.
func (t *topology) dropping(s *subscribed) specfile.Problems {
	if s.Spec.DeadLetter != "" || t.dead[s.Spec.Channel] {
		return nil
	}
	return specfile.Problems{s.warn("deadLetter", "events that still fail after retry.for (%s) are dropped; name a channel that gets them", explain.Span(s.Spec.Retry.For.Duration))}
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
			drawn += fmt.Sprintf(" -(%s %s)-> %s", e.by.name, e.key, e.to)
		}
		slices.Sort(channels)
		if id := strings.Join(channels, " "); !told[id] {
			told[id] = true
			out = append(out, way[0].by.warn(way[0].key, "events that pass the filters go in a loop: %s", drawn))
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
