// Package preview runs what previews have run for them: a setup before their
// first request, a teardown when they go. Both are commands in the preview's own
// image and environment, each in a pod of its own.
//
// It promises that a setup is run until it has succeeded, and not once more; that
// no two commands of a preview run at a time; and that a teardown begins once the
// preview's pods have ended. It does not promise that a teardown succeeds: what
// it leaves is told, and keeps nothing from going.
//
// The decisions are pure. What there is to remember is in the pods, in the
// condition Prepared, which reconciler/app writes, and in a finalizer: a controller
// that starts again goes on from there. Nothing here is called for an App without
// a setup and a teardown.
package preview

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/job"
	"github.com/headway-dev/headway/reconciler/render"
)

const (
	// setupLimit is how long a setup may run.
	setupLimit = 10 * time.Minute
	// teardownLimit is how long the end of a preview waits for its teardown.
	teardownLimit = 2 * time.Minute
	// labelSetup on the pod of a setup is the attempt; see job.Attempt.
	labelSetup = "headway.dev/setup"
	// labelTeardown marks that of a teardown.
	labelTeardown = "headway.dev/teardown"
)

// Hooks runs setups and teardowns.
type Hooks struct {
	Client client.Client
	Events events.EventRecorder
}

// Hold takes hold of an App with a teardown, and lets go of one that has none any
// more. It reports whether it has written the App.
func (h *Hooks) Hold(ctx context.Context, app *v1alpha1.App) (bool, error) {
	before := app.DeepCopy()
	changed := false
	if p := app.Spec.Preview; p != nil && len(p.Teardown) > 0 {
		changed = controllerutil.AddFinalizer(app, v1alpha1.FinalizerTeardown)
	} else {
		changed = controllerutil.RemoveFinalizer(app, v1alpha1.FinalizerTeardown)
	}
	if !changed {
		return false, nil
	}
	return true, h.writeFinalizers(ctx, app, before)
}

// writeFinalizers writes the list as a whole, so it must be the one seen.
func (h *Hooks) writeFinalizers(ctx context.Context, app, before *v1alpha1.App) error {
	if err := h.Client.Patch(ctx, app, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("writing the finalizers of app %s: %w", app.Name, err)
	}
	return nil
}

func setupName(app string) string    { return app + "-setup" }
func teardownName(app string) string { return app + "-teardown" }

// podOf renders the pod of one of the App's commands. It may send what the preview
// may send.
func podOf(app *v1alpha1.App, rev *v1alpha1.Revision, name string, command []string, limit time.Duration, label, value string) *corev1.Pod {
	pod := job.Pod(job.Job{
		Name: name, Labels: map[string]string{v1alpha1.LabelApp: app.Name, label: value},
		Owner:    *metav1.NewControllerRef(app, v1alpha1.GroupVersion.WithKind("App")),
		Revision: rev, Command: command, Env: render.Env(rev), Limit: limit,
	})
	render.MountTokens(&pod.Spec, rev)
	return pod
}

// newest is the newest revision with an image: of those that the App names the
// first, else the youngest. nil: there is none.
func newest(app *v1alpha1.App, revisions []v1alpha1.Revision) *v1alpha1.Revision {
	var found *v1alpha1.Revision
	for i := range revisions {
		rev := &revisions[i]
		if rev.Status.Image == "" || rev.DeletionTimestamp != nil {
			continue
		}
		if found == nil || before(app, rev, found) {
			found = rev
		}
	}
	return found
}

// before reports whether a is newer than b.
func before(app *v1alpha1.App, a, b *v1alpha1.Revision) bool {
	for _, name := range app.Spec.History {
		if name == a.Name || name == b.Name {
			return name == a.Name
		}
	}
	return b.CreationTimestamp.Before(&a.CreationTimestamp)
}

// start makes a pod. One that was made a moment ago is no error.
func (h *Hooks) start(ctx context.Context, pod *corev1.Pod) error {
	if err := h.Client.Create(ctx, pod); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating pod %s: %w", pod.Name, err)
	}
	return nil
}
