package preview

import (
	"context"
	"fmt"
	"strings"

	"github.com/headway-dev/headway/cmd/headway/cli"
)

// closePreview deletes the branch of the remote that has previews for a branch.
func closePreview(ctx context.Context, s cli.Streams, a *cli.Access, o *cli.PushFlags, branch string) error {
	l, err := look(ctx, s, a, o.Branch)
	if err != nil {
		return err
	}
	target, err := l.opened(branch)
	if err != nil {
		return err
	}
	ref := "refs/heads/" + target
	at := l.refs[ref]
	if _, err := fmt.Fprintf(s.Out, "delete of the branch %s of %s, with the previews of %s\n %s\n", target, l.Remote, cli.Enumerate(l.names(target)), l.kept(ctx, target, at)); err != nil {
		return err
	}
	if o.DryRun {
		return nil
	}
	if err := o.Yes.Confirm(s, "Delete this branch?", "this deletes a branch of "+l.Remote); err != nil {
		return err
	}
	if err := l.Delete(ctx, ref, at); err != nil {
		return fmt.Errorf("the branch could not be deleted (%w)", err)
	}
	_, err = fmt.Fprintln(s.Out, "deleted; headway previews shows that its previews go")
	return err
}

// opened is the branch of the remote that has previews for a branch: itself, or
// the one that open makes of it.
func (l *seen) opened(branch string) (string, error) {
	on := func(name string) bool { return l.refs["refs/heads/"+name] != "" }
	if on(branch) && l.allows(branch) {
		return branch, nil
	}
	target, err := l.target(branch)
	switch {
	case err == nil && on(target):
		return target, nil
	case branch == l.production:
		return "", fmt.Errorf("%s is the production branch, and stays", branch)
	case on(branch):
		return "", fmt.Errorf("%s of %s has no preview by its name, so that it stays; where a pull request has one, close that", branch, l.Remote)
	case err != nil:
		return "", err
	}
	return "", fmt.Errorf("%s has no branch %s, so that there is nothing to close; headway previews lists what is open", l.Remote, target)
}

// kept is the commit of a branch, and where it is once the branch is gone.
func (l *seen) kept(ctx context.Context, target, at string) string {
	described, err := l.Describe(ctx, at)
	if err != nil {
		return at[:12] + ", a commit that this clone does not have"
	}
	out, err := l.Git(ctx, "for-each-ref", "--contains", at, "--format=%(refname)", "refs/heads", "refs/remotes")
	if err != nil {
		return described
	}
	var others []string
	for ref := range strings.FieldsSeq(out) {
		if ref != "refs/remotes/"+l.Remote+"/"+target {
			others = append(others, strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/remotes/"))
		}
	}
	if len(others) == 0 {
		return fmt.Sprintf("%s\n no other branch has it: git branch NAME %s keeps it", described, at[:12])
	}
	return fmt.Sprintf("%s, which is on %s, too", described, others[0])
}
