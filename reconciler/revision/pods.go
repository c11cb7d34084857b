package revision

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/probe"
)

// logLines is how many lines of a log a person gets to see.
const logLines = 20

// finding is what a pod tells about why it is not ready.
type finding struct {
	// failed: it will not become ready by waiting.
	failed bool
	// passing: every pod that starts is there for a moment.
	passing bool
	reason  string
	message string
}

// ready is the kubelet's verdict.
func ready(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && podCondition(pod, corev1.PodReady) == corev1.ConditionTrue
}

// appStatus is the state of the application's container; nil before there is
// one.
func appStatus(pod *corev1.Pod) *corev1.ContainerStatus {
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].Name == v1alpha1.AppContainer {
			return &pod.Status.ContainerStatuses[i]
		}
	}
	return nil
}

func podCondition(pod *corev1.Pod, kind corev1.PodConditionType) corev1.ConditionStatus {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind {
			return c.Status
		}
	}
	return corev1.ConditionUnknown
}

// diagnose explains why the pods of a revision do not all take requests: the
// worst finding wins. The duration says when to look again, for hints that come
// with time; 0 is never.
func (s Seen) diagnose(pods []corev1.Pod, now time.Time) (finding, time.Duration) {
	worst := finding{reason: v1alpha1.ReasonStarting}
	var again time.Duration
	for i := range pods {
		pod := &pods[i]
		takes, left := s.takes(pod, now)
		if takes || pod.DeletionTimestamp != nil {
			continue
		}
		found, wait := inspect(s.Revision, pod, s.Listening[pod.UID], now)
		if ready(pod) && !found.failed {
			found, wait = holding(s.Hold), left
		}
		if found.failed && !worst.failed || worst.message == "" {
			worst = found
		}
		if wait > 0 && (again == 0 || wait < again) {
			again = wait
		}
	}
	if worst.message == "" {
		worst = passing("waiting for Kubernetes to start a pod")
	}
	return worst, again
}

// inspect reads one pod that is not ready.
func inspect(rev *v1alpha1.Revision, pod *corev1.Pod, listens probe.Listening, now time.Time) (finding, time.Duration) {
	if message, stuck := unschedulable(pod); stuck {
		found := starting(message)
		if strings.Contains(message, pipelines.Insufficient) {
			found.reason = v1alpha1.ReasonInsufficientResources
		}
		return found, 0
	}
	status := appStatus(pod)
	if status == nil {
		return passing("the pod is being set up"), 0
	}
	if w := status.State.Waiting; w != nil {
		if found, ok := waiting(rev, w); ok {
			return found, 0
		}
	}
	var wait time.Duration // until a look at its ports is worth it
	if run := status.State.Running; run != nil {
		wait = max(0, slowStart-now.Sub(run.StartedAt.Time))
	}
	switch end := ended(status); {
	case end != nil && neverAnswered(pod, end):
		return failed(v1alpha1.ReasonStartFailed, withLog(stoppedSilent(rev, listens), end)), wait
	case end != nil:
		return failed(v1alpha1.ReasonStartFailed, crash(rev, end)), 0
	case status.State.Running == nil:
		return passing("the container is being created"), 0
	case isWoken(pod): // its container ran before the app did
		return passing("the app is starting"), 0
	case wait > 0:
		return passing("the app is starting"), wait
	}
	return starting(silent(rev, listens)), 0
}

// unschedulable says why no node takes the pod.
func unschedulable(pod *corev1.Pod) (string, bool) {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return "no node can take the pod yet: " + oneLine(c.Message), true
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
func waiting(rev *v1alpha1.Revision, w *corev1.ContainerStateWaiting) (finding, bool) {
	switch w.Reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable":
		return failed(v1alpha1.ReasonStartFailed, "the image cannot be pulled: "+oneLine(w.Message)), true
	case "CreateContainerConfigError":
		if message, ok := missingReference(rev, w.Message); ok {
			return failed(v1alpha1.ReasonReferenceMissing, message), true
		}
		return failed(v1alpha1.ReasonStartFailed, "the container cannot be configured: "+oneLine(w.Message)), true
	case "CreateContainerError", "RunContainerError", "PostStartHookError":
		if strings.Contains(w.Message, "no command specified") {
			return failed(v1alpha1.ReasonStartFailed, noCommand), true
		}
		return failed(v1alpha1.ReasonStartFailed, cannotStart(rev, w.Message)), true
	}
	return finding{}, false
}

// cannotStart passes on what the container runtime says, and whose command it
// is about.
func cannotStart(rev *v1alpha1.Revision, message string) string {
	message = "the container cannot be started: " + oneLine(message)
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
	lines := lastLines(end.Message)
	if len(lines) == 0 {
		return message
	}
	return message + "; its last log lines:\n" + strings.Join(lines, "\n")
}

func starting(message string) finding {
	return finding{reason: v1alpha1.ReasonStarting, message: message}
}

func passing(message string) finding {
	return finding{passing: true, reason: v1alpha1.ReasonStarting, message: message}
}

func failed(reason, message string) finding {
	return finding{failed: true, reason: reason, message: message}
}

// lastLines are the last lines of a log, each cut to a readable length.
func lastLines(log string) []string {
	const longest = 500
	log = strings.TrimRight(strings.ToValidUTF8(log, "?"), "\r\n\t ")
	if log == "" {
		return nil
	}
	lines := strings.Split(log, "\n")
	if len(lines) > logLines {
		lines = lines[len(lines)-logLines:]
	}
	for i, line := range lines {
		lines[i] = condition.Shorten(strings.TrimRight(line, "\r"), longest)
	}
	return lines
}

// containerID is that of one attempt to start a container.
var containerID = regexp.MustCompile(`(container )?"[0-9a-f]{64}"`)

// oneLine makes a message of Kubernetes fit into a sentence, which is the same
// for each attempt.
func oneLine(message string) string {
	const longest = 600
	message = containerID.ReplaceAllString(message, "the container")
	return condition.Shorten(strings.TrimRight(strings.Join(strings.Fields(message), " "), ". "), longest)
}
