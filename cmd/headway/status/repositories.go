package status

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Repositories is the command repo list.
func Repositories(io cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use: "list", Short: "List the watched repositories, and what is wrong with them", Args: cobra.NoArgs, Aliases: []string{"ls"},
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, _ []string) error {
			return printRepositories(ctx, io, output, c, time.Now())
		}),
	}
	output.Flag(c)
	return c
}

// printRepositories prints those of the cluster's namespace: a table and what is
// wrong with them, or a document with the one list of status's that is theirs.
func printRepositories(ctx context.Context, s cli.Streams, f cli.Output, c *cli.Cluster, now time.Time) error {
	var l v1alpha1.RepositoryList
	if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
		return fmt.Errorf("listing repositories: %w", err)
	}
	if len(l.Items) == 0 && f == "" {
		_, err := fmt.Fprintf(s.Err, "No repository in namespace %s. headway repo add URL adds one.\n", c.Namespace)
		return err
	}
	found := &state{Repositories: l.Items}
	found.tidy()
	document := struct {
		Repositories []v1alpha1.Repository `json:"repositories"`
	}{found.Repositories}
	v := view{paint: cli.PaintFor(s.Out), now: now, namespace: c.Namespace}
	return f.Print(s.Out, document, func(w io.Writer) {
		v.writeRepositories(w, found.Repositories)
		v.writeFindings(w, explain.Overview(found.Repositories, nil))
	})
}

// writeRepositories is one line per repository.
func (v view) writeRepositories(w io.Writer, items []v1alpha1.Repository) {
	var g cli.Grid
	g.Header("REPOSITORY", "STATE", "BRANCH", "COMMIT", "APPS", "FORGE", "AGE", "URL")
	for i := range items {
		r := &items[i]
		state, _ := explain.ForRepository(r)
		commit := r.Status.Commit
		g.Row(cli.Plain(r.Name), v.state(state), cli.Plain(r.Spec.ProductionBranch), cli.Plain(cli.OrDash(v1alpha1.Short(commit))),
			cli.Plain(fmt.Sprint(r.Status.AppCount)), v.forge(r), cli.Plain(explain.Age(r.CreationTimestamp.Time, v.now)), cli.Plain(r.Spec.URL))
	}
	g.Write(w)
}

// forge is how the forge of a repository is; a dash where it has none.
func (v view) forge(r *v1alpha1.Repository) cli.Cell {
	if r.Spec.Forge == nil {
		return cli.Plain("-")
	}
	return v.state(explain.ForForge(r))
}
