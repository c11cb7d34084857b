// Package ssa writes the children of Headway's objects by server-side apply.
package ssa

import (
	"context"
	"fmt"

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

// Behind reports whether an error only says that the world has moved on: the
// object is gone or newer than the one read, or its whole namespace is on its
// way out. Looking again sorts it out.
func Behind(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsNotFound(err) ||
		apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}
