package repo

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newRemove(io cli.Streams, a *cli.Access) *cobra.Command {
	var yes bool
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
			if names := appsOf(apps.Items, r.Name); len(names) > 0 {
				what = fmt.Sprintf("repository %s and what it runs: %s", r.Name, cli.Enumerate(names))
			}
			if !yes {
				if err := confirm(io, what); err != nil {
					return err
				}
			}
			if err := c.Delete(ctx, r); client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("removing repository %s: %w", r.Name, err)
			}
			_, err = fmt.Fprintf(io.Out, "removing %s\n", what)
			return err
		}),
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func appsOf(apps []v1alpha1.App, repository string) []string {
	var names []string
	for _, a := range apps {
		if a.Spec.Repository == repository {
			names = append(names, a.Name)
		}
	}
	return names
}

// confirm asks a person; where there is none, --yes has to be given.
func confirm(io cli.Streams, what string) error {
	if !cli.IsTerminal(io.In) {
		return cli.Usagef("this removes %s; give --yes to do so without being asked", what)
	}
	_, _ = fmt.Fprintf(io.Err, "Remove %s? [y/N] ", what)
	answer, _ := bufio.NewReader(io.In).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return fmt.Errorf("nothing removed")
	}
	return nil
}
