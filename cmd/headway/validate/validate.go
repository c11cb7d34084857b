// Package validate has the commands for headway.yaml before a push: validate
// checks files as the cluster would, init writes one that validate accepts.
package validate

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/headway-dev/headway/cmd/headway/checkout"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/specfile"
	"github.com/spf13/cobra"
)

// Command is validate.
func Command(io cli.Streams, a *cli.Access) *cobra.Command {
	var buildNamespace, branch string
	c := &cobra.Command{
		Use:   "validate [PATH...]",
		Short: "Check headway.yaml files before they are pushed",
		Long: `Check every headway.yaml at or below the given paths (default: the current
folder), as the cluster would: the file itself, whether something builds the
app, whether names are unique, and whether the rules of release fit the
production branch. A build template that does not come with Headway is looked
for in the cluster, if one can be asked. Problems go to standard error, one per
line as file:line:column, and the exit code is 1.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"."}
			}
			v := &validation{
				checkouts: map[string]*opened{}, seen: map[string]bool{},
				templates: templateCheck{installed: templatesOf(a, buildNamespace)}, branch: branch, out: io.Out, err: io.Err,
			}
			for _, p := range paths {
				if err := v.path(cmd.Context(), p); err != nil {
					return err
				}
			}
			if v.failed > 0 {
				return cli.ErrReported
			}
			return nil
		},
	}
	c.Flags().StringVar(&branch, "branch", "", "production branch (default: the default branch of origin, else main)")
	c.Flags().StringVar(&buildNamespace, "build-namespace", cli.DefaultBuildNamespace, "namespace of the build templates")
	return c
}

// validation is one run over any number of files.
type validation struct {
	checkouts map[string]*opened // by root
	seen      map[string]bool    // files, canonical
	templates templateCheck
	branch    string // of production; empty: not said
	failed    int
	out, err  io.Writer
}

// opened is a checkout as the watcher would read it.
type opened struct {
	*checkout.Checkout
	*plan.Snapshot
	// production is the branch whose rules of release count; empty: not known.
	production string
}

// path checks one file, or every headway.yaml below a folder.
func (v *validation) path(ctx context.Context, p string) error {
	real, err := checkout.Located(p)
	if err != nil {
		return err
	}
	info, err := os.Lstat(real)
	if err != nil {
		return fmt.Errorf("reading %s: %w", p, checkout.Bare(err))
	}
	dir := real
	if !info.IsDir() {
		if base := filepath.Base(real); base != specfile.FileName && base != specfile.EventsFileName {
			return fmt.Errorf("%s is not named %s; the cluster would not see it", p, specfile.FileName)
		}
		dir = filepath.Dir(real)
	}
	c, err := v.open(ctx, checkout.RootOf(dir))
	if err != nil {
		return err
	}
	rel, err := c.Rel(real)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return v.file(ctx, c, rel)
	}
	return v.folder(ctx, c, rel, p)
}

func (v *validation) open(ctx context.Context, root string) (*opened, error) {
	if c := v.checkouts[root]; c != nil {
		return c, nil
	}
	c, err := checkout.Open(ctx, root)
	if err != nil {
		return nil, err
	}
	s, err := c.Read()
	if err != nil {
		return nil, err
	}
	v.checkouts[root] = &opened{c, s, cmp.Or(v.branch, c.DefaultBranch(ctx))}
	return v.checkouts[root], nil
}

// folder checks every headway.yaml at or below a folder, which the command
// line calls p.
func (v *validation) folder(ctx context.Context, c *opened, rel, p string) error {
	found, skipped := 0, false
	for _, name := range c.Files.Under(rel) {
		switch path.Base(name) {
		case specfile.FileName, specfile.EventsFileName:
			if specfile.Skipped(name) {
				skipped = true
				continue
			}
			found++
			if err := v.file(ctx, c, name); err != nil {
				return err
			}
		case "headway.yml":
			_, _ = fmt.Fprintf(v.err, "%s: warning: not read; rename it to %s\n", c.Display(name), specfile.FileName)
		}
	}
	if found == 0 && skipped {
		return fmt.Errorf("found no %s in %s that makes an app; %s", specfile.FileName, p, inSkippedFolder)
	}
	if found == 0 {
		return fmt.Errorf("found no %s in %s; headway init writes one", specfile.FileName, p)
	}
	return nil
}

// inSkippedFolder says what to do where specfile.Skipped is true.
const inSkippedFolder = "the cluster skips those below vendor, node_modules and testdata; write it in another folder and set path"

// file checks one file and prints the outcome.
func (v *validation) file(ctx context.Context, c *opened, rel string) error {
	label := c.Display(rel)
	at := filepath.Join(c.Root, rel)
	if v.seen[at] {
		return nil
	}
	v.seen[at] = true
	app := c.File(rel)
	switch {
	case app == nil:
		why := "git would not commit this file, so that the cluster would not see it; it is ignored, or no plain file"
		if specfile.Skipped(rel) {
			why = inSkippedFolder
		}
		v.fail(label, specfile.Problems{specfile.Whole(why)})
		return nil
	case app.Template:
		_, err := fmt.Fprintf(v.out, "%s: skipped, it has placeholders to fill in\n", label)
		return err
	case app.Problem != nil:
		v.fail(label, app.At)
		return nil
	}
	if c.production != "" {
		if misruled := app.Misruled(c.production); misruled != nil {
			v.fail(label, misruled)
			return nil
		}
	}
	var problems specfile.Problems
	var warnings []warning
	ok := fmt.Sprintf("%d channels, %d sources", len(app.Spec.Channels), len(app.Spec.Sources))
	if app.HasApp() {
		var err error
		if problems, warnings, err = v.built(ctx, c, app); err != nil {
			return fmt.Errorf("checking %s: %w", label, err)
		}
		ok = fmt.Sprintf("app %s, %s", app.Name, checkout.Made(app.App))
	}
	if len(problems) > 0 {
		v.fail(label, problems)
		return nil
	}
	if problems = filters(app.Spec); len(problems) > 0 {
		v.fail(label, problems)
		return nil
	}
	for _, p := range c.Lint(nil) {
		if p.File == rel {
			_, _ = fmt.Fprintf(v.err, "%s:%d:%d: warning: %s: %s\n", label, p.Line, p.Column, p.Key, p.Message)
		}
	}
	for _, warning := range warnings {
		at := app.Spec.Problem(warning.key, warning.message)
		_, _ = fmt.Fprintf(v.err, "%s:%d:%d: warning: %s: %s\n", label, at.Line, at.Column, at.Key, at.Message)
	}
	_, err := fmt.Fprintf(v.out, "%s: ok, %s\n", label, ok)
	return err
}

// built checks what the watcher leaves to those who build, and what is of no
// effect.
func (v *validation) built(ctx context.Context, c *opened, app *plan.Candidate) (problems specfile.Problems, warnings []warning, err error) {
	if warnings, err = unmatched(c.Checkout, app.Spec); err != nil || app.App.Build == nil {
		return nil, warnings, err
	}
	problems, unchecked, err := v.templates.check(ctx, app.App.Build, app.Spec)
	if unchecked != "" {
		warnings = append(warnings, warning{"build.with", unchecked})
	}
	return problems, warnings, err
}

// fail prints the problems of one file.
func (v *validation) fail(label string, problems specfile.Problems) {
	v.failed++
	for i := range problems {
		problems[i].File = label
	}
	_, _ = fmt.Fprintln(v.err, problems)
}
