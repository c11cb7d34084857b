// Package promotion decides which revisions of an app take its traffic.
//
// It is pure: values in, values out; no client, clock or logger. It does not
// know how a Route is written or what a person reads about it.
//
// The rules, in this order:
//
//	pin         the pinned revision takes 100% once it is ready
//	newest      the first of the history that is ready takes 100%
//	sticky      a revision that has the traffic keeps it while nothing newer is
//	            ready, also when its own pods come and go: falling back to older
//	            code because a pod restarts would surprise more than it helps
//
// A revision that has not been ready never takes traffic. One that has been and
// is idle now may: the first request wakes it.
package promotion

import (
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Input is what the decision rests on.
type Input struct {
	// History are the revisions of the production ref, newest first.
	History []string
	// Pin is the revision that must serve; empty when there is none.
	Pin string
	// Serving is the split that is in force.
	Serving []v1alpha1.TrafficTarget
	// Ready says of every existing revision whether it can take requests.
	// Revisions that are not in it are gone.
	Ready map[string]bool
}

// Plan returns the split that should be in force. It is empty when no revision
// can take requests.
func Plan(in Input) []v1alpha1.TrafficTarget {
	if in.Pin != "" {
		if in.Ready[in.Pin] || in.serves(in.Pin) {
			return all(in.Pin)
		}
		return in.kept()
	}
	for _, name := range in.History {
		if in.Ready[name] || in.serves(name) {
			return all(name)
		}
	}
	return in.kept()
}

// serves reports whether the revision exists and has traffic now.
func (in Input) serves(name string) bool {
	_, exists := in.Ready[name]
	return exists && slices.ContainsFunc(in.Serving, func(t v1alpha1.TrafficTarget) bool {
		return t.Revision == name && t.Weight > 0
	})
}

// kept leaves the traffic where it is, if that revision still exists.
func (in Input) kept() []v1alpha1.TrafficTarget {
	if live := Live(in.Serving); in.serves(live) {
		return all(live)
	}
	return nil
}

func all(name string) []v1alpha1.TrafficTarget {
	return []v1alpha1.TrafficTarget{{Revision: name, Weight: 100}}
}

// Live returns the revision with most of the traffic; empty when none has any.
func Live(traffic []v1alpha1.TrafficTarget) string {
	var live v1alpha1.TrafficTarget
	for _, t := range traffic {
		if t.Weight > live.Weight {
			live = t
		}
	}
	return live.Revision
}
