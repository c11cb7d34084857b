package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newRepo(io streams, a *access) *cobra.Command {
	return group("repo", "Tell the cluster which repositories to watch",
		newRepoAdd(io, a), newRepoList(io, a), newRepoSync(io, a), newRepoRemove(io, a))
}

// annotate sets an annotation to a time, which differs from the last one, and
// returns the value in the object.
func annotate(ctx context.Context, c *cluster, o client.Object, key string, now time.Time) error {
	return annotateWith(ctx, c, o, map[string]string{key: stamp(now)})
}

// stamp is a time as the value of an annotation.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// annotateWith sets annotations, in the cluster and in the object.
func annotateWith(ctx context.Context, c *cluster, o client.Object, add map[string]string) error {
	before := o.DeepCopyObject().(client.Object)
	annotations := o.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	maps.Copy(annotations, add)
	o.SetAnnotations(annotations)
	if err := c.Patch(ctx, o, client.MergeFrom(before)); err != nil {
		return explain(fmt.Errorf("annotating %s: %w", o.GetName(), err), c.host)
	}
	return nil
}

// getRepository reads one, and names what there is when it is not there.
func getRepository(ctx context.Context, c *cluster, name string) (*v1alpha1.Repository, error) {
	var r v1alpha1.Repository
	err := c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, &r)
	if err == nil {
		return &r, nil
	}
	if client.IgnoreNotFound(err) != nil {
		return nil, explain(fmt.Errorf("reading repository %s: %w", name, err), c.host)
	}
	return nil, fmt.Errorf("there is no repository %s in namespace %s; headway repo list shows those there are", name, c.namespace)
}
