package plan

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	planner "github.com/headway-dev/headway/watcher/plan"
)

// Change is what a push does to a Channel, Source or Subscription. One that stays as it
// is has none.
type Change struct {
	Name    string        `json:"name"`
	Outcome ChangeOutcome `json:"outcome"`
	// Text is what it becomes; empty where it goes.
	Text string `json:"text,omitempty"`
}

// ChangeOutcome is what becomes of it.
type ChangeOutcome string

// Outcomes.
const (
	Made    ChangeOutcome = "made"
	Changes ChangeOutcome = "changed"
	Goes    ChangeOutcome = "removed"
)

func (c Change) String() string {
	if c.Text == "" {
		return fmt.Sprintf("%s is %s", c.Name, c.Outcome)
	}
	return fmt.Sprintf("%s is %s: %s", c.Name, c.Outcome, c.Text)
}

// eventing adds what a push to production does to channels, sources and
// subscriptions, and what it had better not do. Those of another branch count for
// nothing.
func (s *observed) eventing(p *Plan, made planner.Plan, w world) {
	if s.ref != s.production {
		return
	}
	p.Channels = channelChanges("", made.Channels, made.RemoveChannels, w)
	p.Sources = sourceChanges("", made.Sources, made.RemoveSources, w)
	for i := range p.Apps {
		p.Apps[i].eventing(made, w)
	}
	var elsewhere func(string) bool
	if w.repository != "" {
		elsewhere = func(channel string) bool { return w.ForeignChannels[channel] != "" }
	}
	if len(p.Channels)+len(p.Sources) > 0 || slices.ContainsFunc(p.Apps, func(a App) bool { return len(a.Sources)+len(a.Subscriptions) > 0 }) {
		p.Topology = s.pushed.snapshot.Topology()
	}
	for _, warning := range s.pushed.snapshot.Lint(elsewhere) {
		p.Warnings = append(p.Warnings, warning.String())
	}
}

// eventing adds what becomes of what an app has. The channels between its sources
// and itself are not told: they come and go with these.
func (a *App) eventing(made planner.Plan, w world) {
	if a.App == "" {
		return // a file that cannot be read
	}
	var planned planner.App
	if at := slices.IndexFunc(made.Apps, func(planned planner.App) bool { return planned.Name == a.App }); at >= 0 {
		planned = made.Apps[at]
	}
	a.Sources = sourceChanges(a.App, planned.Sources, made.RemoveSources, w)
	for _, s := range planned.Subscriptions {
		prior := w.Subscriptions[s.Name]
		switch {
		case prior == nil:
			a.Subscriptions = append(a.Subscriptions, Change{s.Name, Made, subscriptionText(s.Spec)})
		case !equality.Semantic.DeepEqual(prior.Spec, s.Spec):
			a.Subscriptions = append(a.Subscriptions, Change{s.Name, Changes, subscriptionText(s.Spec)})
		}
	}
	for _, name := range made.RemoveSubscriptions {
		if planner.AppOf(w.Subscriptions[name]) == a.App {
			a.Subscriptions = append(a.Subscriptions, Change{Name: name, Outcome: Goes})
		}
	}
	if len(a.Subscriptions)+len(a.Sources) > 0 && a.Outcome == Unchanged {
		a.Outcome = Subscribed
	}
}

// channelChanges are those of an app, or, of the repository, app is empty.
func channelChanges(app string, planned []planner.Channel, gone []string, w world) []Change {
	return changes(app, planned, gone, w.Channels, func(c planner.Channel) Change { return Change{c.Name, Made, channelText(c.Spec)} },
		func(c planner.Channel, prior *v1alpha1.Channel) bool {
			return equality.Semantic.DeepEqual(prior.Spec, c.Spec)
		})
}

func sourceChanges(app string, planned []planner.Source, gone []string, w world) []Change {
	return changes(app, planned, gone, w.Sources, func(s planner.Source) Change { return Change{s.Name, Made, sourceText(s.Spec)} },
		func(s planner.Source, prior *v1alpha1.Source) bool {
			return equality.Semantic.DeepEqual(prior.Spec, s.Spec)
		})
}

// changes compares what is planned of a kind with what is there. made is a planned
// one as if it were new.
func changes[P any, T metav1.Object](app string, planned []P, gone []string, there map[string]T, made func(P) Change, same func(P, T) bool) (all []Change) {
	for _, p := range planned {
		change := made(p)
		prior, known := there[change.Name]
		if known && same(p, prior) {
			continue
		}
		if known {
			change.Outcome = Changes
		}
		all = append(all, change)
	}
	for _, name := range gone {
		if planner.AppOf(there[name]) == app {
			all = append(all, Change{Name: name, Outcome: Goes})
		}
	}
	return all
}

// sourceText is a source in one line.
func sourceText(s v1alpha1.SourceSpec) string {
	text := planner.SourceText(s) + " -> " + s.Channel
	if s.Paused {
		text += ", paused"
	}
	return text
}

func channelText(c v1alpha1.ChannelSpec) string {
	text := fmt.Sprintf("keeps events for %s, at most %s", explain.Span(c.Keep.Duration), c.Size.String())
	if a := c.Access; a != nil && a.Token {
		text += ", takes tokens only"
	}
	if a := c.Access; a != nil && a.Outside != nil {
		text += ", open to the outside"
	}
	return text
}

// subscriptionText is a subscription in one line.
func subscriptionText(s v1alpha1.SubscriptionSpec) string {
	to := s.To.Path
	switch {
	case s.To.Channel != "":
		to = "channel " + s.To.Channel
	case s.To.URL != "":
		to = s.To.URL
	}
	parts := []string{fmt.Sprintf("%s -> %s", s.Channel, to)}
	if s.Filter != nil {
		parts = append(parts, "filtered")
	}
	for _, part := range []struct{ what, value string }{{"reply to", s.Reply}, {"dead letters to", s.DeadLetter}, {"ordered by", s.Ordered}} {
		if part.value != "" {
			parts = append(parts, part.what+" "+part.value)
		}
	}
	if s.Rate > 0 {
		parts = append(parts, fmt.Sprintf("at most %d/s", s.Rate))
	}
	if s.Paused {
		parts = append(parts, "paused")
	}
	if s.Redrive != nil {
		parts = append(parts, "redrive "+s.Redrive.Name)
	}
	if s.Replay != nil {
		parts = append(parts, "replay "+s.Replay.Name)
	}
	return strings.Join(parts, ", ")
}

// lines has one change on each line.
func lines(changes []Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, c.String())
	}
	return strings.Join(all, "\n")
}
