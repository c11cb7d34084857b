package promotion

import (
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Input is what the decision rests on.
type Input struct {
	// App is its name, for the tags that people are told to push.
	App string
	// Production is the ref whose head goes to 100%. A zero Rule is instant.
	Production Head
	// History are the revisions of the production ref, newest first.
	History []string
	// Shares are the heads that hold a share, in the order of their rules, and of
	// one rule in the order of their refs.
	Shares []Head
	// Pin is the revision that must serve; empty when there is none.
	Pin string
	// Hold is true while a commit stops everything that goes forward.
	Hold bool
	// Serving is the split that is in force.
	Serving []v1alpha1.TrafficTarget
	// Revisions are all that exist. Those that are not in it are gone.
	Revisions map[string]Revision
	// Readings are what the gates say of the revisions in Trials. Of one that is
	// missing nothing is known, which is evidence against nobody.
	Readings map[string]Reading
	// Roles, Trials and Commit are what the last decision left; of the roles also
	// those that are none of promotion.
	Roles  []v1alpha1.RevisionRole
	Trials []v1alpha1.Trial
	Commit *v1alpha1.CommitRequest
	// Committed is how the last request went; nil: none has been answered.
	Committed *v1alpha1.CommitResult
	// Now is the time of the decision.
	Now time.Time
}

// Head is what a ref points at, and the rule by which that gets traffic.
type Head struct {
	// Ref is the full name, such as refs/heads/main.
	Ref string
	// Revision and Commit, a full hash, that it points at.
	Revision, Commit string
	// Approved and Promoted are true when a tag says so of that commit.
	Approved, Promoted bool
	// Rule for the ref.
	Rule v1alpha1.Rule
	// Frozen is the window of Rule.Freeze that holds now.
	Frozen Freeze
}

// Freeze is a time in which nothing goes forward. The zero value is none.
type Freeze struct {
	// Until is when it ends.
	Until time.Time
	// Window is how headway.yaml says it.
	Window string
}

// Revision is what matters of one.
type Revision struct {
	// Ready says whether it can take requests.
	Ready bool
	// Commit that it was made of, a full hash.
	Commit string
	// SameAs is a revision that runs the same: while that is live or kept, this
	// one has no pods and need not take over.
	SameAs string
	// Served is true when it, or one that runs the same, was live before and has
	// not failed: going back to it is no promotion, and waits for nothing.
	Served bool
	// Pods that are ready.
	Pods int32
	// Carries is the part of the app's traffic, in basis points, that its ready
	// pods can carry; 0 without any, and while nothing is known.
	Carries int32
	// Settle is how long it must serve without failing.
	Settle time.Duration
	// Retried is the value of its retried-at annotation.
	Retried string
	// Evidence of how it does while it serves.
	Evidence Evidence
}

// Reading is how a revision on trial does.
type Reading struct {
	// Gates that its rule names, each with its evidence. One that is not there
	// has not been asked yet.
	Gates []v1alpha1.GateStatus
	// Requests of it that the weights sent to it since it took step Step.
	Requests int64
	Step     int32
}
