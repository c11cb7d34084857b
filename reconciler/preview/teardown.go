package preview

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/index"
	"github.com/headway-dev/headway/reconciler/job"
)

const (
	// stopLimit is how long a teardown waits for the preview's pods to end.
	stopLimit = 20 * time.Second
	// look is how often it is seen whether they have: their end wakes nobody.
	look = time.Second
)

// ending is what was observed of an App that is being deleted.
type ending struct {
	app       *v1alpha1.App
	route     *v1alpha1.Route // nil: gone
	revisions []v1alpha1.Revision
	pods      []corev1.Pod // of the app and of its setup, that have not ended
	pod       *corev1.Pod  // of the teardown
}

// teardown is what to do about it.
type teardown struct {
	// start is a pod to make; delete are objects to take away.
	start  *corev1.Pod
	delete []client.Object
	// done: the App may go. problem says why without a good teardown.
	done    bool
	problem string
	// again is when to look again; 0: at an event.
	again time.Duration
}

// teardownFor decides about the end of an App. It is pure. The Route, a setup that
// runs, and all revisions but the newest with an image, go at once; the pods of
// that one too, by reconciler/revision. For the teardown the first row that fits
// wins:
//
//	its pod succeeded                       done
//	its pod failed                          done, and told
//	2 minutes have passed                   done, and told
//	it runs, or waits to, or was lost       the last is made anew
//	there is no image to run it in          done, and told if a setup has run
//	pods of the preview run, for 20 s       later
//	there is no pod                         it is made
func teardownFor(seen ending, now time.Time) (t teardown) {
	rev := newest(seen.app, seen.revisions)
	for i := range seen.revisions {
		other := &seen.revisions[i]
		if other.DeletionTimestamp == nil && (rev == nil || other.Name != rev.Name) {
			t.delete = append(t.delete, other)
		}
	}
	if seen.route != nil && seen.route.DeletionTimestamp == nil {
		t.delete = append(t.delete, seen.route)
	}
	for i := range seen.pods {
		if pod := &seen.pods[i]; pod.Labels[labelSetup] != "" && pod.DeletionTimestamp == nil {
			t.delete = append(t.delete, pod)
		}
	}
	passed := now.Sub(seen.app.DeletionTimestamp.Time)
	state, message := job.State(""), "it has not begun"
	if seen.pod != nil {
		state, message = job.Read(seen.pod, teardownLimit)
	}
	t.again = max(teardownLimit-passed, look)
	switch {
	case state == job.Succeeded:
		t.done = true
	case state == job.Failed:
		t.done, t.problem = true, message
	case passed >= teardownLimit:
		t.done, t.problem = true, fmt.Sprintf("it has not ended within %s: %s", teardownLimit, message)
	case seen.pod != nil && state == job.Lost:
		t.delete, t.again = append(t.delete, seen.pod), look
	case seen.pod != nil:
	case rev == nil:
		t.done = true
		if prepared(seen.app).Status != "" && prepared(seen.app).Reason != v1alpha1.ReasonWaiting {
			t.problem = "no revision has an image to run it in"
		}
	case len(seen.pods) > 0 && passed < stopLimit:
		t.again = look
	default:
		t.start = podOf(seen.app, rev, teardownName(seen.app.Name), seen.app.Spec.Preview.Teardown, teardownLimit, labelTeardown, "true")
	}
	return t
}

// End takes an App that is being deleted a step further to its end. The duration
// says when to go on; 0 is never.
func (h *Hooks) End(ctx context.Context, app *v1alpha1.App) (time.Duration, error) {
	if !controllerutil.ContainsFinalizer(app, v1alpha1.FinalizerTeardown) {
		return 0, nil
	}
	seen, err := h.observe(ctx, app)
	if err != nil {
		return 0, fmt.Errorf("observing the end of app %s: %w", app.Name, err)
	}
	t := teardownFor(seen, time.Now())
	var failures []error
	for _, o := range t.delete {
		failures = append(failures, apply.Delete(ctx, h.Client, o))
	}
	if err := errors.Join(failures...); err != nil {
		return 0, err
	}
	if t.start != nil {
		switch err := h.start(ctx, t.start); {
		case apply.Refused(err), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause): // it will not run in time
			t.done, t.problem = true, err.Error()
		case err != nil:
			return 0, err
		}
	}
	if !t.done {
		return t.again, nil
	}
	if t.problem != "" {
		h.Events.Eventf(app, nil, corev1.EventTypeWarning, "TeardownFailed", "Teardown", "%s",
			condition.Note("the teardown of the preview failed, and what it should have removed may be there still: "+t.problem))
	}
	before := app.DeepCopy()
	controllerutil.RemoveFinalizer(app, v1alpha1.FinalizerTeardown)
	return 0, client.IgnoreNotFound(h.writeFinalizers(ctx, app, before))
}

func (h *Hooks) observe(ctx context.Context, app *v1alpha1.App) (seen ending, err error) {
	seen.app = app
	if seen.route, err = index.Lookup(ctx, h.Client, app.Namespace, app.Name, &v1alpha1.Route{}); err != nil {
		return seen, err
	}
	if seen.pod, err = index.Lookup(ctx, h.Client, app.Namespace, teardownName(app.Name), &corev1.Pod{}); err != nil {
		return seen, err
	}
	var revisions v1alpha1.RevisionList
	if err := h.Client.List(ctx, &revisions, client.InNamespace(app.Namespace), client.MatchingFields{index.RevisionApp: app.Name}); err != nil {
		return seen, fmt.Errorf("listing revisions: %w", err)
	}
	seen.revisions = revisions.Items
	var pods corev1.PodList
	if err := h.Client.List(ctx, &pods, client.InNamespace(app.Namespace), client.MatchingLabels{v1alpha1.LabelApp: app.Name}); err != nil {
		return seen, fmt.Errorf("listing pods: %w", err)
	}
	seen.pods = slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool {
		return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || pod.Labels[labelTeardown] != ""
	})
	return seen, nil
}
