// Package status shows what is live, what is wrong and what to change, once or
// for as long as somebody looks. What the objects mean, api/explain decides.
package status

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// watchInterval is how often status --watch looks.
const watchInterval = time.Second

// Command is status.
func Command(io cli.Streams, a *cli.Access) *cobra.Command {
	var f struct {
		output     cli.Output
		all, watch bool
	}
	c := &cobra.Command{
		Use:   "status [APP]",
		Short: "Show what is live, and what is wrong",
		Long: `Show the apps of a namespace with their traffic, commit and URL, and what keeps
any of them from being what git asks for. With an app, or a preview: its revisions
too.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.Complete(cli.AppAndPreviewNames),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if f.watch && f.output != "" {
				return cli.Usagef("--watch and --output exclude each other")
			}
			if f.all && len(args) > 0 {
				return cli.Usagef("--all-namespaces shows all apps; leave out %s, or use --namespace", args[0])
			}
			return nil
		},
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			namespace, app := c.Namespace, strings.Join(args, "")
			if f.all {
				namespace = ""
			}
			if f.watch {
				return watchStatus(ctx, io.Out, c, namespace, app)
			}
			return printStatus(ctx, io.Out, f.output, c, namespace, app)
		}),
	}
	f.output.Flag(c)
	c.Flags().BoolVarP(&f.all, "all-namespaces", "A", false, "apps of all namespaces")
	c.Flags().BoolVarP(&f.watch, "watch", "w", false, "go on, and print again whenever something changes")
	return c
}

// printStatus prints the status of a namespace (empty: all) or an app once.
func printStatus(ctx context.Context, out io.Writer, f cli.Output, c client.Reader, namespace, app string) error {
	s, err := readState(ctx, c, namespace, app)
	if err != nil {
		return err
	}
	v := view{paint: cli.PaintFor(out), now: time.Now(), namespace: namespace, app: app}
	return f.Print(out, s, func(w io.Writer) { s.write(w, v) })
}

// state is what status shows; its JSON is the output of -o json.
type state struct {
	Repositories []v1alpha1.Repository `json:"repositories"`
	Apps         []v1alpha1.App        `json:"apps"`
	// Previews are Apps, too; of one that was asked for by its name, it is the app.
	Previews      []v1alpha1.App          `json:"previews"`
	Revisions     []v1alpha1.Revision     `json:"revisions"`
	Subscriptions []v1alpha1.Subscription `json:"subscriptions"`
	Sources       []v1alpha1.Source       `json:"sources"`
}

// readState reads the objects of a namespace (empty: all), or those of one app
// with its previews.
func readState(ctx context.Context, c client.Reader, namespace, app string) (*state, error) {
	var repositories v1alpha1.RepositoryList
	var apps v1alpha1.AppList
	var revisions v1alpha1.RevisionList
	var subscriptions v1alpha1.SubscriptionList
	var sources v1alpha1.SourceList
	for _, list := range []client.ObjectList{&repositories, &apps, &revisions, &subscriptions, &sources} {
		if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, fmt.Errorf("reading the status: %w", err)
		}
	}
	s := &state{Repositories: repositories.Items, Revisions: revisions.Items, Subscriptions: subscriptions.Items, Sources: sources.Items}
	for _, a := range apps.Items {
		if a.Spec.Preview != nil {
			s.Previews = append(s.Previews, a)
		} else {
			s.Apps = append(s.Apps, a)
		}
	}
	if app != "" {
		i := slices.IndexFunc(apps.Items, func(a v1alpha1.App) bool { return a.Name == app })
		if i < 0 {
			return nil, s.noApp(namespace, app)
		}
		s.Apps = apps.Items[i : i+1]
		s.Previews = slices.DeleteFunc(s.Previews, func(p v1alpha1.App) bool {
			return p.Name == app || p.Spec.Preview.App != app || p.Spec.Repository != s.Apps[0].Spec.Repository
		})
		s.Repositories = slices.DeleteFunc(s.Repositories, func(r v1alpha1.Repository) bool { return r.Name != s.Apps[0].Spec.Repository })
		s.Revisions = slices.DeleteFunc(s.Revisions, func(r v1alpha1.Revision) bool { return !s.about(r.Spec.App) })
		s.Subscriptions = slices.DeleteFunc(s.Subscriptions, func(e v1alpha1.Subscription) bool {
			return e.Spec.To.App != app && e.Labels[v1alpha1.LabelApp] != app
		})
		s.Sources = slices.DeleteFunc(s.Sources, func(e v1alpha1.Source) bool { return e.Labels[v1alpha1.LabelApp] != app })
	}
	s.tidy()
	return s, nil
}

// about reports whether the state has an app or a preview of this name.
func (s *state) about(app string) bool {
	is := func(a v1alpha1.App) bool { return a.Name == app }
	return slices.ContainsFunc(s.Apps, is) || slices.ContainsFunc(s.Previews, is)
}

// noApp names the apps that there are, and the repositories that the one asked
// for may be missing for.
func (s *state) noApp(namespace, name string) error {
	others, problems := "nor any other", ""
	var names []string
	for _, a := range s.Apps {
		names = append(names, a.Name)
	}
	if len(names) > 0 {
		others = "but " + cli.Enumerate(names)
	}
	if len(explain.Previews(s.Repositories, s.Previews, nil)) > 0 {
		others += "; headway previews shows those of requests"
	}
	for i := range s.Repositories {
		if _, found := explain.ForRepository(&s.Repositories[i]); len(found) > 0 {
			first, _, _ := strings.Cut(found[0].String(), "\n")
			problems += "\n" + cli.Printable(first, 200)
		}
	}
	return fmt.Errorf("there is no app %s in namespace %s, %s%s", name, namespace, others, problems)
}

// tidy leaves out what no reader wants and puts the newest revisions first.
func (s *state) tidy() {
	for i := range s.Repositories {
		tidy(&s.Repositories[i], "Repository")
	}
	for i := range s.Apps {
		tidy(&s.Apps[i], "App")
	}
	for i := range s.Previews {
		tidy(&s.Previews[i], "App")
	}
	for i := range s.Revisions {
		tidy(&s.Revisions[i], "Revision")
	}
	for i := range s.Subscriptions {
		tidy(&s.Subscriptions[i], "Subscription")
	}
	for i := range s.Sources {
		tidy(&s.Sources[i], "Source")
	}
	slices.SortStableFunc(s.Revisions, func(a, b v1alpha1.Revision) int {
		return b.CreationTimestamp.Compare(a.CreationTimestamp.Time)
	})
	// Empty lists, not null, for those who read the JSON.
	s.Repositories = append([]v1alpha1.Repository{}, s.Repositories...)
	s.Apps = append([]v1alpha1.App{}, s.Apps...)
	s.Previews = append([]v1alpha1.App{}, s.Previews...)
	s.Revisions = append([]v1alpha1.Revision{}, s.Revisions...)
	s.Subscriptions = append([]v1alpha1.Subscription{}, s.Subscriptions...)
	s.Sources = append([]v1alpha1.Source{}, s.Sources...)
}

func tidy(o client.Object, kind string) {
	o.SetManagedFields(nil)
	o.GetObjectKind().SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
}
