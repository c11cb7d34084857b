// Package job runs a command to its end, in a pod of its own with the image of a
// revision: the job of a gate, the setup and the teardown of a preview.
//
// It is pure: it renders the pod and reads how it did. The name of a pod says what
// it is for, so that it is made once; that a command has run is known by its pod,
// for as long as that is there.
package job

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/render"
)

// container is the one of a pod that runs the command.
const container = "job"

// Job is a command and where it runs.
type Job struct {
	// Name of the pod, in the Revision's namespace.
	Name string
	// Labels beside that of all objects of Headway. They must not make it a pod of
	// the app: it takes no requests.
	Labels map[string]string
	// Owner takes the pod along when it goes.
	Owner metav1.OwnerReference
	// Revision whose image runs.
	Revision *v1alpha1.Revision
	// Command and its arguments; no shell.
	Command []string
	// Env is the whole environment.
	Env []corev1.EnvVar
	// Hosts that the pod finds at other addresses than everybody.
	Hosts []corev1.HostAlias
	// Limit is how long it may run.
	Limit time.Duration
}

// Pod renders the pod of a job. It has the rights of an app's, a request of 10m CPU
// and 32Mi memory, and a limit of 1 CPU and 512Mi.
func Pod(j Job) *corev1.Pod {
	labels := map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	for name, value := range j.Labels {
		labels[name] = value
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: j.Name, Namespace: j.Revision.Namespace, Labels: labels, OwnerReferences: []metav1.OwnerReference{j.Owner},
		},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Name: container, Image: j.Revision.Status.Image, Command: j.Command, Env: j.Env,
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("512Mi")},
				},
				SecurityContext:          render.ContainerSecurity(),
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			}},
			HostAliases:                   j.Hosts,
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64(j.Limit.Seconds())),
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			SecurityContext:               render.PodSecurity(j.Revision.Status.ImageConfig),
		},
	}
}

// Attempt tells what is run once for a revision, and once more after each retry of
// it that a person asks for: its name, or that and a hash of the retry.
func Attempt(rev *v1alpha1.Revision) string { return rev.Name + Retry(rev) }

// Retry is the end of a name that tells one retry of a revision from another;
// empty without one.
func Retry(rev *v1alpha1.Revision) string {
	retried := rev.Annotations[v1alpha1.AnnotationRetriedAt]
	if retried == "" {
		return ""
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(retried)) // never fails
	return fmt.Sprintf("-%08x", hash.Sum32())
}

// State is how far a job is.
type State string

const (
	// Pending: the command has not started.
	Pending State = "Pending"
	// Running: it has.
	Running State = "Running"
	// Succeeded and Failed: it has ended.
	Succeeded State = "Succeeded"
	Failed    State = "Failed"
	// Lost: the pod has ended, and nothing says how the command did. It was
	// evicted, or its node is gone.
	Lost State = "Lost"
)

// Read says how the pod of a job does, and in a message for people why. limit is
// that of the job.
func Read(pod *corev1.Pod, limit time.Duration) (State, string) {
	end := ended(pod)
	switch {
	case pod.Status.Phase == corev1.PodSucceeded:
		return Succeeded, "it succeeded"
	case pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == deadline:
		return Failed, fmt.Sprintf("it took longer than %s", limit)
	case pod.Status.Phase == corev1.PodFailed && end == nil:
		return Lost, "its pod was lost"
	case pod.Status.Phase == corev1.PodFailed:
		message := fmt.Sprintf("it exited with code %d", end.ExitCode)
		if log := strings.TrimSpace(end.Message); log != "" {
			message += "; its last log lines:\n" + lastLines(log)
		}
		return Failed, message
	case pod.Status.Phase == corev1.PodRunning:
		return Running, fmt.Sprintf("pod %s runs", pod.Name)
	}
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason != "" && w.Reason != "ContainerCreating" {
			return Pending, fmt.Sprintf("pod %s waits: %s %s", pod.Name, w.Reason, w.Message)
		}
	}
	if c := kubelet.Condition(&pod.Status, corev1.PodScheduled); c.Status == corev1.ConditionFalse {
		return Pending, fmt.Sprintf("pod %s waits: %s %s", pod.Name, c.Reason, c.Message)
	}
	return Pending, fmt.Sprintf("pod %s starts", pod.Name)
}

// deadline is the reason of a pod that took too long.
const deadline = "DeadlineExceeded"

// ended is how the command ended; nil if that is not known.
func ended(pod *corev1.Pod) *corev1.ContainerStateTerminated {
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == container && c.State.Terminated != nil {
			return c.State.Terminated
		}
	}
	return nil
}

// longestLog bounds what a message quotes of a log, in bytes.
const longestLog = 800

func lastLines(log string) string {
	if len(log) <= longestLog {
		return log
	}
	log = log[len(log)-longestLog:]
	if _, whole, found := strings.Cut(log, "\n"); found {
		return whole
	}
	return strings.ToValidUTF8(log, "")
}
