package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// stepPrefix begins the name of every container that is a step of a build.
const stepPrefix = "step-"

// taskRunLabel is what Tekton puts on the pod of a run.
const taskRunLabel = "tekton.dev/taskRun"

// build prints the log of a revision's build, step by step. cluster tells how far
// that is.
func (b *printer) build(ctx context.Context, cluster client.Reader, r *v1alpha1.Revision) error {
	for {
		pod, err := b.pod(ctx, r)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case pod != nil:
			return b.steps(ctx, pod)
		case !b.follow || over(r):
			return b.withoutPod(r)
		}
		if !b.pause(ctx) {
			return nil
		}
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(r), r); err != nil && ctx.Err() == nil {
			return fmt.Errorf("reading revision %s: %w", r.Name, err)
		}
	}
}

// over reports whether the build has come to an end.
func over(r *v1alpha1.Revision) bool {
	c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionBuilt)
	return c != nil && c.Status != metav1.ConditionUnknown
}

// pod is that of the revision's run, nil while or since there is none.
func (b *printer) pod(ctx context.Context, r *v1alpha1.Revision) (*corev1.Pod, error) {
	if r.Status.Build == nil || r.Status.Build.Run == "" {
		return nil, nil
	}
	pods, err := b.pods.List(ctx, metav1.ListOptions{LabelSelector: taskRunLabel + "=" + r.Status.Build.Run})
	if err != nil {
		return nil, fmt.Errorf("listing build pods: %w", err)
	}
	if len(pods.Items) == 0 {
		return nil, nil
	}
	// A run that was tried again has the newest pod last.
	slices.SortFunc(pods.Items, func(a, c corev1.Pod) int { return a.CreationTimestamp.Compare(c.CreationTimestamp.Time) })
	return &pods.Items[len(pods.Items)-1], nil
}

// withoutPod prints what the revision itself still knows.
func (b *printer) withoutPod(r *v1alpha1.Revision) error {
	if build := r.Status.Build; build != nil && len(build.LastLogLines) > 0 {
		_, _ = fmt.Fprintf(b.notes, "the build's pod is gone; these are the last lines of step %s\n", build.FailedStep)
		for _, l := range build.LastLogLines {
			if err := b.out.line(build.FailedStep, l); err != nil {
				return fmt.Errorf("printing the log: %w", err)
			}
		}
		return nil
	}
	c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionBuilt)
	switch {
	case c == nil:
		return fmt.Errorf("the build of %s has not begun; -f waits for it", r.Name)
	case c.Reason == v1alpha1.ReasonImageReused || c.Reason == v1alpha1.ReasonImageProvided:
		_, _ = fmt.Fprintf(b.notes, "%s was not built: %s\n", r.Name, c.Message)
		return nil
	}
	return fmt.Errorf("there is no log of the build of %s any more (%s: %s)", r.Name, c.Reason, c.Message)
}

// steps prints the containers in the order in which they run.
func (b *printer) steps(ctx context.Context, pod *corev1.Pod) error {
	for _, container := range pod.Spec.Containers {
		if !strings.HasPrefix(container.Name, stepPrefix) {
			continue
		}
		ready, err := b.waitFor(ctx, pod.Name, container.Name)
		if err != nil {
			return err
		}
		if !ready {
			return nil
		}
		step := strings.TrimPrefix(container.Name, stepPrefix)
		if err := b.print(ctx, step, pod.Name, b.options(container.Name)); err != nil {
			return err
		}
	}
	return nil
}

// waitFor waits, when following, until a step's container has started. It
// returns false when there is nothing to print and never will be.
func (b *printer) waitFor(ctx context.Context, pod, container string) (bool, error) {
	said := ""
	for {
		p, err := b.pods.Get(ctx, pod, metav1.GetOptions{})
		switch {
		case ctx.Err() != nil, apierrors.IsNotFound(err):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("reading build pod %s: %w", pod, err)
		}
		if failedBefore(p, container) {
			return false, nil // Tekton starts the later steps only to skip them
		}
		started, waiting := hasStarted(p, container)
		if started {
			return true, nil
		}
		if kubelet.Ended(p) {
			return false, nil
		}
		if waiting != "" && waiting != said {
			_, _ = fmt.Fprintf(b.notes, "waiting for step %s: %s\n", strings.TrimPrefix(container, stepPrefix), waiting)
			said = waiting
		}
		if !b.follow || !b.pause(ctx) {
			return false, nil
		}
	}
}

// failedBefore reports whether a step before this one has failed.
func failedBefore(p *corev1.Pod, container string) bool {
	before := true
	for _, c := range p.Spec.Containers {
		before = before && c.Name != container
		if !before || !strings.HasPrefix(c.Name, stepPrefix) {
			continue
		}
		for _, s := range p.Status.ContainerStatuses {
			if s.Name == c.Name && s.State.Terminated != nil && s.State.Terminated.ExitCode != 0 {
				return true
			}
		}
	}
	return false
}

// hasStarted reports whether a container runs or ran, and if not, why.
func hasStarted(p *corev1.Pod, container string) (started bool, waiting string) {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name != container {
			continue
		}
		if s.State.Running != nil || s.State.Terminated != nil {
			return true, ""
		}
		if s.State.Waiting != nil {
			return false, strings.TrimSuffix(s.State.Waiting.Reason+": "+s.State.Waiting.Message, ": ")
		}
	}
	if c := kubelet.Condition(&p.Status, corev1.PodScheduled); c.Status == corev1.ConditionFalse {
		return false, c.Message
	}
	return false, ""
}
