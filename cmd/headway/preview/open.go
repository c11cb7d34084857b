package preview

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headway-dev/headway/cmd/headway/cli"
)

type openFlags struct {
	cli.PushFlags
	timeout time.Duration
}

func (o *openFlags) run(ctx context.Context, s cli.Streams, a *cli.Access, branch string) error {
	l, err := look(ctx, s, a, o.Branch)
	if err != nil {
		return err
	}
	target, err := l.target(branch)
	if err != nil {
		return err
	}
	commit, err := l.Git(ctx, "rev-parse", "--verify", "--quiet", "refs/heads/"+branch+"^{commit}")
	if err != nil {
		return fmt.Errorf("this clone has no branch %s; git branch lists those there are", branch)
	}
	at := l.refs["refs/heads/"+target]
	if at == commit {
		if _, err := fmt.Fprintf(s.Out, "%s of %s has %s already, and has previews by its name\n", target, l.Remote, commit[:12]); err != nil {
			return err
		}
		return o.wait(ctx, s, l, target, commit)
	}
	if err := l.forward(ctx, target, at, commit); err != nil {
		return err
	}
	if err := l.show(ctx, s, branch, target, at, commit); err != nil {
		return err
	}
	if o.DryRun {
		return nil
	}
	if err := o.Yes.Confirm(s, "Push this?", "this pushes a branch"); err != nil {
		return err
	}
	if err := l.PushTo(ctx, commit, "refs/heads/"+target); err != nil {
		return fmt.Errorf("the branch could not be pushed (%w)", err)
	}
	if _, err := fmt.Fprintf(s.Err, "pushed %s to %s of %s\n", commit[:12], target, l.Remote); err != nil {
		return err
	}
	return o.wait(ctx, s, l, target, commit)
}

// forward is nil where a push would only add commits to what the remote has.
func (l *seen) forward(ctx context.Context, target, at, commit string) error {
	if at == "" {
		return nil
	}
	if _, err := l.Git(ctx, "merge-base", "--is-ancestor", at, commit); err != nil {
		return fmt.Errorf("%s of %s is at %s, which is not among these commits, so that a push would lose it: git pull --rebase %s %s, or headway preview close %s first", target, l.Remote, at[:12], l.Remote, target, target)
	}
	return nil
}

// show says what would be pushed.
func (l *seen) show(ctx context.Context, s cli.Streams, branch, target, at, commit string) error {
	described, err := l.Describe(ctx, commit)
	if err != nil {
		return err
	}
	where := "a new branch"
	if at != "" {
		where = "which is at " + at[:12]
	}
	uncommitted := ""
	if changes, err := l.Git(ctx, "status", "--porcelain"); l.Branch == branch && (err != nil || changes != "") {
		uncommitted = "\nwithout the changes that are in no commit yet"
	}
	_, err = fmt.Fprintf(s.Out, "push of %s to %s of %s, %s\n %s%s\nApps that get a preview where the branch changes them: %s\n", branch, target, l.Remote, where, described, uncommitted, cli.Enumerate(l.names(target)))
	return err
}

// wait waits for the previews of a branch that was pushed.
func (o *openFlags) wait(ctx context.Context, s cli.Streams, l *seen, target, commit string) error {
	switch {
	case errors.Is(l.unasked, cli.ErrNoCluster):
		_, err := fmt.Fprintln(s.Err, "headway previews shows what follows, where a cluster is configured")
		return err
	case l.unasked != nil:
		_, err := fmt.Fprintf(s.Err, "no cluster says what follows: %s\n", cli.Printable(l.unasked.Error(), 300))
		return err
	case o.timeout == 0:
		_, err := fmt.Fprintln(s.Err, "headway previews shows what follows")
		return err
	}
	return l.follow(ctx, s, "refs/heads/"+target, commit, o.timeout)
}
