// Package validate has the commands for headway.yaml before a push: validate
// checks files as the cluster would, init writes one that validate accepts.
package validate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/spec"
	"github.com/spf13/cobra"
)

// Command is validate.
func Command(io cli.Streams, a *cli.Access) *cobra.Command {
	var buildNamespace string
	c := &cobra.Command{
		Use:   "validate [PATH...]",
		Short: "Check headway.yaml files before they are pushed",
		Long: `Check every headway.yaml at or below the given paths (default: the current
folder), as the cluster would: the file itself, whether something builds the
app, and whether names are unique. A build template that does not come with
Headway is looked for in the cluster, if one can be asked. Problems go to standard error, one per line
as file:line:column, and the exit code is 1.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"."}
			}
			v := &validation{
				checkouts: map[string]*checkout{}, seen: map[string]bool{}, names: map[string]string{},
				templates: templateCheck{installed: templatesOf(a, buildNamespace)}, out: io.Out, err: io.Err,
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
	c.Flags().StringVar(&buildNamespace, "build-namespace", cli.DefaultBuildNamespace, "namespace of the build templates")
	return c
}

// validation is one run over any number of files.
type validation struct {
	checkouts map[string]*checkout // by folder asked for
	seen      map[string]bool      // files, canonical
	names     map[string]string    // root + name -> file that has it
	templates templateCheck
	failed    int
	out, err  io.Writer
}

// path checks one file, or every headway.yaml below a folder.
func (v *validation) path(ctx context.Context, p string) error {
	real, err := located(p)
	if err != nil {
		return err
	}
	info, err := os.Lstat(real)
	if err != nil {
		return fmt.Errorf("reading %s: %w", p, bare(err))
	}
	dir := real
	if !info.IsDir() {
		if filepath.Base(real) != spec.FileName {
			return fmt.Errorf("%s is not named %s; the cluster would not see it", p, spec.FileName)
		}
		dir = filepath.Dir(real)
	}
	c, ok := v.checkouts[dir]
	if !ok {
		if c, err = openCheckout(ctx, dir); err != nil {
			return err
		}
		v.checkouts[dir] = c
	}
	if !info.IsDir() {
		return v.file(ctx, c, real)
	}
	return v.folder(ctx, c, real, p)
}

// folder checks every headway.yaml at or below a folder, which the command
// line calls p.
func (v *validation) folder(ctx context.Context, c *checkout, real, p string) error {
	rel, err := c.rel(real)
	if err != nil {
		return err
	}
	found, skipped := 0, false
	for _, name := range c.files.Under(rel) {
		file := filepath.Join(c.root, filepath.FromSlash(name))
		switch path.Base(name) {
		case spec.FileName:
			if skipped = skipped || spec.Skipped(name); spec.Skipped(name) {
				continue
			}
			found++
			if err := v.file(ctx, c, file); err != nil {
				return err
			}
		case "headway.yml":
			_, _ = fmt.Fprintf(v.err, "%s: warning: not read; rename it to %s\n", display(file), spec.FileName)
		}
	}
	if found == 0 && skipped {
		return fmt.Errorf("found no %s in %s that makes an app; %s", spec.FileName, p, inSkippedFolder)
	}
	if found == 0 {
		return fmt.Errorf("found no %s in %s; headway init writes one", spec.FileName, p)
	}
	return nil
}

// inSkippedFolder says what to do where spec.Skipped is true.
const inSkippedFolder = "the cluster skips those below vendor, node_modules and testdata; write it in another folder and set path"

// file checks one file and prints the outcome.
func (v *validation) file(ctx context.Context, c *checkout, real string) error {
	if v.seen[real] {
		return nil
	}
	v.seen[real] = true
	rel, err := c.rel(real)
	if err != nil {
		return err
	}
	label := display(real)
	data, err := readSpec(c.root, rel)
	var unfit *notPlainError
	if errors.As(err, &unfit) {
		v.fail(label, spec.Problems{problemAt(nil, "", unfit.Error())})
		return nil
	} else if err != nil {
		return fmt.Errorf("reading %s: %w", label, bare(err))
	}
	if spec.Skipped(rel) {
		v.fail(label, spec.Problems{problemAt(nil, "", inSkippedFolder)})
		return nil
	}
	if _, err := spec.Parse(rel, data); spec.IsTemplate(rel, data, err) {
		_, err := fmt.Fprintf(v.out, "%s: skipped, it has placeholders to fill in\n", label)
		return err
	}
	s, app, problems, err := resolve(c, rel, data)
	if err != nil {
		return fmt.Errorf("checking %s: %w", label, err)
	}
	var warnings []warning
	if app != nil {
		if problems, warnings, err = v.resolved(ctx, c, s, app, data); err != nil {
			return fmt.Errorf("checking %s: %w", label, err)
		}
	}
	if s != nil {
		if other, taken := v.names[c.root+"\x00"+s.Name]; taken {
			problems = append(problems, problemAt(data, "name", fmt.Sprintf("%q is the name in %s too; every app of a repository needs its own", s.Name, other)))
		} else {
			v.names[c.root+"\x00"+s.Name] = label
		}
	}
	if len(problems) > 0 {
		v.fail(label, problems)
		return nil
	}
	for _, warning := range warnings {
		line, column := spec.Locate(data, warning.key)
		_, _ = fmt.Fprintf(v.err, "%s:%d:%d: warning: %s: %s\n", label, line, column, warning.key, warning.message)
	}
	_, err = fmt.Fprintf(v.out, "%s: ok, app %s, %s\n", label, s.Name, made(app))
	return err
}

// resolved checks what is left once it is known how an app is built.
func (v *validation) resolved(ctx context.Context, c *checkout, s *spec.Spec, app *detect.App, data []byte) (problems spec.Problems, warnings []warning, err error) {
	if warnings, err = unmatched(c, s); err != nil || app.Build == nil {
		return nil, warnings, err
	}
	problems, unchecked, err := v.templates.check(ctx, app.Build, data)
	if unchecked != "" {
		warnings = append(warnings, warning{"build.with", unchecked})
	}
	return problems, warnings, err
}

// fail prints the problems of one file.
func (v *validation) fail(label string, problems spec.Problems) {
	for i := range problems {
		problems[i].File = label
	}
	v.failed++
	_, _ = fmt.Fprintln(v.err, problems)
}
