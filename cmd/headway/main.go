// Command headway is for the people who push: it checks headway.yaml before a
// push and shows after it what is live, why not, and what it logs. What git
// decides it changes by a commit or a tag, as anybody could.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/headway-dev/headway/cmd/headway/change"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/cmd/headway/events"
	"github.com/headway-dev/headway/cmd/headway/logs"
	"github.com/headway-dev/headway/cmd/headway/plan"
	"github.com/headway-dev/headway/cmd/headway/preview"
	"github.com/headway-dev/headway/cmd/headway/promotion"
	"github.com/headway-dev/headway/cmd/headway/repo"
	"github.com/headway-dev/headway/cmd/headway/status"
	"github.com/headway-dev/headway/cmd/headway/validate"
	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	s := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	code := cli.Run(ctx, newRoot(s), os.Args[1:], s)
	stop()
	os.Exit(code)
}

// newRoot builds the command tree.
func newRoot(s cli.Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "headway",
		Short: "Push to deploy: check headway.yaml and see what is live",
		Long: `headway checks headway.yaml before a push and shows after it what is live.
Deploying is a push; there is no command for it. What steers a version that is on
its way is a commit or a tag, too: headway makes and pushes it for you.

Exit codes: 0 done, 1 it did not work or a file has problems, 2 wrong usage.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	a := cli.NewAccess(root)
	root.AddCommand(
		validate.Init(s), validate.Command(s, a), plan.Command(s, a),
		status.Command(s, a), status.Previews(s, a), preview.Command(s, a), status.History(s, a), status.Why(s, a), logs.Command(s, a), change.Retry(s, a), change.Restart(s, a),
		events.Command(s, a), repo.Command(s, a), newVersion(s),
	)
	root.AddCommand(promotion.Commands(s, a)...)
	return root
}
