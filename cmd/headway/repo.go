package main

import (
	"context"
	"fmt"
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
	before := o.DeepCopyObject().(client.Object)
	annotations := o.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = now.UTC().Format(time.RFC3339Nano)
	o.SetAnnotations(annotations)
	if err := c.Patch(ctx, o, client.MergeFrom(before)); err != nil {
		return explain(fmt.Errorf("annotating %s: %w", o.GetName(), err), c.host)
	}
	return nil
}

func newRepoList(io streams, a *access) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the watched repositories", Args: cobra.NoArgs, Aliases: []string{"ls"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			return listRepositories(cmd.Context(), io, c)
		},
	}
}

func listRepositories(ctx context.Context, io streams, c *cluster) error {
	var l v1alpha1.RepositoryList
	if err := c.List(ctx, &l, client.InNamespace(c.namespace)); err != nil {
		return explain(fmt.Errorf("listing repositories: %w", err), c.host)
	}
	if len(l.Items) == 0 {
		_, err := fmt.Fprintf(io.err, "No repository in namespace %s. headway repo add URL adds one.\n", c.namespace)
		return err
	}
	v := view{paint: paintFor(io.out), now: time.Now(), namespace: c.namespace}
	return outputFormat("").print(io.out, nil, v.repositories(l.Items).write)
}

func (v view) repositories(items []v1alpha1.Repository) grid {
	var g grid
	g.header("REPOSITORY", "STATE", "BRANCH", "COMMIT", "APPS", "AGE", "URL")
	for _, r := range items {
		commit := r.Status.Commit
		g.row(plain(r.Name), v.state(r.Status.Conditions), plain(r.Spec.ProductionBranch), plain(orDash(commit[:min(8, len(commit))])),
			plain(fmt.Sprint(r.Status.AppCount)), plain(age(r.CreationTimestamp.Time, v.now)), plain(r.Spec.URL))
	}
	return g
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
