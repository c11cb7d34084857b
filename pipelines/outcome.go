package pipelines

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Phase is how far a build is.
type Phase string

// Phases. The last two are final.
const (
	// Pending means that no step has started.
	Pending Phase = "Pending"
	// Running means that a step has started.
	Running Phase = "Running"
	// Succeeded means that the image was pushed and its digest is known.
	Succeeded Phase = "Succeeded"
	// Failed means that there will be no image; the run may have been stopped.
	Failed Phase = "Failed"
)

// Outcome is what became of a TaskRun.
type Outcome struct {
	// Phase of the build.
	Phase Phase
	// Message says to a person what is going on or what went wrong, without a
	// final dot. Empty after a success.
	Message string
	// InsufficientResources: no node has enough free for the build pod. Only while Pending.
	InsufficientResources bool
	// Cause is what the failed step said is wrong, in one line; empty where its
	// template does not tell.
	Cause string
	// Digest of the pushed image, sha256:<hex>. Only after a success.
	Digest string
	// ImageConfig of the pushed image, where the template told it.
	ImageConfig *v1alpha1.ImageConfig
	// FailedStep is the name of the step that failed, if one did.
	FailedStep string
	// Passing: it failed at something that may pass, not at what is built: a server
	// that is away, a node that is short of something, a pod that could not be
	// started. Only while Failed.
	Passing bool
	// Pod and Container hold the log of the failed step. Empty when there is
	// no log to read: no step failed, or the pod is gone.
	Pod, Container string
}

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Read says what became of a TaskRun.
func Read(run *TaskRun) Outcome {
	condition := run.Status.GetCondition(apis.ConditionSucceeded)
	switch {
	case condition == nil:
		return Outcome{Phase: Pending, Message: "waiting for Tekton to start the build"}
	case condition.Status == corev1.ConditionTrue:
		return succeeded(run)
	case condition.Status == corev1.ConditionUnknown:
		return unfinished(run, condition)
	case condition.Reason == tektonv1.TaskRunReasonCancelled.String():
		return Outcome{Phase: Failed, Message: "the build was cancelled"}
	default:
		return failed(run, condition)
	}
}

// result is what the template's steps wrote; empty if they did not.
func result(run *TaskRun, name string) string {
	for _, result := range run.Status.Results {
		if result.Name == name {
			return result.Value.StringVal
		}
	}
	return ""
}

func succeeded(run *TaskRun) Outcome {
	digest, config := strings.TrimSpace(result(run, ResultDigest)), result(run, ResultImageConfig)
	if !digestPattern.MatchString(digest) {
		return Outcome{Phase: Failed, Message: fmt.Sprintf("the template's result %q is %q, not a digest such as sha256:<64 hex digits>", ResultDigest, digest)}
	}
	outcome := Outcome{Phase: Succeeded, Digest: digest}
	if strings.TrimSpace(config) == "" {
		return outcome
	}
	outcome.ImageConfig = &v1alpha1.ImageConfig{}
	if err := json.Unmarshal([]byte(config), outcome.ImageConfig); err != nil {
		return Outcome{Phase: Failed, Message: fmt.Sprintf("the template's result %q cannot be read: %v", ResultImageConfig, err)}
	}
	outcome.ImageConfig.SizeBytes = max(outcome.ImageConfig.SizeBytes, 0) // the API takes no other, and the image runs all the same
	return outcome
}
