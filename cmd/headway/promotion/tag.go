package promotion

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/headway-dev/headway/cmd/headway/checkout"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/cmd/headway/clone"
	"github.com/spf13/cobra"
)

// verb is a command that says yes to one commit of an app, by a tag.
type verb struct {
	name string
	// message of the tag, with a place for the app.
	message string
	// done is what is so when the tag is there.
	done string
}

var (
	approve = verb{"approve", "Approve %s", "approved"}
	promote = verb{"promote", "Promote %s to all of the traffic", "promoted"}
)

func newApprove(s cli.Streams, a *cli.Access) *cobra.Command {
	return newTag(s, a, approve, "Let a candidate that waits for approval go on, by a tag",
		`Tag a commit headway/approve/APP/COMMIT and push the tag: the rule of its branch
has "approve: true", and this is the approval. Without COMMIT it is that of the
revision that waits for it; the cluster says which.`)
}

func newPromote(s cli.Streams, a *cli.Access) *cobra.Command {
	return newTag(s, a, promote, "Skip the steps that a candidate has left, by a tag",
		`Tag a commit headway/promote/APP/COMMIT and push the tag: the candidate takes all
of the traffic as soon as its pods can carry it, unless a gate fails or a hold or
freeze is in force. Without COMMIT it is that of the candidate; the cluster says
which.`)
}

func newTag(s cli.Streams, a *cli.Access, v verb, short, long string) *cobra.Command {
	var o cli.PushFlags
	c := &cobra.Command{
		Use: v.name + " APP [COMMIT]", Short: short, Long: long,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.Complete(cli.AppNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			target := ""
			if len(args) > 1 {
				target = args[1]
			} else {
				app, c, err := ask(cmd.Context(), a, args[0])
				if err != nil {
					return err
				}
				if target, err = v.target(cmd.Context(), c, app); err != nil {
					return err
				}
			}
			return tag(cmd.Context(), s, &o, v, args[0], target, len(args) < 2)
		},
	}
	o.Flags(c)
	return c
}

// tag makes the tag of a verb and pushes it. known: the cluster has the app.
func tag(ctx context.Context, s cli.Streams, o *cli.PushFlags, v verb, app, target string, known bool) error {
	c, err := clone.Open(ctx, s)
	if err != nil {
		return err
	}
	if err := c.FindRemote(ctx); err != nil {
		return err
	}
	if !known {
		if err := holds(ctx, c, app); err != nil {
			of := previewName.FindStringSubmatch(app)
			if v != approve || of == nil || holds(ctx, c, of[1]) != nil {
				return err
			}
			return commentFor(s, of[2], target)
		}
	}
	commit, err := c.Resolve(ctx, target)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("headway/%s/%s/%s", v.name, app, commit[:12])
	ref := "refs/tags/" + name
	ad, err := c.List(ctx)
	if err != nil {
		return err
	}
	if at, there := ad.Refs[ref]; there {
		if at != commit {
			return fmt.Errorf("%s has the tag %s at another commit, %s; remove that one first: git push %s :%s", c.Remote, name, at, c.Remote, ref)
		}
		return fmt.Errorf("commit %s of %s is %s already: %s has the tag %s", commit[:12], app, v.done, c.Remote, name)
	}
	if err := pushed(ctx, c, ad, commit); err != nil {
		return err
	}
	described, err := c.Describe(ctx, commit)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.Out, "tag %s, pushed to %s\n on %s\n", name, c.Remote, described); err != nil {
		return err
	}
	if o.DryRun {
		return nil
	}
	if err := o.Yes.Confirm(s, "Tag and push this?", "this makes a tag and pushes it"); err != nil {
		return err
	}
	if err := makeTag(ctx, c, name, commit, fmt.Sprintf(v.message, app)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "pushed; headway status %s shows what follows\n", app)
	return err
}

// previewName is the App of a pull request's preview: the app and the number.
var previewName = regexp.MustCompile(`^(.+)-pr-([0-9]+)$`)

// approvable is what a comment approves: a commit, or the start of its hash.
var approvable = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

// commentFor says how the commit of a fork is approved: by a person, on the forge,
// where it is known who that is.
func commentFor(s cli.Streams, number, commit string) error {
	if !approvable.MatchString(commit) {
		return cli.Usagef("the commit of a pull request is named by 7 to 40 digits of its hash; %q is none", commit)
	}
	_, err := fmt.Fprintf(s.Out, "No tag approves a pull request from a fork. Read the commit; then write this as a comment to request #%s, as somebody who may write to the repository:\n\n/headway approve %s\n", number, commit)
	return err
}

// holds is nil where the clone has an app.
func holds(ctx context.Context, c *clone.Clone, app string) error {
	files, err := checkout.Open(ctx, c.Root)
	if err != nil {
		return err
	}
	specs, err := files.Specs()
	if err != nil {
		return err
	}
	_, err = fileOf(app, specs)
	return err
}

// pushed is nil where the remote has a commit, as far as the clone knows: a tag
// would bring along all that is missing there.
func pushed(ctx context.Context, c *clone.Clone, ad clone.Advertisement, commit string) error {
	heads := slices.Compact(slices.Sorted(maps.Values(ad.Refs)))
	for _, at := range heads {
		if at == commit {
			return nil
		}
	}
	for _, at := range heads {
		// A head that the clone does not have is an error, and no answer.
		if _, err := c.Git(ctx, "merge-base", "--is-ancestor", commit, at); err == nil {
			return nil
		}
	}
	return fmt.Errorf("no branch of %s that this clone has fetched holds commit %s; push it first, or run git fetch %s", c.Remote, commit[:12], c.Remote)
}

// makeTag makes a tag, signed where the user's configuration says so, and pushes
// it. Where that fails, the tag is not there.
func makeTag(ctx context.Context, c *clone.Clone, name, commit, message string) error {
	if err := c.Run(ctx, "tag", "--annotate", "--message", message, name, commit); err != nil {
		return fmt.Errorf("git has not made the tag (%w)", err)
	}
	err := c.Push(ctx, "refs/tags/"+name)
	if err == nil {
		return nil
	}
	if _, failed := c.Git(context.WithoutCancel(ctx), "tag", "--delete", name); failed != nil {
		return fmt.Errorf("the tag %s is not pushed (%w), and it cannot be removed here: %w", name, err, failed)
	}
	return fmt.Errorf("the tag could not be pushed (%w), and is removed again", err)
}
