package revision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/index"
)

// runsEnd is how soon to look again whether the runs of a fork have ended.
const runsEnd = time.Second

// finalize removes what the revision has outside its namespace. Its Deployment
// goes by its owner reference. The duration says when to go on; 0 is done.
func (r *Reconciler) finalize(ctx context.Context, rev *v1alpha1.Revision) (time.Duration, error) {
	if !controllerutil.ContainsFinalizer(rev, v1alpha1.FinalizerCleanup) {
		return 0, nil
	}
	runs, err := r.runs(ctx, rev)
	if err != nil {
		return 0, err
	}
	seen := Seen{Revision: rev}
	if seen.Sharing, err = r.sharing(ctx, rev); err != nil {
		return 0, err
	}
	if rev.Spec.Build != nil {
		if err := r.observeTemplate(ctx, &seen); err != nil {
			return 0, err
		}
	}
	var failures []error
	for _, run := range seen.orphaned(runs) {
		failures = append(failures, r.deleteRun(ctx, &run))
	}
	if err := errors.Join(failures...); err != nil {
		return 0, err
	}
	if wait, err := r.forget(ctx, seen, runs); wait > 0 || err != nil {
		return wait, err
	}
	before := rev.DeepCopy()
	controllerutil.RemoveFinalizer(rev, v1alpha1.FinalizerCleanup)
	if err := r.Client.Patch(ctx, rev, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); client.IgnoreNotFound(err) != nil {
		return 0, fmt.Errorf("removing the finalizer: %w", err)
	}
	return 0, nil
}

// forget removes what would be left of builds for good: the build cache of a
// Repository, or of the preview of a fork, that is gone; and the image of a fork,
// which nothing will ask for again. The duration says when to go on; 0 is done.
func (r *Reconciler) forget(ctx context.Context, seen Seen, runs []pipelines.TaskRun) (time.Duration, error) {
	rev := seen.Revision
	if rev.Spec.Build == nil {
		return 0, nil
	}
	if rev.FromFork() && len(seen.orphaned(runs)) > 0 {
		return runsEnd, nil // until their pods have ended they may push an image
	}
	gone, err := r.cacheIsGone(ctx, rev)
	switch {
	case err != nil:
		return 0, err
	case gone && rev.FromFork() && len(runs) > 0:
		return runsEnd, nil // they write to it until their pods have ended
	case gone:
		if err := r.forgetCache(ctx, rev); err != nil {
			return 0, err
		}
	}
	if rev.FromFork() {
		if err := r.forgetImage(ctx, seen); err != nil {
			ctrllog.FromContext(ctx).Info("the registry may keep an image of a fork", "revision", rev.Name, "error", err.Error())
		}
	}
	return 0, nil
}

// forgetImage removes the image of a revision that no other one has or waits for;
// also one that was pushed when the revision was gone already, and nobody took
// note.
func (r *Reconciler) forgetImage(ctx context.Context, seen Seen) error {
	image := seen.Revision.Status.Image
	if build := seen.Revision.Status.Build; image == "" && build != nil && build.Key != "" {
		repository := r.repository(seen.Revision)
		digest, _, err := r.Images.Find(ctx, repository, pipelines.Tag(build.Key))
		if err != nil {
			return err
		}
		if digest != "" {
			image = repository + "@" + digest
		}
	}
	if image == "" || seen.needed()[keyLabel(seen.Revision)] || seen.imageShared(image) {
		return nil
	}
	return r.Images.Remove(ctx, image)
}

// cacheIsGone reports whether nobody will build with the revision's cache again.
func (r *Reconciler) cacheIsGone(ctx context.Context, rev *v1alpha1.Revision) (bool, error) {
	repository, err := index.Lookup(ctx, r.Client, rev.Namespace, rev.Spec.Repository, &v1alpha1.Repository{})
	if err != nil || repository == nil || repository.DeletionTimestamp != nil {
		return err == nil, err
	}
	if goes, err := r.namespaceGoes(ctx, rev.Namespace); goes || err != nil || !rev.FromFork() {
		return goes, err
	}
	app, err := index.Lookup(ctx, r.Client, rev.Namespace, rev.Spec.App, &v1alpha1.App{})
	return err == nil && (app == nil || app.DeletionTimestamp != nil), err
}

// namespaceGoes reports whether a namespace is being deleted. That takes its
// Revisions perhaps before their Repository.
func (r *Reconciler) namespaceGoes(ctx context.Context, name string) (bool, error) {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	namespace, err := index.Lookup(ctx, r.Client, "", name, namespace)
	return namespace != nil && namespace.DeletionTimestamp != nil, err
}

// forgetCache removes the revision's build cache. Each revision that has it asks
// for that: the last one finds the run of an earlier one still at work, or starts
// another.
func (r *Reconciler) forgetCache(ctx context.Context, rev *v1alpha1.Revision) error {
	run := pipelines.ForgetRunFor(rev, r.BuildNamespace)
	err := r.Client.Create(ctx, run, apply.Reconcilers)
	if apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) { // under way, or the build namespace is gone too
		return nil
	}
	if err != nil {
		return fmt.Errorf("creating run %s that removes the build cache: %w", run.Name, err)
	}
	return nil
}

// orphaned are the runs that nobody needs once the revision is gone: its own, and
// those of its key, unless another revision has the same key and has not been
// superseded.
func (s Seen) orphaned(runs []pipelines.TaskRun) []pipelines.TaskRun {
	needed := s.needed()
	var result []pipelines.TaskRun
	for i := range runs {
		key := runs[i].Labels[v1alpha1.LabelBuildKey]
		mine := runs[i].Labels[v1alpha1.LabelRevision] == s.Revision.Name || key == keyLabel(s.Revision)
		if mine && !needed[key] {
			result = append(result, runs[i])
		}
	}
	return result
}

// needed are the keys, as labels, of the other revisions that have not been
// superseded.
func (s Seen) needed() map[string]bool {
	needed := map[string]bool{}
	for i := range s.Sharing {
		other := &s.Sharing[i]
		if key := s.keyOf(other); key != "" && condition.Get(other.Status.Conditions, v1alpha1.ConditionBuilt).Reason != v1alpha1.ReasonSuperseded {
			needed[pipelines.KeyLabel(key)] = true
		}
	}
	return needed
}

// imageShared reports whether another revision runs an image.
func (s Seen) imageShared(image string) bool {
	return slices.ContainsFunc(s.Sharing, func(other v1alpha1.Revision) bool { return other.Status.Image == image })
}

// keyLabel is the label of the run that builds the revision; empty where no
// build has begun.
func keyLabel(rev *v1alpha1.Revision) string {
	if rev.Status.Build == nil || rev.Status.Build.Key == "" {
		return ""
	}
	return pipelines.KeyLabel(rev.Status.Build.Key)
}
