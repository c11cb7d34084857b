package promotion

import (
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Decision is the answer.
type Decision struct {
	// Traffic is the split that should be in force. It is empty when no
	// revision can take requests. The live revision has no salt; a candidate's is
	// its own name, that of a share its ref. A target with weight 0 and no salt is
	// kept and may get the traffic back; one with weight 0 and a salt has failed.
	Traffic []v1alpha1.TrafficTarget
	// Matches send requests to the heads of branches, in the order of the rules.
	Matches []v1alpha1.RouteMatch
	// Mirror gets copies of requests; nil: nobody does.
	Mirror *v1alpha1.RouteMirror
	// Roles, Trials and Commit are what to remember until the next decision;
	// Commit is what is asked of the watcher. A trial of which
	// only the numbers change stays as it was for 10 seconds.
	Roles  []v1alpha1.RevisionRole
	Trials []v1alpha1.Trial
	Commit *v1alpha1.CommitRequest
	// Events are what happens by this decision, for people and metrics.
	Events []Event
	// Failing says why the live revision fails although it keeps the traffic,
	// as there is none to give it back to; empty while it does not fail.
	Failing string
	// Settling is true until the live revision has served for its time.
	Settling bool
	// Next is when time alone may change the decision; 0 is never.
	Next time.Duration
}

// Event is something that happens by a decision.
type Event struct {
	// Reason in one word.
	Reason EventReason
	// Revision that it is about.
	Revision string
	// Message for people.
	Message string
}

// EventReason is the reason of an Event.
type EventReason string

// The reasons.
const (
	// EventPromoted: it takes the traffic for good.
	EventPromoted EventReason = "Promoted"
	// EventStepTaken: its weight rises, or its soak begins.
	EventStepTaken EventReason = "StepTaken"
	// EventRolledBack: it has failed, and has no traffic any more.
	EventRolledBack EventReason = "RolledBack"
	// EventHeld: it stays where it is until a person decides.
	EventHeld EventReason = "Held"
	// EventApproved: a tag approved it, and it goes on.
	EventApproved EventReason = "Approved"
	// EventAsked: a commit is asked for.
	EventAsked EventReason = "CommitAsked"
)

// decision is what was decided. why is why the live revision fails.
func (d *deciding) decision(why string) Decision {
	out := Decision{Commit: d.commit(), Next: d.next}
	out.Events = d.events
	d.weigh(&out)
	d.matches(&out)
	if d.live != "" {
		out.Settling = !d.settled()
		if d.live == Live(d.Serving) {
			out.Failing = why
		}
	}
	if d.candidate != nil {
		out.Trials = append(out.Trials, d.candidate.written())
	}
	for _, t := range d.shares {
		out.Trials = append(out.Trials, t.written())
	}
	for _, r := range d.quarantined {
		if r.Name != d.live {
			out.Roles = append(out.Roles, r)
		}
	}
	return out
}

// Live is the revision that takes what candidates and shares leave: the target
// without a salt, of several the one with the most weight. It is empty when none
// has any.
func Live(traffic []v1alpha1.TrafficTarget) string {
	var live v1alpha1.TrafficTarget
	for _, t := range traffic {
		if t.Salt == "" && t.Weight > live.Weight {
			live = t
		}
	}
	return live.Revision
}
