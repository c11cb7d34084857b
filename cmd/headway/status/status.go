// Package status shows what is live, what is wrong and what to change, once or
// for as long as somebody looks. What the objects mean, api/explain decides.
package status

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// watchInterval is how often status --watch looks.
const watchInterval = time.Second

type statusFlags struct {
	output cli.Output
	all    bool
	watch  bool
}

// Command is status.
func Command(io cli.Streams, a *cli.Access) *cobra.Command {
	var f statusFlags
	c := &cobra.Command{
		Use:   "status [APP]",
		Short: "Show what is live, and what is wrong",
		Long: `Show the apps of a namespace with their traffic, commit and URL, and what keeps
any of them from being what git asks for. With an app: its revisions too.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.Complete(cli.AppNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.output.Check(); err != nil {
				return err
			}
			if f.watch && f.output != "" {
				return cli.Usagef("--watch and --output exclude each other")
			}
			if f.all && len(args) > 0 {
				return cli.Usagef("--all-namespaces shows all apps; leave out %s, or use --namespace", args[0])
			}
			app := ""
			if len(args) > 0 {
				app = args[0]
			}
			return f.run(cmd.Context(), io.Out, a, app)
		},
	}
	f.output.Flag(c)
	c.Flags().BoolVarP(&f.all, "all-namespaces", "A", false, "apps of all namespaces")
	c.Flags().BoolVarP(&f.watch, "watch", "w", false, "go on, and print again whenever something changes")
	return c
}

func (f statusFlags) run(ctx context.Context, out io.Writer, a *cli.Access, app string) error {
	c, err := a.Connect()
	if err != nil {
		return err
	}
	namespace := c.Namespace
	if f.all {
		namespace = ""
	}
	if f.watch {
		return watchStatus(ctx, out, c, namespace, app)
	}
	return printStatus(ctx, out, f.output, c, namespace, app)
}

// printStatus prints the status of a namespace (empty: all) or an app once.
func printStatus(ctx context.Context, out io.Writer, f cli.Output, c *cli.Cluster, namespace, app string) error {
	s, err := readState(ctx, c, namespace, app)
	if err != nil {
		return c.Advise(err)
	}
	v := view{paint: cli.PaintFor(out), now: time.Now(), namespace: namespace, app: app}
	return f.Print(out, s, func(w io.Writer) { s.write(w, v) })
}

// state is what status shows; its JSON is the output of -o json.
type state struct {
	Repositories []v1alpha1.Repository `json:"repositories"`
	Apps         []v1alpha1.App        `json:"apps"`
	Revisions    []v1alpha1.Revision   `json:"revisions"`
}

// readState reads the objects of a namespace (empty: all), or of one app.
func readState(ctx context.Context, c client.Reader, namespace, app string) (*state, error) {
	s := &state{}
	if app != "" {
		return s, s.readApp(ctx, c, namespace, app)
	}
	var repositories v1alpha1.RepositoryList
	var apps v1alpha1.AppList
	var revisions v1alpha1.RevisionList
	for _, list := range []client.ObjectList{&repositories, &apps, &revisions} {
		if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, fmt.Errorf("reading the status: %w", err)
		}
	}
	s.Repositories, s.Apps, s.Revisions = repositories.Items, apps.Items, revisions.Items
	s.tidy()
	return s, nil
}

func (s *state) readApp(ctx context.Context, c client.Reader, namespace, name string) error {
	var app v1alpha1.App
	key := client.ObjectKey{Namespace: namespace, Name: name}
	if err := c.Get(ctx, key, &app); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading app %s: %w", name, err)
	} else if err != nil {
		return cli.AppNotFound(ctx, c, namespace, name)
	}
	var revisions v1alpha1.RevisionList
	if err := c.List(ctx, &revisions, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("listing revisions: %w", err)
	}
	s.Apps = []v1alpha1.App{app}
	for _, r := range revisions.Items {
		if r.Spec.App == name {
			s.Revisions = append(s.Revisions, r)
		}
	}
	var repository v1alpha1.Repository
	key.Name = app.Spec.Repository
	if err := c.Get(ctx, key, &repository); err == nil {
		s.Repositories = []v1alpha1.Repository{repository}
	} else if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading repository %s: %w", key.Name, err)
	}
	s.tidy()
	return nil
}

// tidy leaves out what no reader wants and puts the newest revisions first.
func (s *state) tidy() {
	for i := range s.Repositories {
		s.Repositories[i].ManagedFields = nil
		s.Repositories[i].SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Repository"))
	}
	for i := range s.Apps {
		s.Apps[i].ManagedFields = nil
		s.Apps[i].SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("App"))
	}
	for i := range s.Revisions {
		s.Revisions[i].ManagedFields = nil
		s.Revisions[i].SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Revision"))
	}
	slices.SortStableFunc(s.Revisions, func(a, b v1alpha1.Revision) int {
		return b.CreationTimestamp.Compare(a.CreationTimestamp.Time)
	})
	// Empty lists, not null, for those who read the JSON.
	s.Repositories, s.Apps, s.Revisions = orEmpty(s.Repositories), orEmpty(s.Apps), orEmpty(s.Revisions)
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
