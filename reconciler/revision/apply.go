package revision

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/render"
)

// apply carries out a plan: first what others wait for, the build and the
// pods, then one write of the status.
func (r *Reconciler) apply(ctx context.Context, seen Seen, plan Plan) error {
	rev := seen.Revision
	if err := r.addFinalizer(ctx, rev); err != nil {
		return err
	}
	for _, target := range plan.ask {
		r.Prober.Ask(target, client.ObjectKeyFromObject(rev))
	}
	var failure error
	if err := r.applyChildren(ctx, seen, plan); err != nil {
		if !apply.Refused(err) {
			return err
		}
		plan.refuse(rev, err, time.Now())
		failure = refused{err}
	} else if err := r.applyStandby(ctx, seen, plan); err != nil {
		// What is wrong with the standby keeps back nothing else.
		failure = err
		if apply.Refused(err) {
			plan.refuseStandby(err)
			failure = refused{err}
		}
	} else {
		for i := range plan.outdated {
			if err := apply.Delete(ctx, r.Client, &plan.outdated[i]); err != nil {
				return err
			}
		}
	}
	if err := r.writeStatus(ctx, rev, plan.Status); err != nil {
		return err
	}
	return failure
}

// refused is an answer of the API server that the status tells.
type refused struct{ error }

func (r *Reconciler) applyChildren(ctx context.Context, seen Seen, plan Plan) error {
	if err := r.applyRun(ctx, seen, plan.action); err != nil {
		return err
	}
	if plan.Deployment == nil || render.UpToDate(seen.Deployment, plan.Deployment) {
		return nil
	}
	return apply.Object(ctx, r.Client, apply.Reconcilers, plan.Deployment)
}

// applyStandby makes, resizes or removes the parked pods.
func (r *Reconciler) applyStandby(ctx context.Context, seen Seen, plan Plan) error {
	switch {
	case plan.dropStandby:
		return apply.Delete(ctx, r.Client, seen.Standby)
	case plan.Standby == nil, render.UpToDate(seen.Standby, plan.Standby):
		return nil
	}
	return apply.Object(ctx, r.Client, apply.Reconcilers, plan.Standby)
}

// writeStatus writes what changed, and announces it.
func (r *Reconciler) writeStatus(ctx context.Context, rev *v1alpha1.Revision, status v1alpha1.RevisionStatus) error {
	if equality.Semantic.DeepEqual(rev.Status, status) {
		return nil
	}
	before := rev.DeepCopy()
	rev.Status = status
	if err := apply.Status(ctx, r.Client, rev, before); err != nil {
		return err
	}
	r.written.Note(rev)
	r.announce(rev, before.Status)
	return nil
}

// addFinalizer takes hold of the revision, which must be before anything is made
// for it elsewhere.
func (r *Reconciler) addFinalizer(ctx context.Context, rev *v1alpha1.Revision) error {
	before := rev.DeepCopy()
	if !controllerutil.AddFinalizer(rev, v1alpha1.FinalizerCleanup) {
		return nil
	}
	// The list of finalizers is replaced as a whole, so it must be the one seen.
	if err := r.Client.Patch(ctx, rev, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("adding the finalizer: %w", err)
	}
	r.written.Note(rev)
	return nil
}

func (r *Reconciler) applyRun(ctx context.Context, seen Seen, action runAction) error {
	switch action {
	case createRun:
		return r.createRun(ctx, seen)
	case equipRun:
		return r.equipRun(ctx, seen.Run, seen.Modules)
	case unequipRun:
		return r.unequipRun(ctx, seen.Run)
	case cancelRun:
		return r.cancelRun(ctx, seen.Run)
	case deleteRun:
		return r.deleteRun(ctx, seen.Run)
	}
	return nil
}

func (r *Reconciler) createRun(ctx context.Context, seen Seen) error {
	in := pipelines.Input{
		Revision: seen.Revision, Template: *seen.Template, Key: seen.Key,
		SourceURL:      r.ArtifactURL + "/artifacts/" + seen.Revision.Spec.Source.Digest + ".tar.gz",
		Image:          seen.Repository + ":" + pipelines.Tag(seen.Key),
		Namespace:      r.BuildNamespace,
		RegistrySecret: r.RegistrySecret,
	}
	if seen.Modules != nil {
		in.PrivateModules = seen.Modules.Private
	}
	run := pipelines.TaskRunFor(in)
	err := r.Client.Create(ctx, run, apply.Reconcilers)
	if apierrors.IsNotFound(err) { // not to be taken for a revision that is gone
		return fmt.Errorf("creating build run %s: namespace %s does not exist", run.Name, run.Namespace)
	}
	if apierrors.IsAlreadyExists(err) { // made a moment ago, here or for an equal revision
		return nil
	}
	if err != nil {
		return fmt.Errorf("creating build run %s: %w", run.Name, err)
	}
	buildsTotal.WithLabelValues("started").Inc()
	return r.equipRun(ctx, run, seen.Modules)
}

func (r *Reconciler) cancelRun(ctx context.Context, run *pipelines.TaskRun) error {
	before := run.DeepCopy()
	if !pipelines.Cancel(run) {
		return nil
	}
	metav1.SetMetaDataAnnotation(&run.ObjectMeta, annotationSuperseded, "true")
	if err := r.Client.Patch(ctx, run, client.MergeFrom(before), apply.Reconcilers); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("cancelling build run %s: %w", run.Name, err)
	}
	return r.unequipRun(ctx, run)
}

// deleteRun waits for the pod to go too: Tekton would take the old pod of the
// same name for that of the next run.
func (r *Reconciler) deleteRun(ctx context.Context, run *pipelines.TaskRun) error {
	if err := apply.Delete(ctx, r.Client, run, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		return err
	}
	return r.unequipRun(ctx, run)
}
