package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Trial is a revision on its way to all of the traffic, or one that holds a
// share: how far it is, what it waits for, and how it does beside the live one.
type Trial struct {
	// Revision on trial.
	Revision string `json:"revision"`
	// Ref that it is the head of.
	Ref string `json:"ref"`
	// Stable is the revision that it is compared with.
	// +optional
	Stable string `json:"stable,omitempty"`
	// Step is how many steps it has taken: 0 before the first one.
	// +optional
	Step int32 `json:"step"`
	// Steps is how many there are before 100%.
	// +optional
	Steps int32 `json:"steps,omitempty"`
	// Weight that it has, in basis points.
	// +optional
	Weight int32 `json:"weight"`
	// Began is when the trial began, Since when the step did.
	Began metav1.MicroTime `json:"began"`
	Since metav1.MicroTime `json:"since"`
	// Next is when time lets it take the next step; nil: time is not what it
	// waits for.
	// +optional
	Next *metav1.MicroTime `json:"next,omitempty"`
	// Waiting says what it waits for, and how that ends; for people.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Waiting string `json:"waiting,omitempty"`
	// Held is why it stays at its step until a person decides; for people.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Held string `json:"held,omitempty"`
	// Requests of it that have arrived in this step, and how many it needs.
	// +optional
	Requests int64 `json:"requests,omitempty"`
	// +optional
	MinRequests int64 `json:"minRequests,omitempty"`
	// Gates and their evidence.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Gates []GateStatus `json:"gates,omitempty"`
	// Committed is how the request to move a branch forward to it went; nil: it was
	// not asked for, or not answered. The App's spec.committed has the last answer
	// alone, which may be about another share.
	// +optional
	Committed *CommitResult `json:"committed,omitempty"`
	// Checked is when Gates were written last.
	// +optional
	Checked *metav1.MicroTime `json:"checked,omitempty"`
}

// Verdict of a gate.
//
// +kubebuilder:validation:Enum=waiting;passing;doubtful;failed
type Verdict string

const (
	// VerdictWaiting: too little is known.
	VerdictWaiting Verdict = "waiting"
	// VerdictPassing: the candidate may go on.
	VerdictPassing Verdict = "passing"
	// VerdictDoubtful: it may not, and need not go back.
	VerdictDoubtful Verdict = "doubtful"
	// VerdictFailed: it has to go back.
	VerdictFailed Verdict = "failed"
)

// GateStatus is one gate of a trial.
type GateStatus struct {
	// Name is errors, p95 (or another quantile), budget, http, prometheus or job.
	Name string `json:"name"`
	// Verdict so far.
	Verdict Verdict `json:"verdict"`
	// Message says why, with the numbers; for people.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
	// Evidence against the candidate, a decimal number: it fails at Limit. 1 is
	// none.
	// +optional
	Evidence string `json:"evidence,omitempty"`
	// Limit of Evidence: one divided by the gate's part of alpha.
	// +optional
	Limit string `json:"limit,omitempty"`
	// Candidate and Stable are what was counted of both.
	// +optional
	Candidate *Tally `json:"candidate,omitempty"`
	// +optional
	Stable *Tally `json:"stable,omitempty"`
	// State is what the test goes on from after a restart: see package gate.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	State string `json:"state,omitempty"`
}

// Tally is what a gate has counted of a revision.
type Tally struct {
	// Requests that have arrived.
	Requests int64 `json:"requests"`
	// Bad ones: errors, or slower than the bound.
	Bad int64 `json:"bad"`
	// Micros is the quantile of the time to the first byte, in microseconds; 0
	// where a gate is not about that.
	// +optional
	Micros int64 `json:"micros,omitempty"`
}

// CommitAction is what a CommitRequest asks for.
//
// +kubebuilder:validation:Enum=revert;fastForward
type CommitAction string

const (
	// CommitRevert takes an app's files back to those of an earlier commit.
	CommitRevert CommitAction = "revert"
	// CommitFastForward moves a branch forward to a commit.
	CommitFastForward CommitAction = "fastForward"
)

// CommitRequest asks the watcher to write to git. The watcher carries it out
// once, and says in spec.committed how that went.
type CommitRequest struct {
	// Action asked for.
	Action CommitAction `json:"action"`
	// Revision that it is about: the one that failed, or that did well.
	Revision string `json:"revision"`
	// Branch that is written, a full name. A revert is only made while its head
	// holds the revision's files.
	Branch string `json:"branch"`
	// Commit is the full hash to take the app's files from, or to move the branch
	// to.
	Commit string `json:"commit"`
	// Message for the commit: the evidence.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Message string `json:"message,omitempty"`
}

// CommitResult is how a CommitRequest went.
type CommitResult struct {
	// Action and Revision of the request.
	Action   CommitAction `json:"action"`
	Revision string       `json:"revision"`
	// Commit that was made or moved to; empty if there is a problem.
	// +optional
	Commit string `json:"commit,omitempty"`
	// Branch that was written where it is not the one asked for: a pull request
	// brings it there, and Request is its URL where one was opened.
	// +optional
	Branch string `json:"branch,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Request string `json:"request,omitempty"`
	// Problem says why nothing was written, and how to do it by hand.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Problem string `json:"problem,omitempty"`
}

// Trial of a revision; nil if it has none.
func (s *AppStatus) Trial(revision string) *Trial {
	for i := range s.Trials {
		if s.Trials[i].Revision == revision {
			return &s.Trials[i]
		}
	}
	return nil
}
