package promotion

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/cmd/headway/checkout"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/cmd/headway/clone"
)

// decision is what a command makes of the headway.yaml of an app: the changes,
// and the message of the commit. pin is resolved to a full hash before it is
// asked for changes.
type decision struct {
	// pin is a commit as a person names it; empty: none is pinned.
	pin string
	// changes are those to make, given the keys of the file; none with the
	// reason why there is nothing to do.
	changes func(has map[string]string, pin string) ([]change, error)
	// message of the commit, its subject first.
	message func(pin string) string
}

func hold(app string) decision {
	return decision{
		changes: func(has map[string]string, _ string) ([]change, error) {
			if has["hold"] == "true" {
				return nil, fmt.Errorf("%s is on hold already; headway resume %s ends that", app, app)
			}
			return []change{{"hold", "true"}}, nil
		},
		message: func(string) string {
			return fmt.Sprintf("Hold %s\n\nNo step forward until headway resume %s.", app, app)
		},
	}
}

func resume(app string) decision {
	return decision{
		changes: func(has map[string]string, _ string) (all []change, err error) {
			for _, key := range []string{"hold", "pin"} {
				if _, there := has[key]; there {
					all = append(all, change{key: key})
				}
			}
			if len(all) == 0 {
				err = fmt.Errorf("%s has neither hold nor pin in its headway.yaml, so there is nothing to end", app)
			}
			return all, err
		},
		message: func(string) string { return "Resume " + app },
	}
}

func rollback(app, target string) decision {
	return decision{
		pin: target,
		changes: func(has map[string]string, pin string) ([]change, error) {
			if now := has["pin"]; now != "" && strings.HasPrefix(pin, now) {
				return nil, fmt.Errorf("%s is pinned to %s already; headway resume %s ends that", app, now, app)
			}
			return []change{{"pin", pin}}, nil
		},
		message: func(pin string) string {
			return fmt.Sprintf("Roll %s back to %s\n\nIt keeps all traffic until headway resume %s.", app, pin[:12], app)
		},
	}
}

// commit makes the commit of a decision and pushes it.
func commit(ctx context.Context, s cli.Streams, o *cli.PushFlags, app string, d decision) error {
	c, err := clone.Open(ctx, s)
	if err != nil {
		return err
	}
	if err := c.FindRemote(ctx); err != nil {
		return err
	}
	seen, err := observe(ctx, c, o.Branch, app)
	if err != nil {
		return err
	}
	if err := seen.refuse(); err != nil {
		return err
	}
	pin := ""
	if d.pin != "" {
		if pin, err = c.Resolve(ctx, d.pin); err != nil {
			return err
		}
	}
	name := filepath.Join(c.Root, filepath.FromSlash(seen.file))
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading %s: %w", seen.file, checkout.Bare(err))
	}
	changes, err := d.changes(keys(text), pin)
	if err != nil {
		return err
	}
	e, err := editSpec(seen.file, text, changes...)
	if err != nil {
		return err
	}
	message := d.message(pin)
	if _, err := fmt.Fprintf(s.Out, "commit to %s, pushed to %s:\n\n%s\n%s", seen.branch, c.Remote, indented(message), e.diff(seen.file)); err != nil {
		return err
	}
	if o.DryRun {
		return nil
	}
	if err := o.Yes.Confirm(s, "Commit and push this?", "this makes a commit and pushes it"); err != nil {
		return err
	}
	made, err := commitFile(ctx, c, seen.file, text, e.after(), message)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "\npushed %s to %s of %s; headway status %s shows what follows\n", made[:8], seen.branch, c.Remote, app)
	return err
}

// indented is a message as git log shows it.
func indented(message string) string {
	var b strings.Builder
	for l := range strings.Lines(message + "\n") {
		if l != "\n" {
			l = "    " + l
		}
		b.WriteString(l)
	}
	return b.String()
}

// observe looks at the clone and its remote.
func observe(ctx context.Context, c *clone.Clone, production, app string) (state, error) {
	seen := state{remote: c.Remote, production: production, branch: c.Branch}
	if production == "" {
		ad, err := c.List(ctx)
		if err != nil {
			return seen, err
		}
		if seen.production, seen.byDefault = strings.TrimPrefix(ad.Head, "refs/heads/"), true; ad.Head == "" {
			return seen, fmt.Errorf("%s does not say which branch is its default; name that of production by --branch", c.Remote)
		}
	}
	if err := seen.elsewhere(); err != nil {
		return seen, err // what other files there are on another branch is of no interest
	}
	files, err := checkout.Open(ctx, c.Root)
	if err != nil {
		return seen, err
	}
	specs, err := files.Specs()
	if err != nil {
		return seen, err
	}
	if seen.file, err = fileOf(app, specs); err != nil {
		return seen, err
	}
	status, err := c.Git(ctx, "status", "--porcelain", "--untracked-files=all", "--", ":(literal,top)"+seen.file)
	if err != nil {
		return seen, fmt.Errorf("looking for changes: %w", err)
	}
	seen.dirty = status != ""
	head, err := c.Fetch(ctx, seen.production)
	if err != nil {
		return seen, err
	}
	seen.ahead, seen.behind, err = c.Distance(ctx, head)
	return seen, err
}

// commitFile writes a file, commits it alone and pushes the branch; it returns
// the commit. Where one of these fails, the clone is as it was before.
func commitFile(ctx context.Context, c *clone.Clone, file string, before, after []byte, message string) (string, error) {
	head, err := c.Git(ctx, "rev-parse", "--verify", "HEAD")
	if err != nil {
		return "", fmt.Errorf("looking for the newest commit: %w", err)
	}
	path, spec := filepath.Join(c.Root, filepath.FromSlash(file)), ":(literal,top)"+file
	if err := os.WriteFile(path, after, 0o644); err != nil {
		return "", fmt.Errorf("writing %s: %w", file, checkout.Bare(err))
	}
	if err := c.Run(ctx, "commit", "--quiet", "--only", "--message", message, "--", spec); err != nil {
		return "", errors.Join(fmt.Errorf("git has not made the commit (%w), and %s is as it was", err, file), os.WriteFile(path, before, 0o644))
	}
	made, err := c.Git(ctx, "rev-parse", "--verify", "HEAD")
	if err == nil {
		err = c.Push(ctx, "refs/heads/"+c.Branch)
	}
	if err == nil {
		return made, nil
	}
	// An interruption must not leave half of it.
	undo := context.WithoutCancel(ctx)
	_, failed := c.Git(undo, "reset", "--quiet", "--soft", head)
	if failed == nil {
		_, failed = c.Git(undo, "checkout", "--quiet", head, "--", spec)
	}
	if failed != nil {
		return "", fmt.Errorf("the commit %s is not pushed (%w), and it cannot be taken back: %w", made, err, failed)
	}
	return "", fmt.Errorf("the commit could not be pushed (%w); it is taken back, and this clone is as it was", err)
}
