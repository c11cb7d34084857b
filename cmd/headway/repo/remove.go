package repo

import (
	"context"
	"fmt"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newRemove(io cli.Streams, a *cli.Access) *cobra.Command {
	var yes cli.Yes
	c := &cobra.Command{
		Use:               "remove NAME",
		Aliases:           []string{"rm"},
		Short:             "Stop watching a repository and take its apps away",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.Complete(repositoryNames),
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			r, err := find(ctx, c, args[0])
			if err != nil {
				return err
			}
			var apps v1alpha1.AppList
			if err := c.List(ctx, &apps, client.InNamespace(c.Namespace)); err != nil {
				return fmt.Errorf("listing apps: %w", err)
			}
			what := fmt.Sprintf("repository %s, which has no app", r.Name)
			names, previews := appsOf(apps.Items, r.Name)
			switch {
			case previews == 1:
				names = append(names, "1 preview")
			case previews > 1:
				names = append(names, fmt.Sprintf("%d previews", previews))
			}
			if len(names) > 0 {
				what = fmt.Sprintf("repository %s and what it runs: %s", r.Name, cli.Enumerate(names))
			}
			if err := yes.Confirm(io, "Remove "+what+"?", "this removes "+what); err != nil {
				return err
			}
			if err := c.Delete(ctx, r); client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("removing repository %s: %w", r.Name, err)
			}
			_, err = fmt.Fprintf(io.Out, "removing %s\n", what)
			return err
		}),
	}
	yes.Flag(c)
	return c
}

// appsOf are the names of a repository's apps, and how many previews it has.
func appsOf(apps []v1alpha1.App, repository string) (names []string, previews int) {
	for _, a := range apps {
		switch {
		case a.Spec.Repository != repository:
		case a.Spec.Preview != nil:
			previews++
		default:
			names = append(names, a.Name)
		}
	}
	return names, previews
}
