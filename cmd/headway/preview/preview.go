// Package preview has the commands that give a branch a preview by its name, and
// take it away: for servers without pull requests. Each makes one push of one
// branch, to a name that preview.branches of the production branch allows, and
// nothing else; the cluster follows git as it does after any other push.
//
// Each shows first what it is about to push, and asks. None of them forces a
// push, or touches the production branch, a branch that has no preview by its
// name, or the clone.
package preview

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/checkout"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/cmd/headway/clone"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Command is preview.
func Command(s cli.Streams, a *cli.Access) *cobra.Command {
	return cli.Group("preview", "Give a branch a preview, or take it away, by a push", newOpen(s, a), newClose(s, a))
}

func newOpen(s cli.Streams, a *cli.Access) *cobra.Command {
	var o openFlags
	c := &cobra.Command{
		Use:   "open BRANCH",
		Short: "Push a branch to a name that has previews",
		Long: `Push a branch of this clone to a name that preview.branches in the headway.yaml
files of the production branch allows: its own name, or else one made of it. Then
wait for the preview and print its URL, where a cluster can be asked.

Where a forge has pull requests no command is needed: opening one does it.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: branches,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), s, a, args[0])
		},
	}
	o.Flags(c)
	o.BranchFlag(c)
	c.Flags().DurationVar(&o.timeout, "timeout", 10*time.Minute, "how long to wait for the preview; 0 does not wait")
	return c
}

func newClose(s cli.Streams, a *cli.Access) *cobra.Command {
	var o cli.PushFlags
	c := &cobra.Command{
		Use:   "close BRANCH",
		Short: "Delete the branch of the remote that has previews",
		Long: `Delete the branch of the remote that headway preview open has pushed; its previews
go with it. The branch of this clone stays, and the production branch, or one that
has no preview by its name, is never deleted.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: branches,
		RunE: func(cmd *cobra.Command, args []string) error {
			return closePreview(cmd.Context(), s, a, &o, args[0])
		},
	}
	o.Flags(c)
	o.BranchFlag(c)
	return c
}

// branches completes those of the clone.
func branches(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	c, err := clone.Open(cmd.Context(), cli.Streams{})
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.Branches(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
}

// seen is what the remote and, where one can be asked, the cluster say.
type seen struct {
	*clone.Clone
	// refs of the remote by full names.
	refs map[string]string
	rules
	// cluster and repository that watches the remote; unasked is why there is none.
	cluster    *cli.Cluster
	repository *v1alpha1.Repository
	unasked    error
}

// look reads what the remote has, and what the production branch says there.
func look(ctx context.Context, s cli.Streams, a *cli.Access, production string) (*seen, error) {
	c, err := clone.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := c.FindRemote(ctx); err != nil {
		return nil, err
	}
	l := &seen{Clone: c}
	ad, err := c.List(ctx)
	if err != nil {
		return nil, err
	}
	l.refs = ad.Refs
	files, err := checkout.Open(ctx, c.Root)
	if err != nil {
		return nil, err
	}
	specs, err := files.Specs()
	if err != nil {
		return nil, err
	}
	l.cluster, l.repository, l.unasked = watching(ctx, a, specs)
	switch {
	case production != "":
	case l.repository != nil:
		production = l.repository.Spec.ProductionBranch
	case ad.Head != "":
		production = v1alpha1.ShortRef(ad.Head)
	default:
		return nil, fmt.Errorf("%s does not say which branch is its default; name that of production by --branch", c.Remote)
	}
	return l, l.readRules(ctx, production)
}

// readRules reads the headway.yaml files of the production branch, as the remote
// has them.
func (l *seen) readRules(ctx context.Context, production string) (err error) {
	head, err := l.Fetch(ctx, production)
	if err != nil {
		return err
	}
	trees, err := l.OpenTrees(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trees.Close()) }()
	commit, err := trees.Commit(ctx, head)
	if err != nil {
		return err
	}
	files, err := plan.ReadSpecFiles(commit, trees, nil)
	if err != nil {
		return err
	}
	l.rules = rulesOf(production, files)
	return nil
}

// askFor bounds the questions to a cluster that may not be there.
const askFor = 5 * time.Second

// watching finds the Repository of the clone. The error says why there is none.
func watching(ctx context.Context, a *cli.Access, files plan.SpecFiles) (*cli.Cluster, *v1alpha1.Repository, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	c, err := a.Connect()
	if err != nil {
		return nil, nil, err
	}
	var apps v1alpha1.AppList
	if err := c.List(ctx, &apps, client.InNamespace(c.Namespace)); err != nil {
		return nil, nil, c.Advise(fmt.Errorf("reading apps: %w", err))
	}
	name := checkout.WatchedBy(files, apps.Items)
	if name == "" {
		return nil, nil, fmt.Errorf("namespace %s has no app of this repository", c.Namespace)
	}
	var r v1alpha1.Repository
	if err := c.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, &r); err != nil {
		return nil, nil, c.Advise(fmt.Errorf("reading repository %s: %w", name, err))
	}
	return c, &r, nil
}
