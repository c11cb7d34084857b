// Package logs prints what the pods of an app log, and the builds of its
// revisions, live or from the begin; it keeps nothing.
package logs

import (
	"context"
	"fmt"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type logFlags struct {
	build, follow  bool
	tail           int64
	buildNamespace string
}

// Command is logs.
func Command(io cli.Streams, a *cli.Access) *cobra.Command {
	var f logFlags
	c := &cobra.Command{
		Use:   "logs APP|REVISION",
		Short: "Print what an app or a revision logs, or its build",
		Long: `Print the logs of all pods of an app or of one revision, each line with the
pod in front. With --build: the log of the revision's build, each line with the
step in front; for an app that is the build of its newest revision.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.Complete(appsAndRevisions),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if !f.build && !cmd.Flags().Changed("tail") {
				f.tail = 100
			}
			if f.tail < -1 {
				return cli.Usagef("--tail is a number of lines, or -1 for all")
			}
			return nil
		},
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			return f.run(ctx, io, c, args[0])
		}),
	}
	c.Flags().BoolVar(&f.build, "build", false, "the build instead of the running app")
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on as more is logged, also by pods that start later")
	c.Flags().Int64Var(&f.tail, "tail", -1, "lines to begin with per pod, -1 for all (default: 100, all of a build)")
	c.Flags().StringVar(&f.buildNamespace, "build-namespace", cli.DefaultBuildNamespace, "namespace of the builds")
	return c
}

func (f *logFlags) run(ctx context.Context, io cli.Streams, c *cli.Cluster, name string) error {
	app, revision, err := find(ctx, c, name)
	if err != nil {
		return err
	}
	p := &printer{out: &lineWriter{w: io.Out, paint: cli.PaintFor(io.Out)}, notes: io.Err, follow: f.follow, tail: f.tail, every: lookInterval}
	if !f.build {
		label := v1alpha1.LabelApp
		if app == nil {
			label = v1alpha1.LabelRevision
		}
		p.pods = c.Typed.CoreV1().Pods(c.Namespace)
		return p.app(ctx, v1alpha1.AppPods().String()+","+label+"="+name)
	}
	if revision == nil {
		if revision, err = newest(ctx, c, app); err != nil {
			return err
		}
	}
	p.pods = c.Typed.CoreV1().Pods(f.buildNamespace)
	return p.build(ctx, c, revision)
}

func appsAndRevisions(ctx context.Context, c *cli.Cluster) []string {
	all := func(*v1alpha1.Revision) bool { return true }
	return append(cli.AppAndPreviewNames(ctx, c), cli.RevisionNames(ctx, c, all)...)
}

// find looks for an app of this name, then for a revision.
func find(ctx context.Context, c *cli.Cluster, name string) (*v1alpha1.App, *v1alpha1.Revision, error) {
	key := client.ObjectKey{Namespace: c.Namespace, Name: name}
	var app v1alpha1.App
	err := c.Get(ctx, key, &app)
	if err == nil {
		return &app, nil, nil
	} else if client.IgnoreNotFound(err) != nil {
		return nil, nil, fmt.Errorf("reading app %s: %w", name, err)
	}
	var revision v1alpha1.Revision
	err = c.Get(ctx, key, &revision)
	if err == nil {
		return nil, &revision, nil
	} else if client.IgnoreNotFound(err) != nil {
		return nil, nil, fmt.Errorf("reading revision %s: %w", name, err)
	}
	return nil, nil, fmt.Errorf("there is no app and no revision %s in namespace %s; headway status shows those there are", name, c.Namespace)
}

// newest is the revision of the production ref's head.
func newest(ctx context.Context, c *cli.Cluster, app *v1alpha1.App) (*v1alpha1.Revision, error) {
	for _, h := range app.Spec.Heads {
		if h.Ref != app.Spec.ProductionRef {
			continue
		}
		var r v1alpha1.Revision
		if err := c.Get(ctx, client.ObjectKey{Namespace: app.Namespace, Name: h.Revision}, &r); err != nil {
			return nil, fmt.Errorf("reading revision %s: %w", h.Revision, err)
		}
		return &r, nil
	}
	return nil, fmt.Errorf("app %s has no revision yet", app.Name)
}
