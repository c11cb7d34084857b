package cli

import (
	"context"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// completion adds cobra's command that prints the scripts, and lets it refuse
// a shell that it does not know: by itself it prints help and succeeds, which
// a profile that sources its output would not notice.
func completion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	c, _, _ := root.Find([]string{"completion"}) // cobra has just added it
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return Usagef("%s needs a shell: %s", c.CommandPath(), names(c.Commands()))
		}
		return Usagef("there is no completion for %s; the shells are %s", args[0], names(c.Commands()))
	}
}

// completionTime bounds what a press of the tab key waits for.
const completionTime = 2 * time.Second

// Complete offers the names that list finds, for the first argument only. A
// cluster that does not answer offers nothing.
func (a *Access) Complete(list func(context.Context, *Cluster) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := a.Connect()
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
}

// AppNames are those of the namespace's apps, each with what it is.
func AppNames(ctx context.Context, c *Cluster) []string {
	apps, _ := c.names(ctx)
	return apps
}

// AppAndPreviewNames are those of previews, too.
func AppAndPreviewNames(ctx context.Context, c *Cluster) []string {
	apps, previews := c.names(ctx)
	return append(apps, previews...)
}

func (c *Cluster) names(ctx context.Context) (apps, previews []string) {
	var l v1alpha1.AppList
	if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
		return nil, nil
	}
	for i := range l.Items {
		app := &l.Items[i]
		if app.Spec.Preview != nil {
			previews = append(previews, app.Name+"\tpreview, "+explain.Headline(app))
		} else {
			apps = append(apps, app.Name+"\tapp, "+explain.Headline(app))
		}
	}
	return apps, previews
}

// RevisionNames are those of the namespace's revisions that are wanted, each
// with its subject.
func RevisionNames(ctx context.Context, c *Cluster, want func(*v1alpha1.Revision) bool) []string {
	var l v1alpha1.RevisionList
	if err := c.List(ctx, &l, client.InNamespace(c.Namespace)); err != nil {
		return nil
	}
	var names []string
	for i := range l.Items {
		if r := &l.Items[i]; want(r) {
			names = append(names, r.Name+"\t"+Printable(r.Spec.Subject, 60))
		}
	}
	return names
}
