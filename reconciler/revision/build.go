package revision

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/render"
)

// annotationSuperseded marks a TaskRun that was cancelled because its commit
// was replaced, not because the build went wrong.
const annotationSuperseded = "headway.dev/superseded"

const (
	// readLimit is the age until which a revision waits for the registry of the
	// image that headway.yaml names.
	readLimit = time.Minute
	// readAgain is the pause between two tries.
	readAgain = 5 * time.Second
	// secretAgain is the pause until a Secret that a build lacks is looked for
	// again.
	secretAgain = 30 * time.Second
	// longestCause bounds what a condition says of a build, in bytes.
	longestCause = 1200
)

// runAction is what has to happen to the TaskRun of a build.
type runAction string

const (
	leaveRun  runAction = ""
	createRun runAction = "create"
	deleteRun runAction = "delete"
	cancelRun runAction = "cancel"
	// equipRun gives a run that waits the credentials for private modules; again,
	// as the controller may have stopped between the two.
	equipRun   runAction = "equip"
	unequipRun runAction = "unequip"
)

// build is what the build part of a plan says.
type build struct {
	state  v1alpha1.RevisionState
	built  condition.State
	action runAction
	// image and config are known in the state Built.
	image  string
	config *v1alpha1.ImageConfig
	// status replaces status.build; nil where no build is involved.
	status *v1alpha1.BuildStatus
	// readImage: the configuration of the image that headway.yaml names is not
	// in Seen yet.
	readImage bool
	// readLog: the failure is news, and its log is not in Seen yet.
	readLog bool
	// again is when time alone may change the build; 0 is never.
	again time.Duration
}

// planBuild decides how a revision comes to its image. The first case that
// fits wins; each leaves the rest to the next reconciliation.
func planBuild(seen Seen, now time.Time) build {
	rev := seen.Revision
	b := build{status: rev.Status.Build.DeepCopy()}
	switch {
	case rev.Status.Image != "":
		built := condition.Get(rev.Status.Conditions, v1alpha1.ConditionBuilt)
		if built.Status != metav1.ConditionTrue { // the write of it was lost
			built = condition.True(v1alpha1.ReasonBuildSucceeded, "")
		}
		b.state, b.built, b.image, b.config = v1alpha1.StateBuilt, built, rev.Status.Image, rev.Status.ImageConfig
		return b
	case rev.Spec.Image != "":
		return given(seen, now)
	case seen.replaced() != "":
		return superseded(seen, b)
	}
	if seen.Key != "" && (b.status == nil || b.status.Key != seen.Key) {
		b.status = &v1alpha1.BuildStatus{Key: seen.Key, Retried: rev.Retried()}
	}
	if twin := seen.twin(); twin != nil {
		return b.reuse(now, twin.Status.Image, twin.Status.ImageConfig, "built before for "+twin.Name)
	}
	if seen.Run != nil {
		return planRun(seen, b, now)
	}
	if seen.failedBefore() {
		b.state, b.built = v1alpha1.StateFailed, condition.Get(rev.Status.Conditions, v1alpha1.ConditionBuilt)
		return b
	}
	return planNewRun(seen, b, now)
}

// given takes the image that headway.yaml names. What its configuration says
// holds for good, so a registry that is out of order gets some time; but it is
// no reason not to run the image at all.
func given(seen Seen, now time.Time) build {
	const named = "headway.yaml names the image"
	b := build{state: v1alpha1.StateBuilt, image: seen.Revision.Spec.Image, built: condition.True(v1alpha1.ReasonImageProvided, named)}
	switch {
	case seen.Given == nil:
		b.readImage = true
	case seen.Given.Passing && now.Sub(seen.Revision.CreationTimestamp.Time) < readLimit:
		b.again = readAgain
		return b.queued("cannot read the image yet: " + seen.Given.Problem + "; trying again")
	case seen.Given.Problem != "":
		b.built.Message += fmt.Sprintf("; its configuration cannot be read, so it runs as user %d: %s", render.NonRoot, seen.Given.Problem)
	default:
		b.config = seen.Given.Config
	}
	return b
}

// superseded ends the build of a commit that nothing points at any more. The
// run goes on if another revision needs it.
func superseded(seen Seen, b build) build {
	b.built = condition.Get(seen.Revision.Status.Conditions, v1alpha1.ConditionBuilt)
	if b.built.Status == metav1.ConditionFalse && b.built.Reason != v1alpha1.ReasonSuperseded {
		b.state = v1alpha1.StateFailed
		return b
	}
	b.state = v1alpha1.StateSuperseded
	if b.built.Reason != v1alpha1.ReasonSuperseded { // else the message names what replaced it first
		b.built = condition.False(v1alpha1.ReasonSuperseded, about(seen.Revision, seen.replaced()))
	}
	if seen.Run != nil && seen.Run.DeletionTimestamp == nil && (seen.Outcome.Phase == pipelines.Pending || seen.Outcome.Phase == pipelines.Running) && !seen.shared() {
		b.action = cancelRun
	}
	return b
}

// planRun reads the run of this build.
func planRun(seen Seen, b build, now time.Time) build {
	rev, run := seen.Revision, seen.Run
	if run.DeletionTimestamp != nil {
		return b.queued("waiting for the earlier build run to go")
	}
	stale := run.CreationTimestamp.Before(&rev.CreationTimestamp) || seen.retryAsked() || run.Annotations[annotationSuperseded] != ""
	switch seen.Outcome.Phase {
	case pipelines.Succeeded:
		image := seen.Repository + "@" + seen.Outcome.Digest
		if run.Labels[v1alpha1.LabelRevision] != rev.Name {
			return b.reuse(now, image, seen.Outcome.ImageConfig, "built before for "+run.Labels[v1alpha1.LabelRevision])
		}
		b.started(run)
		b.finished(now)
		b.state, b.image, b.config = v1alpha1.StateBuilt, image, seen.Outcome.ImageConfig
		b.built = condition.True(v1alpha1.ReasonBuildSucceeded, "")
		b.action = unequipRun
		return b
	case pipelines.Failed:
		if stale {
			b.action = deleteRun
			return b.queued("trying the build again")
		}
		b.started(run)
		if seen.Outcome.Passing && !seen.failedBefore() && b.patient(run, now) {
			return b.tryAgain(seen, now)
		}
		if !seen.failedBefore() {
			b.action = unequipRun
		}
		return b.failed(seen, now)
	case pipelines.Running:
		b.started(run)
		b.begun(rev)
		b.state, b.built = v1alpha1.StateBuilding, condition.Unknown(v1alpha1.ReasonBuilding, seen.Outcome.Message)
		return b
	default:
		b.started(run)
		b.begun(rev)
		b = b.queued(seen.Outcome.Message)
		b.action = equipRun
		if seen.Outcome.InsufficientResources {
			b.built.Reason = v1alpha1.ReasonInsufficientResources
		}
		return b
	}
}

// planNewRun starts a build, if it can be.
func planNewRun(seen Seen, b build, now time.Time) build {
	rev := seen.Revision
	if seen.TemplateProblem != "" {
		b.state = v1alpha1.StateFailed
		b.built = condition.False(v1alpha1.ReasonTemplateNotFound, about(rev, seen.TemplateProblem))
		return b
	}
	if err := pipelines.CheckArgs(*seen.Template, rev.Spec.Build.Args); err != nil {
		b.state = v1alpha1.StateFailed
		b.built = condition.False(v1alpha1.ReasonInvalidArgs, about(rev, err.Error()))
		return b
	}
	if seen.Pushed != nil {
		return b.reuse(now, seen.Pushed.Image, seen.Pushed.Config, "found in the registry under the key of this build")
	}
	if seen.Modules != nil && seen.Modules.Problem != "" {
		b.state, b.again = v1alpha1.StateFailed, secretAgain
		b.built = condition.False(v1alpha1.ReasonSecretInvalid, about(rev, seen.Modules.Problem))
		return b
	}
	if seen.Turn != nil && !seen.Turn.Starts {
		return b.waitForTurn(*seen.Turn)
	}
	if seen.retryAsked() {
		b.status.Failures, b.status.FailingSince = 0, nil
	}
	b.action = createRun
	b.status.Run = pipelines.RunName(rev.BuildApp(), seen.Key)
	b.status.StartedAt = &metav1.MicroTime{Time: now}
	b.begun(rev)
	return b.queued("waiting for Tekton to start the build")
}

func (b build) queued(message string) build {
	b.state, b.built = v1alpha1.StateQueued, condition.Unknown(v1alpha1.ReasonQueued, condition.Shorten(message, longestCause))
	return b
}

// reuse takes an image that was built before.
func (b build) reuse(now time.Time, image string, config *v1alpha1.ImageConfig, origin string) build {
	b.state, b.image, b.config = v1alpha1.StateBuilt, image, config
	b.built = condition.True(v1alpha1.ReasonImageReused, origin)
	b.status.Run, b.status.StartedAt, b.status.FailedStep, b.status.LastLogLines = "", nil, "", nil
	b.status.FinishedAt = &metav1.MicroTime{Time: now}
	return b
}

// failed says which step failed and why, and keeps the end of its log.
func (b build) failed(seen Seen, now time.Time) build {
	b.finished(now)
	b.state = v1alpha1.StateFailed
	b.status.FailedStep = seen.Outcome.FailedStep
	b.readLog = seen.Outcome.Container != "" && seen.BuildLog == nil && !seen.failedBefore()
	if len(b.status.LastLogLines) == 0 {
		b.status.LastLogLines = seen.BuildLog
	}
	message, cause := seen.Outcome.Message, seen.Outcome.Cause
	if n := len(b.status.LastLogLines); cause == "" && n > 0 {
		cause = strings.TrimSpace(b.status.LastLogLines[n-1])
	}
	if cause != "" {
		message += ": " + cause
	}
	b.built = condition.False(v1alpha1.ReasonBuildFailed, about(seen.Revision, condition.Shorten(message, longestCause)))
	return b
}

// started notes the run, also after a crash between its creation and the write
// of the status.
func (b *build) started(run *pipelines.TaskRun) {
	if b.status.Run == run.Name && b.status.StartedAt != nil {
		return
	}
	b.status.Run = run.Name
	b.status.StartedAt = &metav1.MicroTime{Time: run.CreationTimestamp.Time}
}

// begun forgets the failure of an earlier attempt; a retry that was asked for
// is under way now.
func (b *build) begun(rev *v1alpha1.Revision) {
	b.status.FinishedAt, b.status.FailedStep, b.status.LastLogLines = nil, "", nil
	b.status.Retried = rev.Retried()
}

func (b *build) finished(now time.Time) {
	if b.status.FinishedAt == nil {
		b.status.FinishedAt = &metav1.MicroTime{Time: now}
	}
}

// about starts a message with the commit that it is about.
func about(rev *v1alpha1.Revision, message string) string {
	return fmt.Sprintf("commit %s: %s", v1alpha1.Short(rev.Spec.Commit), message)
}
