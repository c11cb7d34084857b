package check

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/job"
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
	wanted := job.Pod(jobFor(&rev, s.Gates.Job, activator))
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
	}
	switch state, message := job.Read(&pod, jobLimit); state {
	case job.Succeeded:
		return answer{v1alpha1.VerdictPassing, message}
	case job.Failed:
		return answer{v1alpha1.VerdictFailed, message}
	case job.Lost:
		if err := apply.Delete(ctx, j.Client, &pod); err != nil {
			return waiting("%s, and cannot be deleted: %v", message, err)
		}
		return waiting("%s, and is made anew", message)
	default:
		return answer{v1alpha1.VerdictWaiting, message}
	}
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

// hostOf a URL, without its port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// jobFor is the job of a gate: the candidate's image with the command of the gate,
// told where the candidate answers, and nothing else of its environment.
func jobFor(rev *v1alpha1.Revision, command []string, activator string) job.Job {
	host := hostOf(rev.Status.URL)
	return job.Job{
		Name: rev.Name + "-job" + job.Retry(rev), Labels: map[string]string{labelJob: rev.Name},
		Owner:    *metav1.NewControllerRef(rev, v1alpha1.GroupVersion.WithKind("Revision")),
		Revision: rev, Command: command, Limit: jobLimit,
		Env:   []corev1.EnvVar{{Name: "HEADWAY_URL", Value: "http://" + host}, {Name: "HEADWAY_COMMIT", Value: rev.Spec.Commit}},
		Hosts: []corev1.HostAlias{{IP: activator, Hostnames: []string{host}}},
	}
}
