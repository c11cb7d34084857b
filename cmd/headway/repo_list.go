package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newRepoList(io streams, a *access) *cobra.Command {
	var output outputFormat
	c := &cobra.Command{
		Use: "list", Short: "List the watched repositories, and what is wrong with them", Args: cobra.NoArgs, Aliases: []string{"ls"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := output.check(); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			return output.repositories(cmd.Context(), io, c, time.Now())
		},
	}
	output.flag(c)
	return c
}

// repositories prints those of the cluster's namespace: a table and what is
// wrong with them, or a document with the one list of status's that is theirs.
func (f outputFormat) repositories(ctx context.Context, s streams, c *cluster, now time.Time) error {
	var l v1alpha1.RepositoryList
	if err := c.List(ctx, &l, client.InNamespace(c.namespace)); err != nil {
		return explain(fmt.Errorf("listing repositories: %w", err), c.host)
	}
	if len(l.Items) == 0 && f == "" {
		_, err := fmt.Fprintf(s.err, "No repository in namespace %s. headway repo add URL adds one.\n", c.namespace)
		return err
	}
	found := &state{Repositories: l.Items}
	found.tidy()
	document := struct {
		Repositories []v1alpha1.Repository `json:"repositories"`
	}{found.Repositories}
	v := view{paint: paintFor(s.out), now: now, namespace: c.namespace}
	return f.print(s.out, document, func(w io.Writer) {
		v.repositories(found.Repositories).write(w)
		v.writeProblems(w, found)
	})
}

func (v view) repositories(items []v1alpha1.Repository) grid {
	var g grid
	g.header("REPOSITORY", "STATE", "BRANCH", "COMMIT", "APPS", "AGE", "URL")
	for _, r := range items {
		commit := r.Status.Commit
		g.row(plain(r.Name), v.repositoryState(&r), plain(r.Spec.ProductionBranch), plain(orDash(commit[:min(8, len(commit))])),
			plain(fmt.Sprint(r.Status.AppCount)), plain(age(r.CreationTimestamp.Time, v.now)), plain(r.Spec.URL))
	}
	return g
}

// repositoryState is the worst problem of the repository, else how far reading
// it is.
func (v view) repositoryState(r *v1alpha1.Repository) cell {
	if all := repositoryProblems(r); len(all) > 0 {
		return cell{all[0].Reason, v.paint.red}
	}
	return v.state(r.Status.Conditions)
}
