// Package repo has the commands that tell the cluster which repositories to
// watch. The credentials that they take go into a Secret and nowhere else.
package repo

import (
	"context"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/cmd/headway/status"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Command is repo.
func Command(io cli.Streams, a *cli.Access) *cobra.Command {
	return cli.Group("repo", "Tell the cluster which repositories to watch",
		newAdd(io, a), status.Repositories(io, a), newCheck(io, a), newSync(io, a), newRemove(io, a))
}

// find reads one repository.
func find(ctx context.Context, c *cli.Cluster, name string) (*v1alpha1.Repository, error) {
	r := &v1alpha1.Repository{}
	return r, c.Find(ctx, "repository", name, "headway repo list", r)
}

func repositoryNames(ctx context.Context, c *cli.Cluster) []string {
	var l v1alpha1.RepositoryList
	if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
		return nil
	}
	var names []string
	for _, r := range l.Items {
		names = append(names, r.Name+"\t"+r.Spec.URL)
	}
	return names
}
