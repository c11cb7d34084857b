package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// lookInterval is how often a followed log looks for what has started.
const lookInterval = 500 * time.Millisecond

// tailer prints the logs of an app's pods.
type tailer struct {
	pods   typedcorev1.PodInterface
	out    *lineWriter
	notes  io.Writer
	follow bool
	tail   int64
	// every is the time between two looks for pods.
	every time.Duration
}

// run prints the logs of the selected pods; with follow it goes on until ctx
// ends, which is no error.
func (t *tailer) run(ctx context.Context, selector string) error {
	streams, ctx := errgroup.WithContext(ctx)
	// started holds the container run (pod and restart count) last opened.
	started := map[string]int32{}
	first := true
	for {
		pods, err := t.pods.List(ctx, metav1.ListOptions{LabelSelector: selector})
		if ctx.Err() != nil {
			break
		} else if err != nil {
			return fmt.Errorf("listing pods: %w", err)
		}
		slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
		awake, opened := 0, false
		for _, pod := range pods.Items {
			run, ok := t.openable(&pod)
			if !parked(&pod) {
				awake++
				opened = opened || ok
			}
			if last, seen := started[pod.Name]; !ok || seen && last == run.restarts {
				continue
			}
			_, again := started[pod.Name]
			started[pod.Name] = run.restarts
			options := t.options(run, again)
			if !t.follow {
				// One after the other, so that the output is in order.
				if err := t.stream(ctx, pod.Name, options); err != nil {
					return err
				}
				continue
			}
			streams.Go(func() error { return t.stream(ctx, pod.Name, options) })
		}
		if first && !opened {
			_, _ = fmt.Fprintln(t.notes, nothing(awake, t.follow))
		}
		first = false
		if !t.follow {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(t.every):
		}
	}
	if err := streams.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// containerRun is one run of a pod's app.
type containerRun struct {
	restarts int32
	// previous is set while the app waits to be restarted: its last run has
	// the log that explains why.
	previous bool
}

// openable tells whether the app of a pod has logged anything yet. A parked pod
// logs from the moment that it is woken.
func (t *tailer) openable(pod *corev1.Pod) (containerRun, bool) {
	if parked(pod) && !t.follow {
		return containerRun{}, false
	}
	for _, s := range pod.Status.ContainerStatuses {
		if s.Name != v1alpha1.AppContainer {
			continue
		}
		if s.State.Running != nil || s.State.Terminated != nil {
			return containerRun{restarts: s.RestartCount}, true
		}
		if s.LastTerminationState.Terminated != nil && !t.follow {
			_, _ = fmt.Fprintf(t.notes, "%s is being restarted; this is the log of its last run\n", pod.Name)
			return containerRun{restarts: s.RestartCount, previous: true}, true
		}
	}
	return containerRun{}, false
}

// options asks for the tail of a pod seen first, and for everything of a later
// restart.
func (t *tailer) options(run containerRun, again bool) *corev1.PodLogOptions {
	o := &corev1.PodLogOptions{Container: v1alpha1.AppContainer, Follow: t.follow, Previous: run.previous}
	if t.tail >= 0 && !again {
		o.TailLines = &t.tail
	}
	return o
}

// stream prints one container's log. A pod that is gone by now has no log; that
// is no error.
func (t *tailer) stream(ctx context.Context, pod string, options *corev1.PodLogOptions) error {
	body, err := t.pods.GetLogs(pod, options).Stream(ctx)
	if apierrors.IsNotFound(err) || ctx.Err() != nil {
		return nil
	} else if err != nil {
		return fmt.Errorf("reading the log of pod %s: %w", pod, err)
	}
	defer func() { _ = body.Close() }()
	if _, err := t.out.copy(pod, body); err != nil && ctx.Err() == nil {
		return fmt.Errorf("reading the log of pod %s: %w", pod, err)
	}
	return nil
}

// parked is true for a pod whose app waits to be started.
func parked(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return false // woken a moment ago
		}
	}
	return pod.Labels[v1alpha1.LabelStandby] == v1alpha1.StandbyParked
}

// nothing explains an empty log; pods are those that run, or are about to.
func nothing(pods int, follow bool) string {
	next := ""
	if follow {
		next = "; waiting for one"
	}
	if pods == 0 {
		return "no pod is running" + next
	}
	return fmt.Sprintf("%d pods have not started yet; headway status APP says why%s", pods, next)
}
