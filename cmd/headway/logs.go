package main

import (
	"context"
	"fmt"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type logFlags struct {
	build, follow  bool
	tail           int64
	buildNamespace string
}

func newLogs(io streams, a *access) *cobra.Command {
	var f logFlags
	c := &cobra.Command{
		Use:   "logs APP|REVISION",
		Short: "Print what an app or a revision logs, or its build",
		Long: `Print the logs of all pods of an app or of one revision, each line with the
pod in front. With --build: the log of the revision's build, each line with the
step in front; for an app that is the build of its newest revision.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeAppsAndRevisions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !f.build && !cmd.Flags().Changed("tail") {
				f.tail = 100
			}
			if f.tail < -1 {
				return usagef("--tail is a number of lines, or -1 for all")
			}
			return f.run(cmd.Context(), io, a, args[0])
		},
	}
	c.Flags().BoolVar(&f.build, "build", false, "the build instead of the running app")
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on as more is logged, also by pods that start later")
	c.Flags().Int64Var(&f.tail, "tail", -1, "lines to begin with per pod, -1 for all (default: 100, all of a build)")
	c.Flags().StringVar(&f.buildNamespace, "build-namespace", defaultBuildNamespace, "namespace of the builds")
	return c
}

func (f *logFlags) run(ctx context.Context, io streams, a *access, name string) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	app, revision, err := find(ctx, c, name)
	if err != nil {
		return explain(err, c.host)
	}
	out := &lineWriter{w: io.out, paint: paintFor(io.out)}
	if !f.build {
		label := v1alpha1.LabelApp
		if app == nil {
			label = v1alpha1.LabelRevision
		}
		t := &tailer{pods: c.typed.CoreV1().Pods(c.namespace), out: out, notes: io.err, follow: f.follow, tail: f.tail, every: lookInterval}
		return explain(t.run(ctx, v1alpha1.AppPods().String()+","+label+"="+name), c.host)
	}
	if revision == nil {
		if revision, err = newest(ctx, c, app); err != nil {
			return explain(err, c.host)
		}
	}
	b := &buildLog{cluster: c, pods: c.typed.CoreV1().Pods(f.buildNamespace), out: out, notes: io.err, follow: f.follow, tail: f.tail, every: lookInterval}
	return explain(b.run(ctx, revision), c.host)
}

// find looks for an app of this name, then for a revision.
func find(ctx context.Context, c *cluster, name string) (*v1alpha1.App, *v1alpha1.Revision, error) {
	key := client.ObjectKey{Namespace: c.namespace, Name: name}
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
	return nil, nil, fmt.Errorf("there is no app and no revision %s in namespace %s; headway status shows those there are", name, c.namespace)
}

// newest is the revision of the production ref's head.
func newest(ctx context.Context, c *cluster, app *v1alpha1.App) (*v1alpha1.Revision, error) {
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
