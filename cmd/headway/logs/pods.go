package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// app prints the logs of the selected pods; with follow it goes on until ctx
// ends, which is no error.
func (t *printer) app(ctx context.Context, selector string) error {
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
			options := t.options(v1alpha1.AppContainer)
			options.Previous = run.previous
			if _, again := started[pod.Name]; again {
				options.TailLines = nil // of a restart, everything
			}
			started[pod.Name] = run.restarts
			if !t.follow {
				// One after the other, so that the output is in order.
				if err := t.print(ctx, pod.Name, pod.Name, options); err != nil {
					return err
				}
				continue
			}
			streams.Go(func() error { return t.print(ctx, pod.Name, pod.Name, options) })
		}
		if first && !opened {
			_, _ = fmt.Fprintln(t.notes, nothing(awake, t.follow))
		}
		first = false
		if !t.follow {
			return nil
		}
		t.pause(ctx)
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

// openable reports whether the app of a pod has logged anything yet. A parked pod
// logs from the moment that it is woken.
func (t *printer) openable(pod *corev1.Pod) (containerRun, bool) {
	if parked(pod) && !t.follow {
		return containerRun{}, false
	}
	switch s := kubelet.App(pod); {
	case s == nil:
	case s.State.Running != nil || s.State.Terminated != nil:
		return containerRun{restarts: s.RestartCount}, true
	case s.LastTerminationState.Terminated != nil && !t.follow:
		_, _ = fmt.Fprintf(t.notes, "%s is being restarted; this is the log of its last run\n", pod.Name)
		return containerRun{restarts: s.RestartCount, previous: true}, true
	}
	return containerRun{}, false
}

// parked is true for a pod whose app waits to be started. One that is ready was
// woken a moment ago.
func parked(pod *corev1.Pod) bool {
	return pod.Labels[v1alpha1.LabelStandby] == v1alpha1.StandbyParked && !kubelet.Ready(pod)
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
