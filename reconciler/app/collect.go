package app

import (
	"slices"
	"time"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// rollbacks is how many earlier revisions stay, so that going back to one of
	// them is only a change of the Route. Idle, they cost nothing.
	rollbacks = 3
	// linger is how long a revision stays after it was last wanted: activators
	// that are behind may still send it requests, a person may want to read
	// why it failed, and the watcher may be about to name it.
	linger = time.Minute
)

// keep are the revisions that something can still reach: heads, the pin,
// everything with traffic, and the newest earlier ones for rollback.
func keep(spec v1alpha1.AppSpec, traffic []v1alpha1.TrafficTarget, revisions []v1alpha1.Revision) map[string]bool {
	kept := map[string]bool{}
	for _, head := range spec.Heads {
		kept[head.Revision] = true
	}
	if spec.Pin != "" {
		kept[spec.Pin] = true
	}
	for _, t := range traffic {
		kept[t.Revision] = true
	}
	wasReady := map[string]bool{}
	for i := range revisions {
		wasReady[revisions[i].Name] = revisions[i].Status.EverReady
	}
	left := rollbacks
	for _, name := range spec.History {
		if left > 0 && wasReady[name] && !kept[name] {
			kept[name] = true
			left--
		}
	}
	return kept
}

// collect names the revisions to delete: those not kept that the Route in
// force does not reach and that have not been wanted for a while. The duration
// says when the next one is due; 0 is never.
func collect(seen Seen, kept map[string]bool, now time.Time) ([]string, time.Duration) {
	var gone []string
	var next time.Duration
	for i := range seen.Revisions {
		rev := &seen.Revisions[i]
		if kept[rev.Name] || reaches(seen.Route, rev.Name) {
			continue
		}
		if wait := linger - now.Sub(lastWanted(rev)); wait > 0 {
			if next == 0 || wait < next {
				next = wait
			}
			continue
		}
		gone = append(gone, rev.Name)
	}
	slices.Sort(gone)
	return gone, next
}

// lastWanted is the last time that something is known to have happened to a
// revision: it was made, its build ended, it left traffic.
func lastWanted(rev *v1alpha1.Revision) time.Time {
	last := rev.CreationTimestamp.Time
	for _, kind := range []string{v1alpha1.ConditionBuilt, v1alpha1.ConditionServing} {
		if at := condition.Since(rev.Status.Conditions, kind); at.After(last) {
			last = at
		}
	}
	return last
}

func reaches(route *v1alpha1.Route, revision string) bool {
	if route == nil {
		return false
	}
	return slices.ContainsFunc(route.Spec.Traffic, func(t v1alpha1.TrafficTarget) bool { return t.Revision == revision }) ||
		slices.ContainsFunc(route.Spec.RevisionHosts, func(h v1alpha1.RevisionHost) bool { return h.Revision == revision })
}
