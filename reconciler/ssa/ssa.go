// Package ssa writes Headway's objects: children by server-side apply, statuses
// by difference.
package ssa

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// FieldManager owns what the reconcilers write.
const FieldManager = "headway-controller"

// Apply makes the object what it is here, whoever wrote those fields before.
// The object must carry its kind. Its status is not written.
func Apply(ctx context.Context, c client.Client, object client.Object) error {
	kind, name := object.GetObjectKind().GroupVersionKind().Kind, object.GetName()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return fmt.Errorf("encoding %s %s: %w", kind, name, err)
	}
	delete(fields, "status")
	u := &unstructured.Unstructured{Object: fields}
	err = c.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(FieldManager), client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("applying %s %s: %w", kind, name, err)
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

// PatchStatus writes the difference between two versions of an object's status.
// It is refused with a conflict when the cache was behind: what was worked out
// from an older state, such as a time, must not overwrite what came of a newer
// one.
func PatchStatus(ctx context.Context, c client.Client, object, before client.Object) error {
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := c.Status().Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("writing the status of %s: %w", object.GetName(), err)
	}
	return nil
}
