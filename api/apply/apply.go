// Package apply writes Headway's objects: children by server-side apply,
// statuses by difference.
package apply

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Field managers: who owns the fields that a part of Headway writes.
const (
	Reconcilers client.FieldOwner = "headway-controller"
	Watcher     client.FieldOwner = "headway-watcher"
	Autoscaler  client.FieldOwner = "headway-autoscaler"
)

// Object makes the object what it is here, whoever wrote those fields before,
// and then is what the API server has. The object must carry its kind. Its
// status is not written.
func Object(ctx context.Context, c client.Client, owner client.FieldOwner, object client.Object) error {
	kind, name := object.GetObjectKind().GroupVersionKind().Kind, object.GetName()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return fmt.Errorf("encoding %s %s: %w", kind, name, err)
	}
	delete(fields, "status")
	unstructured.RemoveNestedField(fields, "metadata", "creationTimestamp")
	u := &unstructured.Unstructured{Object: fields}
	err = c.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), owner, client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("applying %s %s: %w", kind, name, err)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, object); err != nil {
		return fmt.Errorf("decoding %s %s: %w", kind, name, err)
	}
	return nil
}

// Delete deletes the object that was read, not another one of its name. One that
// is gone is no error.
func Delete(ctx context.Context, c client.Client, object client.Object, options ...client.DeleteOption) error {
	uid := object.GetUID()
	err := c.Delete(ctx, object, append(options, client.Preconditions{UID: &uid})...)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting %T %s: %w", object, object.GetName(), err)
	}
	return nil
}

// Behind says how soon to look again after an error that only means that the
// world has moved on: the object is gone or newer than the one read, or its
// whole namespace is on its way out. 0 is any other error.
func Behind(err error) time.Duration {
	switch {
	case apierrors.IsConflict(err):
		return 50 * time.Millisecond
	case apierrors.IsNotFound(err), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return time.Second
	}
	return 0
}

// Refused reports whether an answer of the API server does not change by asking
// again: the object is refused, and not because its namespace goes.
func Refused(err error) bool {
	return Behind(err) == 0 && (apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err))
}

// Outcome is what Reconcile returns: look again after a pause, or at an error;
// soon where that is Behind. 0 is no pause.
func Outcome(pause time.Duration, err error) (reconcile.Result, error) {
	if again := Behind(err); again > 0 {
		return reconcile.Result{RequeueAfter: again}, nil
	}
	return reconcile.Result{RequeueAfter: pause}, err
}

// Sooner is the smaller of two pauses until something is looked at again; 0 is
// never.
func Sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Status writes the difference between two versions of an object's status.
// It is refused with a conflict when the cache was behind: what was worked out
// from an older state, such as a time, must not overwrite what came of a newer
// one.
func Status(ctx context.Context, c client.Client, object, before client.Object) error {
	return status(ctx, c, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// StatusRegardless is Status for what cannot wait until the cache is up to date:
// the object may have a newer spec. The caller is the only one who writes its
// status, and knows what it wrote last.
func StatusRegardless(ctx context.Context, c client.Client, object, before client.Object) error {
	return status(ctx, c, object, client.MergeFrom(before))
}

func status(ctx context.Context, c client.Client, object client.Object, patch client.Patch) error {
	if err := c.Status().Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("writing the status of %s: %w", object.GetName(), err)
	}
	return nil
}
