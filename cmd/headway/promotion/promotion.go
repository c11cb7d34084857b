// Package promotion has the commands by which a person steers what goes live:
// hold, rollback and resume make one commit that changes one headway.yaml, approve
// and promote make one tag.
//
// Each shows what it is about to make, asks, makes it in the clone around the
// working folder by the git program of the user - with their name, hooks,
// signature and credentials - and pushes it. Where the push is refused, the
// clone is as it was. None of them forces a push, changes a branch other than
// production's, or writes to the cluster: it follows git as it does after any
// other push.
package promotion

import (
	"context"

	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
)

// Commands are those of the package.
func Commands(s cli.Streams, a *cli.Access) []*cobra.Command {
	return []*cobra.Command{newPromote(s, a), newHold(s, a), newRollback(s, a), newApprove(s, a), newResume(s, a)}
}

func newHold(s cli.Streams, a *cli.Access) *cobra.Command {
	return newCommit(s, a, "hold APP", "Stop every step forward of an app, by a commit",
		`Commit "hold: true" to the headway.yaml of an app on the production branch and
push it: what is live stays, and no candidate or share gets more traffic. A gate
that fails still takes traffic away. headway resume ends it.`,
		cobra.ExactArgs(1), func(_ context.Context, _ *cli.PushFlags, args []string) (decision, error) { return hold(args[0]), nil })
}

func newResume(s cli.Streams, a *cli.Access) *cobra.Command {
	return newCommit(s, a, "resume APP", "End a hold or a pin of an app, by a commit",
		`Remove "hold" and "pin" from the headway.yaml of an app on the production branch,
by one commit, and push it: promotion goes on, and the newest commit is the one
that should serve.`,
		cobra.ExactArgs(1), func(_ context.Context, _ *cli.PushFlags, args []string) (decision, error) {
			return resume(args[0]), nil
		})
}

func newRollback(s cli.Streams, a *cli.Access) *cobra.Command {
	return newCommit(s, a, "rollback APP [COMMIT]", "Give all traffic of an app to an earlier commit, by a commit",
		`Pin a commit in the headway.yaml of an app on the production branch, by one
commit, and push it. Without COMMIT it is that of the deployment before the one
that is live, or of the live one while a candidate has traffic beside it; the
cluster says which. headway resume ends it.`,
		cobra.RangeArgs(1, 2), func(ctx context.Context, o *cli.PushFlags, args []string) (decision, error) {
			target, err := rollbackTarget(ctx, a, o, args)
			if err != nil {
				return decision{}, err
			}
			return rollback(args[0], target), nil
		})
}

// newCommit is a command that makes the commit of a decision, which may fill in
// options that were not given.
func newCommit(s cli.Streams, a *cli.Access, use, short, long string, args cobra.PositionalArgs, decide func(context.Context, *cli.PushFlags, []string) (decision, error)) *cobra.Command {
	var o cli.PushFlags
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: args,
		ValidArgsFunction: a.Complete(cli.AppNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := decide(cmd.Context(), &o, args)
			if err != nil {
				return err
			}
			return commit(cmd.Context(), s, &o, args[0], d)
		},
	}
	o.Flags(c)
	o.BranchFlag(c)
	return c
}

// rollbackTarget is the commit to go back to: the one given, or what the
// cluster knows of.
func rollbackTarget(ctx context.Context, a *cli.Access, o *cli.PushFlags, args []string) (string, error) {
	if len(args) > 1 {
		return args[1], nil
	}
	app, c, err := ask(ctx, a, args[0])
	if err != nil {
		return "", err
	}
	if o.Branch == "" {
		if o.Branch, err = productionBranch(ctx, c, app); err != nil {
			return "", err
		}
	}
	return before(app)
}
