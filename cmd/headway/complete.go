package main

import (
	"context"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// completion adds cobra's command that prints the scripts, and lets it refuse
// a shell that it does not know: by itself it prints help and succeeds, which
// a profile that sources its output would not notice.
func completion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s needs a shell: %s", c.CommandPath(), names(c.Commands()))
			}
			return usagef("there is no completion for %s; the shells are %s", args[0], names(c.Commands()))
		}
	}
}

// completionTime bounds what a press of the tab key waits for.
const completionTime = 2 * time.Second

// complete offers the names that list finds, for the first argument only. A
// cluster that does not answer offers nothing.
func (a *access) complete(args []string, typed string, list func(context.Context, *cluster) []string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := a.connect()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	var found []string
	for _, name := range list(ctx, c) {
		if strings.HasPrefix(name, typed) {
			found = append(found, name)
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

func (a *access) completeApps(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.complete(args, typed, appNames)
}

func (a *access) completeAppsAndRevisions(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.complete(args, typed, func(ctx context.Context, c *cluster) []string {
		return append(appNames(ctx, c), revisionNames(ctx, c, func(v1alpha1.Revision) bool { return true })...)
	})
}

func (a *access) completeFailed(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.complete(args, typed, func(ctx context.Context, c *cluster) []string {
		return revisionNames(ctx, c, func(r v1alpha1.Revision) bool {
			return bad(r.Status.Conditions, v1alpha1.ConditionBuilt) != nil
		})
	})
}

func (a *access) completeRepositories(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.complete(args, typed, func(ctx context.Context, c *cluster) []string {
		var l v1alpha1.RepositoryList
		if err := c.List(ctx, &l, client.InNamespace(c.namespace)); err != nil {
			return nil
		}
		var names []string
		for _, r := range l.Items {
			names = append(names, r.Name+"\t"+r.Spec.URL)
		}
		return names
	})
}

func appNames(ctx context.Context, c *cluster) []string {
	var l v1alpha1.AppList
	if err := c.List(ctx, &l, client.InNamespace(c.namespace)); err != nil {
		return nil
	}
	var names []string
	for _, a := range l.Items {
		names = append(names, a.Name+"\tapp, "+orDash(a.Status.TrafficSummary))
	}
	return names
}

func revisionNames(ctx context.Context, c *cluster, want func(v1alpha1.Revision) bool) []string {
	var l v1alpha1.RevisionList
	if err := c.List(ctx, &l, client.InNamespace(c.namespace)); err != nil {
		return nil
	}
	var names []string
	for _, r := range l.Items {
		if want(r) {
			names = append(names, r.Name+"\t"+printable(r.Spec.Subject, 60))
		}
	}
	return names
}
