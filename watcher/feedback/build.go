package feedback

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// A commit that others have followed, or whose request is closed, is not red for
// what it did not come to.
const notNeeded = "not needed any more: a newer commit took its place, or the request is closed"

func status(state forge.State, topic, description string) Status {
	return Status{Status: forge.Status{State: state, Description: line(description, maxDescription)}, Topic: topic}
}

// built is the status of a build for a commit; nil revision: it is not made yet.
//
//	headway.yaml cannot be used            failure
//	a commit before has the same files     success
//	built, reused, or an image was given   success
//	waits, runs                            pending
//	a newer commit took its place          success: it was not needed
//	failed                                 failure, with the end of its log
func built(app *v1alpha1.App, rev *v1alpha1.Revision, commit string) Status {
	if p := app.Spec.Problem; p != nil && p.Commit == commit && isError(p) {
		return status(forge.Failure, p.Reason, p.Message)
	}
	if rev == nil {
		return status(forge.Pending, "", "about to be built")
	}
	c := meta.FindStatusCondition(rev.Status.Conditions, v1alpha1.ConditionBuilt)
	switch {
	case c == nil:
		return status(forge.Pending, "", "about to be built")
	case c.Status == metav1.ConditionTrue:
		return status(forge.Success, c.Reason, howBuilt(rev, c, commit))
	case c.Reason == v1alpha1.ReasonSuperseded:
		return status(forge.Success, c.Reason, notNeeded)
	case c.Status == metav1.ConditionFalse:
		return status(forge.Failure, c.Reason, whyNotBuilt(rev, c))
	case c.Reason == v1alpha1.ReasonWaitingForSlot: // how many are before it changes too often
		return status(forge.Pending, c.Reason, "waiting for a build slot")
	case c.Reason == v1alpha1.ReasonBuilding:
		return status(forge.Pending, c.Reason, "being built")
	}
	return status(forge.Pending, c.Reason, c.Message)
}

// isError reports whether a problem is one of the commit's files.
func isError(p *v1alpha1.SpecProblem) bool {
	switch p.Reason {
	case v1alpha1.ReasonNoRelease, v1alpha1.ReasonRenamed, v1alpha1.ReasonFileMissing:
		return false
	}
	return true
}

// howBuilt says where the image came from, and how long that took.
func howBuilt(rev *v1alpha1.Revision, c *metav1.Condition, commit string) string {
	b := rev.Status.Build
	switch {
	case rev.Spec.Commit != commit:
		return "nothing to build, as it has the files of " + v1alpha1.Short(rev.Spec.Commit)
	case c.Reason == v1alpha1.ReasonImageProvided:
		return "nothing to build, as headway.yaml names an image"
	case c.Reason == v1alpha1.ReasonImageReused:
		return strings.TrimSuffix("reused: "+c.Message, ": ")
	case b != nil && b.StartedAt != nil && b.FinishedAt != nil:
		return "built in " + explain.Brief(b.FinishedAt.Sub(b.StartedAt.Time))
	}
	return "built"
}

// whyNotBuilt is the end of the log where there is one, else what the condition
// says.
func whyNotBuilt(rev *v1alpha1.Revision, c *metav1.Condition) string {
	if b := rev.Status.Build; b != nil && b.FailedStep != "" {
		for i := len(b.LastLogLines) - 1; i >= 0; i-- {
			if text := oneLine(b.LastLogLines[i]); text != "" {
				return "step " + b.FailedStep + ": " + text
			}
		}
	}
	return c.Message
}

// retried are the attempts that people have asked for.
func retried(rev *v1alpha1.Revision) string {
	if rev == nil {
		return ""
	}
	return rev.Retried()
}

// line is a text in one line of so many characters.
func line(text string, longest int) string { return condition.Clip(oneLine(text), longest) }
