package pipelines

import (
	"fmt"
	"strconv"
	"strings"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"knative.dev/pkg/apis"

	"github.com/headway-dev/headway/pipelines/contract"
)

// Reasons of a condition and of a step that Tekton writes but does not export
// from its API package.
const (
	reasonExceededNodeResources = "ExceededNodeResources"
	// Insufficient is the scheduler's word for a node that is full.
	Insufficient             = "Insufficient "
	reasonPullImageFailed    = "PullImageFailed"
	reasonPodCreationFailed  = "PodCreationFailed"
	reasonPodAdmissionFailed = "PodAdmissionFailed"
	stepSkipped              = "Skipped"
)

// unfinished is the outcome of a run that Tekton still works on.
func unfinished(run *TaskRun, condition *apis.Condition) Outcome {
	if step := failedStep(run); step != nil {
		return Outcome{Phase: Running, Message: fmt.Sprintf("step %q failed, the build is ending", step.Name)}
	}
	for _, step := range run.Status.Steps {
		if step.Running != nil {
			return Outcome{Phase: Running, Message: fmt.Sprintf("step %q is running", step.Name)}
		}
	}
	for _, step := range run.Status.Steps {
		if step.Terminated != nil {
			return Outcome{Phase: Running, Message: fmt.Sprintf("step %q has ended", step.Name)}
		}
	}
	outcome := Outcome{Phase: Pending}
	switch condition.Reason {
	case reasonExceededNodeResources:
		outcome.Message, outcome.InsufficientResources = "no node has enough free CPU or memory for the build; it waits", true
	case reasonPullImageFailed:
		outcome.Message = "the image of a build step cannot be pulled yet: " + detail(condition.Message)
	default:
		outcome.Message = starting(condition.Message)
		outcome.InsufficientResources = strings.Contains(outcome.Message, Insufficient)
	}
	return outcome
}

// starting picks from Tekton's account of a pod that is coming up what a person
// may have to act on: a pod that no node takes, a container that cannot start.
func starting(message string) string {
	if cause, ok := strings.CutPrefix(message, `pod status "PodScheduled":"False"; message: `); ok {
		if plain, err := strconv.Unquote(cause); err == nil {
			cause = plain
		}
		return "no node takes the build pod yet: " + detail(cause)
	}
	if strings.HasPrefix(message, "build step ") {
		return "the build pod is starting: " + detail(message)
	}
	return "the build pod is starting"
}

// failed is the outcome of a run without an image.
//
//	reason of the condition          what the message says           may pass
//	TaskRunTimeout                   the time limit, and its step    before any step
//	StepOOM                          the step that ran out of memory
//	StepFailed, Failed               the step and its exit code;     as the exit code
//	                                 the step itself tells the cause says
//	TaskRunImagePullFailed           which image, and why            yes
//	CreateContainerConfigError,      what Kubernetes said            yes
//	PodCreationFailed, PodAdmissionFailed
//	PodEvicted                       what the node was short of      yes
//	anything else                    what Tekton said
func failed(run *TaskRun, condition *apis.Condition) Outcome {
	outcome := Outcome{Phase: Failed}
	step := failedStep(run)
	if step != nil {
		outcome.FailedStep = step.Name
	}
	switch tektonv1.TaskRunReason(condition.Reason) {
	case tektonv1.TaskRunReasonTimedOut:
		outcome.Message, outcome.Passing = timedOut(step, condition), step == nil
		return outcome // Tekton has deleted the pod, and the log with it
	case tektonv1.TaskRunReasonImagePullFailed:
		outcome.Message, outcome.Passing = "the image of a build step cannot be pulled: "+detail(condition.Message), true
		return outcome
	case tektonv1.TaskRunReasonCreateContainerConfigError, reasonPodCreationFailed, reasonPodAdmissionFailed:
		outcome.Message, outcome.Passing = "the build pod cannot be started: "+detail(condition.Message), true
		return outcome
	case tektonv1.TaskRunReasonPodEvicted:
		outcome.Message, outcome.Passing = "the build pod was evicted because its node ran short of memory or disk", true
		return outcome
	}
	if step == nil {
		outcome.Message = detail(condition.Message)
		return outcome
	}
	outcome.Pod, outcome.Container = run.Status.PodName, step.Container
	if step.Terminated.Reason == "OOMKilled" || condition.Reason == tektonv1.TaskRunReasonStepOOM.String() {
		outcome.Message = fmt.Sprintf("step %q ran out of memory", step.Name)
		return outcome
	}
	outcome.Message = fmt.Sprintf("step %q failed with exit code %d", step.Name, step.Terminated.ExitCode)
	outcome.Passing = step.Terminated.ExitCode == contract.ExitPassing
	outcome.Cause = strings.TrimSpace(result(run, ResultError))
	return outcome
}

// failedStep is the first step that ended badly; those behind it were skipped.
// A step that never started failed at nothing, although Tekton marks it as ended
// when it gives up on a run. It has no image yet, which every container has that
// was made; its times tell nothing, for they are those of the run in seconds.
func failedStep(run *TaskRun) *tektonv1.StepState {
	for i, step := range run.Status.Steps {
		ended := step.Terminated
		if ended == nil || step.TerminationReason == stepSkipped || step.ImageID == "" {
			continue
		}
		if ended.ExitCode != 0 || ended.Reason == "OOMKilled" {
			return &run.Status.Steps[i]
		}
	}
	return nil
}

// timedOut tells the time limit, and what Tekton knew of the run before it
// ended, such as an image that could not be pulled.
func timedOut(step *tektonv1.StepState, condition *apis.Condition) string {
	message := fmt.Sprintf("the build did not finish within %s", strings.TrimSuffix(Timeout.String(), "0s"))
	if step != nil {
		message += fmt.Sprintf("; it was in step %q", step.Name)
	}
	if _, previous, ok := strings.Cut(condition.Message, "Previous status: "); ok {
		message += "; before that: " + detail(previous)
	}
	return message
}

// detail is what a person needs of a message of Tekton: the cause behind the
// last preamble, on one line, without a final dot.
func detail(message string) string {
	if _, cause, ok := strings.Cut(message, `The pod errored with the message: "`); ok {
		message = strings.TrimSuffix(cause, `."`)
	}
	message = strings.TrimSuffix(strings.Join(strings.Fields(message), " "), ".")
	if message == "" {
		return "no reason was given"
	}
	return message
}
