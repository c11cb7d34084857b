package cli

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

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
		return c.Advise(fmt.Errorf("annotating %s: %w", o.GetName(), err))
	}
	return nil
}

// Stamp is a time as the value of an annotation, fine enough that two requests
// differ.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// AppNotFound names the apps that there are, and the repositories that the one
// asked for may be missing for.
func AppNotFound(ctx context.Context, c client.Reader, namespace, name string) error {
	var apps v1alpha1.AppList
	if err := c.List(ctx, &apps, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("listing apps: %w", err)
	}
	var there []string
	for _, a := range apps.Items {
		there = append(there, a.Name)
	}
	told, err := failing(ctx, c, namespace)
	if err != nil {
		return err
	}
	if len(there) == 0 {
		return fmt.Errorf("there is no app %s in namespace %s, nor any other%s", name, namespace, told)
	}
	return fmt.Errorf("there is no app %s in namespace %s; there is %s%s", name, namespace, Enumerate(there), told)
}

// failing is a line for each repository that has a problem.
func failing(ctx context.Context, c client.Reader, namespace string) (string, error) {
	var repositories v1alpha1.RepositoryList
	if err := c.List(ctx, &repositories, client.InNamespace(namespace)); err != nil {
		return "", fmt.Errorf("listing repositories: %w", err)
	}
	var lines strings.Builder
	for i := range repositories.Items {
		if _, found := explain.ForRepository(&repositories.Items[i]); len(found) > 0 {
			first, _, _ := strings.Cut(found[0].String(), "\n")
			lines.WriteString("\n" + Printable(first, 200))
		}
	}
	return lines.String(), nil
}
