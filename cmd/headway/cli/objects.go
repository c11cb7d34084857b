package cli

import (
	"context"
	"fmt"
	"maps"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Find reads the object of a kind and name, which the command shown lists.
func (c *Cluster) Find(ctx context.Context, kind, name, shown string, into client.Object) error {
	err := c.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, into)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no %s %s in namespace %s; %s shows those there are", kind, name, c.Namespace, shown)
	} else if err != nil {
		return fmt.Errorf("reading %s %s: %w", kind, name, err)
	}
	return nil
}

// Annotate sets annotations, in the cluster and in the object.
func (c *Cluster) Annotate(ctx context.Context, o client.Object, add map[string]string) error {
	before := o.DeepCopyObject().(client.Object)
	annotations := o.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	maps.Copy(annotations, add)
	o.SetAnnotations(annotations)
	if err := c.Patch(ctx, o, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("annotating %s: %w", o.GetName(), err)
	}
	return nil
}

// Stamp is a time as the value of an annotation, fine enough that two requests
// differ.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
