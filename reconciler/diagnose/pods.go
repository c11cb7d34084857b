// Package diagnose explains, by what Kubernetes says of pods, why a revision does
// not take requests, and what to change.
//
// It is pure: it asks nobody, and it decides nothing. Messages are the same for
// each attempt to start a pod, so that they are written once.
package diagnose

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/probe"
	"github.com/headway-dev/headway/reconciler/render"
)

// LogLines is how many lines of a log a person gets to see.
const LogLines = 20

// Finding is what a pod tells about why it is not ready.
type Finding struct {
	// Failed: it will not become ready by waiting.
	Failed bool
	// Passing: every pod that starts is there for a moment.
	Passing bool
	// Reason of the condition, and the message for people.
	Reason, Message string
}

// Pod reads one pod that is not ready. The duration says when to look again, for
// hints that come with time; 0 is never.
func Pod(rev *v1alpha1.Revision, pod *corev1.Pod, listens probe.Listening, now time.Time) (Finding, time.Duration) {
	if found, ok := unstarted(rev, pod); ok {
		return found, 0
	}
	status := kubelet.App(pod)
	var wait time.Duration // until a look at its ports is worth it
	if run := status.State.Running; run != nil {
		wait = max(0, SlowStart-now.Sub(run.StartedAt.Time))
	}
	switch end := ended(status); {
	case end != nil && neverAnswered(pod, end):
		return failed(v1alpha1.ReasonStartFailed, withLog(stoppedSilent(rev, listens), end)), wait
	case end != nil:
		return failed(v1alpha1.ReasonStartFailed, crash(rev, end)), 0
	case status.State.Running == nil:
		return passing("the container is being created"), 0
	case Woken(pod): // its container ran before the app did
		return passing("the app is starting"), 0
	case wait > 0:
		return passing("the app is starting"), wait
	}
	return starting(silent(rev, listens)), 0
}

// unstarted explains a pod whose container Kubernetes has not tried to start, or
// cannot.
func unstarted(rev *v1alpha1.Revision, pod *corev1.Pod) (Finding, bool) {
	if message, stuck := Unschedulable(pod); stuck {
		found := starting(message)
		if strings.Contains(message, pipelines.Insufficient) {
			found.Reason = v1alpha1.ReasonInsufficientResources
		}
		return found, true
	}
	status := kubelet.App(pod)
	if status == nil {
		return passing("the pod is being set up"), true
	}
	if w := status.State.Waiting; w != nil {
		return waiting(rev, w)
	}
	return Finding{}, false
}

// Unschedulable says why no node takes the pod.
func Unschedulable(pod *corev1.Pod) (string, bool) {
	c := kubelet.Condition(&pod.Status, corev1.PodScheduled)
	return "no node can take the pod yet: " + OneLine(c.Message), c.Status == corev1.ConditionFalse
}

// Deployment is why Kubernetes makes no pods, such as a quota, or that it gave up
// waiting for them.
func Deployment(d *appsv1.Deployment, pods int) (string, bool) {
	for _, c := range d.Status.Conditions {
		switch {
		case c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue && pods == 0:
			return "Kubernetes refuses to make the pod: " + OneLine(c.Message), true
		case c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse && c.Reason == "ProgressDeadlineExceeded":
			return fmt.Sprintf("not ready within %s", render.ProgressLimit), true
		}
	}
	return "", false
}

// ended is how the container ended the last time, if it ever did.
func ended(status *corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	if status.State.Terminated != nil {
		return status.State.Terminated
	}
	return status.LastTerminationState.Terminated
}

// waiting explains a container that Kubernetes cannot start. The bool is false
// for the states that every container goes through.
func waiting(rev *v1alpha1.Revision, w *corev1.ContainerStateWaiting) (Finding, bool) {
	switch w.Reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable":
		return failed(v1alpha1.ReasonStartFailed, "the image cannot be pulled: "+OneLine(w.Message)), true
	case "CreateContainerConfigError":
		if message, ok := missingReference(rev, w.Message); ok {
			return failed(v1alpha1.ReasonReferenceMissing, message), true
		}
		return failed(v1alpha1.ReasonStartFailed, "the container cannot be configured: "+OneLine(w.Message)), true
	case "CreateContainerError", "RunContainerError", "PostStartHookError":
		if strings.Contains(w.Message, "no command specified") {
			return failed(v1alpha1.ReasonStartFailed, render.NoCommand), true
		}
		return failed(v1alpha1.ReasonStartFailed, cannotStart(rev, w.Message)), true
	}
	return Finding{}, false
}

// cannotStart passes on what the container runtime says, and whose command it
// is about.
func cannotStart(rev *v1alpha1.Revision, message string) string {
	message = "the container cannot be started: " + OneLine(message)
	if len(rev.Spec.Command) > 0 {
		message += "; it runs what command in headway.yaml says"
	}
	return message
}

// crash explains how the app ended, with the end of its log.
func crash(rev *v1alpha1.Revision, end *corev1.ContainerStateTerminated) string {
	message := fmt.Sprintf("the app exited with code %d", end.ExitCode) + absentHint(rev, end.Message)
	switch {
	case end.Reason == "OOMKilled":
		message = "the app used more memory than it may"
		if m := rev.Spec.Resources.Memory; m != "" {
			message += " (" + m + "); raise resources.memory in headway.yaml"
		}
	case end.ExitCode == 0:
		message = "the app exited with code 0; it has to keep running and listen on $PORT"
	case end.Reason == "StartError" || end.Reason == "ContainerCannotRun":
		return cannotStart(rev, end.Message)
	}
	return withLog(message, end)
}

// withLog adds the end of the container's log.
func withLog(message string, end *corev1.ContainerStateTerminated) string {
	lines := LastLines(end.Message)
	if len(lines) == 0 {
		return message
	}
	return message + "; its last log lines:\n" + strings.Join(lines, "\n")
}

func starting(message string) Finding {
	return Finding{Reason: v1alpha1.ReasonStarting, Message: message}
}

func passing(message string) Finding {
	return Finding{Passing: true, Reason: v1alpha1.ReasonStarting, Message: message}
}

func failed(reason, message string) Finding {
	return Finding{Failed: true, Reason: reason, Message: message}
}

// LastLines are the last lines of a log, each cut to a readable length.
func LastLines(log string) []string {
	const longest = 500
	log = strings.TrimRight(strings.ToValidUTF8(log, "?"), "\r\n\t ")
	if log == "" {
		return nil
	}
	lines := strings.Split(log, "\n")
	if len(lines) > LogLines {
		lines = lines[len(lines)-LogLines:]
	}
	for i, line := range lines {
		lines[i] = condition.Shorten(strings.TrimRight(line, "\r"), longest)
	}
	return lines
}

// containerID is that of one attempt to start a container.
var containerID = regexp.MustCompile(`(container )?"[0-9a-f]{64}"`)

// OneLine makes a message of Kubernetes fit into a sentence, which is the same
// for each attempt.
func OneLine(message string) string {
	const longest = 600
	message = containerID.ReplaceAllString(message, "the container")
	return condition.Shorten(strings.TrimRight(strings.Join(strings.Fields(message), " "), ". "), longest)
}
