package revision

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/index"
)

// finalize removes what the revision has in the build namespace. Its
// Deployment goes by its owner reference.
func (r *Reconciler) finalize(ctx context.Context, rev *v1alpha1.Revision) error {
	if !controllerutil.ContainsFinalizer(rev, v1alpha1.FinalizerCleanup) {
		return nil
	}
	runs, err := r.runs(ctx, rev)
	if err != nil {
		return err
	}
	siblings, err := r.siblings(ctx, rev)
	if err != nil {
		return err
	}
	var failures []error
	for _, run := range orphaned(rev, siblings, runs) {
		failures = append(failures, r.deleteRun(ctx, &run))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	if err := r.forgetCache(ctx, rev); err != nil {
		return err
	}
	before := rev.DeepCopy()
	controllerutil.RemoveFinalizer(rev, v1alpha1.FinalizerCleanup)
	if err := r.Client.Patch(ctx, rev, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	return nil
}

// forgetCache removes the Repository's build cache if the Repository is gone.
// Each of its revisions asks for that: the last one finds the run of an earlier
// one still at work, or starts another.
func (r *Reconciler) forgetCache(ctx context.Context, rev *v1alpha1.Revision) error {
	if rev.Spec.Build == nil {
		return nil
	}
	repository, err := index.Lookup(ctx, r.Client, rev.Namespace, rev.Spec.Repository, &v1alpha1.Repository{})
	if err != nil || (repository != nil && repository.DeletionTimestamp == nil) {
		return err
	}
	run := pipelines.ForgetRunFor(rev.Namespace, rev.Spec.Repository, r.BuildNamespace)
	err = r.Client.Create(ctx, run, apply.Reconcilers)
	if apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) { // under way, or the build namespace is gone too
		return nil
	}
	if err != nil {
		return fmt.Errorf("creating run %s that removes the build cache: %w", run.Name, err)
	}
	return nil
}

// orphaned are the runs that nobody needs once rev is gone: its own, and those
// of its key, unless a sibling has the same key.
func orphaned(rev *v1alpha1.Revision, siblings []v1alpha1.Revision, runs []pipelines.TaskRun) []pipelines.TaskRun {
	needed := map[string]bool{}
	for i := range siblings {
		needed[keyLabel(&siblings[i])] = true
	}
	var result []pipelines.TaskRun
	for i := range runs {
		key := runs[i].Labels[v1alpha1.LabelBuildKey]
		mine := runs[i].Labels[v1alpha1.LabelRevision] == rev.Name || key == keyLabel(rev)
		if mine && !needed[key] {
			result = append(result, runs[i])
		}
	}
	return result
}

// keyLabel is the label of the run that builds the revision; empty where no
// build has begun.
func keyLabel(rev *v1alpha1.Revision) string {
	if rev.Status.Build == nil || rev.Status.Build.Key == "" {
		return ""
	}
	return pipelines.KeyLabel(rev.Status.Build.Key)
}
