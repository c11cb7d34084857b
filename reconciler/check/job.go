package check

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/render"
)

const (
	// jobLimit is how long a job may run.
	jobLimit = 10 * time.Minute
	// labelJob on a pod of a job names the Revision. It has no label of an app's
	// pod: it takes no requests.
	labelJob = "headway.dev/job"
)

// Jobs runs the jobs of gates: one pod for each revision, and one more after
// each retry of it. It stays until the Revision is deleted: that it has run is
// known by it.
type Jobs struct {
	Client client.Client
	// Activator is the host of the activators' Service within the cluster, which
	// answers on port 80. A job reaches its candidate there: an app's public name
	// may lead nowhere from inside.
	Activator string
	// Lookup finds the addresses of a host; nil: as the machine does.
	Lookup func(ctx context.Context, host string) ([]string, error)
}

// ask makes the pod of a job, or reads how it is.
func (j Jobs) ask(ctx context.Context, s Subject) answer {
	waiting := func(format string, args ...any) answer {
		return answer{v1alpha1.VerdictWaiting, fmt.Sprintf(format, args...)}
	}
	var rev v1alpha1.Revision
	if err := j.Client.Get(ctx, types.NamespacedName{Namespace: s.App.Namespace, Name: s.Revision}, &rev); err != nil {
		return waiting("reading the revision: %v", err)
	}
	activator, err := j.activator(ctx)
	if err != nil {
		return waiting("%v", err)
	}
	wanted := podFor(&rev, s.Gates.Job, activator)
	var pod corev1.Pod
	err = j.Client.Get(ctx, client.ObjectKeyFromObject(wanted), &pod)
	switch {
	case apierrors.IsNotFound(err):
		if err := j.Client.Create(ctx, wanted); err != nil && !apierrors.IsAlreadyExists(err) {
			return waiting("its pod cannot be made: %v", err)
		}
		return waiting("its pod %s starts", wanted.Name)
	case err != nil:
		return waiting("reading its pod: %v", err)
	case !metav1.IsControlledBy(&pod, &rev):
		return waiting("pod %s is there, and is not its own: delete that", pod.Name)
	case lost(&pod):
		if err := apply.Delete(ctx, j.Client, &pod); err != nil {
			return waiting("its pod was lost, and cannot be deleted: %v", err)
		}
		return waiting("its pod was lost, and is made anew")
	}
	return resultOf(&pod)
}

// activator is the address of the activators' Service.
func (j Jobs) activator(ctx context.Context) (string, error) {
	lookup := j.Lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupHost
	}
	addresses, err := lookup(ctx, j.Activator)
	if err != nil {
		return "", fmt.Errorf("the activators' Service cannot be found: %w", err)
	}
	return addresses[0], nil
}

// lost reports whether a pod has ended and nothing of it says how the program
// did: it was evicted, or its node is gone.
func lost(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodFailed && pod.Status.Reason != deadline && ended(pod) == nil
}

// deadline is the reason of a pod that took too long.
const deadline = "DeadlineExceeded"

// ended is how the program ended; nil if that is not known.
func ended(pod *corev1.Pod) *corev1.ContainerStateTerminated {
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == jobContainer && c.State.Terminated != nil {
			return c.State.Terminated
		}
	}
	return nil
}

// resultOf reads a pod.
func resultOf(pod *corev1.Pod) answer {
	switch pod.Status.Phase {
	case corev1.PodSucceeded:
		return answer{v1alpha1.VerdictPassing, "it succeeded"}
	case corev1.PodFailed:
		message := fmt.Sprintf("it took longer than %s", jobLimit)
		if end := ended(pod); end != nil && pod.Status.Reason != deadline {
			message = fmt.Sprintf("it exited with code %d", end.ExitCode)
			if log := strings.TrimSpace(end.Message); log != "" {
				message += "; its last log lines:\n" + lastLines(log)
			}
		}
		return answer{v1alpha1.VerdictFailed, message}
	}
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason != "" && w.Reason != "ContainerCreating" {
			return answer{v1alpha1.VerdictWaiting, fmt.Sprintf("pod %s waits: %s %s", pod.Name, w.Reason, w.Message)}
		}
	}
	if pod.Status.Phase != corev1.PodRunning {
		return answer{v1alpha1.VerdictWaiting, fmt.Sprintf("pod %s starts", pod.Name)}
	}
	return answer{v1alpha1.VerdictWaiting, fmt.Sprintf("pod %s runs", pod.Name)}
}

// lastLines are those that fit into an answer.
func lastLines(log string) string {
	const longest = longestMessage - 200
	if len(log) <= longest {
		return log
	}
	log = log[len(log)-longest:]
	_, log, _ = strings.Cut(log, "\n")
	return log
}

const jobContainer = "job"

// hostOf a URL, without its port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// podFor renders the pod of a job: the candidate's image with the command of the
// gate, told where the candidate answers, and nothing else of its environment.
func podFor(rev *v1alpha1.Revision, command []string, activator string) *corev1.Pod {
	name := rev.Name + "-job"
	if retried := rev.Annotations[v1alpha1.AnnotationRetriedAt]; retried != "" {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(retried)) // never fails
		name = fmt.Sprintf("%s-%08x", name, hash.Sum32())
	}
	host := hostOf(rev.Status.URL)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: rev.Namespace,
			Labels:          map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, labelJob: rev.Name},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rev, v1alpha1.GroupVersion.WithKind("Revision"))},
		},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Name: jobContainer, Image: rev.Status.Image, Command: command,
				Env: []corev1.EnvVar{{Name: "HEADWAY_URL", Value: "http://" + host}, {Name: "HEADWAY_COMMIT", Value: rev.Spec.Commit}},
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("512Mi")},
				},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false),
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			}},
			HostAliases:                   []corev1.HostAlias{{IP: activator, Hostnames: []string{host}}},
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64(jobLimit.Seconds())),
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			SecurityContext:               render.PodSecurity(rev.Status.ImageConfig),
		},
	}
}
