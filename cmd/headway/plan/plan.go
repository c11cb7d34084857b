// Package plan has the command plan: what a push of the working folder would do.
// It decides by watcher/plan, as the cluster does, on the files that git would
// commit, and on what the cluster has or, where none can be asked, on what the
// clone knows to be pushed. It changes nothing, in the clone or elsewhere.
package plan

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/cmd/headway/clone"
	"github.com/spf13/cobra"
)

// Command is plan.
func Command(s cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	var production string
	c := &cobra.Command{
		Use:   "plan",
		Short: "Say what a push would do, before it",
		Long: `Say of each app what a push of the working folder would do, with all that git add
would take: whether its image is built or reused, by which rule its traffic
moves and when, what is in the way, and what would be refused. On another branch
than production's: its share, or that it only gets a URL, and its previews.

A cluster says what is live and built already; without one it is what the clone
knows of its remote. The exit code is 1 if something would be refused.`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := makePlan(cmd.Context(), s, a, production)
			if err != nil {
				return err
			}
			paint := cli.PaintFor(s.Out)
			if err := output.Print(s.Out, plan, func(w io.Writer) { plan.write(w, paint) }); err != nil {
				return err
			}
			if plan.refused() {
				return cli.ErrReported
			}
			return nil
		},
	}
	output.Flag(c)
	c.Flags().StringVar(&production, "branch", "", "production branch (default: what the cluster says, else the default branch of the remote)")
	return c
}

// makePlan looks at the clone and the cluster, and says what a push would do.
func makePlan(ctx context.Context, s cli.Streams, a *cli.Access, production string) (_ *Plan, err error) {
	c, err := clone.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	if c.Branch == "" {
		return nil, errors.New("no branch is checked out here, so that it is not known what would be pushed: git switch BRANCH")
	}
	if err := c.FindRemote(ctx); err != nil {
		return nil, err
	}
	trees, err := c.OpenTrees(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, trees.Close()) }()
	r := &reading{clone: c, trees: trees}
	pushed, err := r.working(ctx)
	if err != nil {
		return nil, err
	}
	there, unasked := askCluster(ctx, a, pushed.snapshot)
	if production == "" {
		production = there.branch
	}
	if production == "" {
		if production, err = r.defaultBranch(ctx); err != nil {
			return nil, err
		}
	}
	seen, err := r.read(ctx, pushed, production, there)
	if err != nil {
		return nil, err
	}
	p := seen.plan(there, time.Now())
	switch {
	case errors.Is(unasked, cli.ErrNoCluster):
		p.Unasked = "none is configured"
	case unasked != nil:
		p.Unasked = unasked.Error()
	}
	return p, nil
}
