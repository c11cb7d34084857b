package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/spec"
	"github.com/spf13/cobra"
)

func newValidate(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "validate [PATH...]",
		Short: "Check headway.yaml files before they are pushed",
		Long: `Check every headway.yaml at or below the given paths (default: the current
folder), as the cluster would: the file itself, whether something builds the
app, and whether names are unique. Problems go to standard error, one per line
as file:line:column, and the exit code is 1.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"."}
			}
			v := &validation{checkouts: map[string]*checkout{}, seen: map[string]bool{}, names: map[string]string{}, out: io.out, err: io.err}
			for _, p := range paths {
				if err := v.path(cmd.Context(), p); err != nil {
					return err
				}
			}
			if v.failed > 0 {
				return errReported
			}
			return nil
		},
	}
}

// validation is one run over any number of files.
type validation struct {
	checkouts map[string]*checkout // by folder asked for
	seen      map[string]bool      // files, canonical
	names     map[string]string    // root + name -> file that has it
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
		return v.file(c, real)
	}
	return v.folder(c, real, p)
}

// folder checks every headway.yaml at or below a folder, which the command
// line calls p.
func (v *validation) folder(c *checkout, real, p string) error {
	rel, err := c.rel(real)
	if err != nil {
		return err
	}
	found := 0
	for _, name := range c.files.Under(rel) {
		file := filepath.Join(c.root, filepath.FromSlash(name))
		switch path.Base(name) {
		case spec.FileName:
			found++
			if err := v.file(c, file); err != nil {
				return err
			}
		case "headway.yml":
			_, _ = fmt.Fprintf(v.err, "%s: warning: not read; rename it to %s\n", display(file), spec.FileName)
		}
	}
	if found == 0 {
		return fmt.Errorf("found no %s in %s; headway init writes one", spec.FileName, p)
	}
	return nil
}

// file checks one file and prints the outcome.
func (v *validation) file(c *checkout, real string) error {
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
	s, build, problems, err := check(c, rel, data)
	if err != nil {
		return fmt.Errorf("checking %s: %w", label, err)
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
	for _, warning := range unmatched(s, c.files) {
		line, column := spec.Locate(data, warning.key)
		_, _ = fmt.Fprintf(v.err, "%s:%d:%d: warning: %s: %s\n", label, line, column, warning.key, warning.message)
	}
	_, err = fmt.Fprintf(v.out, "%s: ok, app %s, %s\n", label, s.Name, build)
	return err
}

// fail prints the problems of one file.
func (v *validation) fail(label string, problems spec.Problems) {
	for i := range problems {
		problems[i].File = label
	}
	v.failed++
	_, _ = fmt.Fprintln(v.err, problems)
}

// check does to one file what the watcher does to it in a commit. how says in
// a few words where the image comes from. An error means that a file cannot be
// read.
func check(c *checkout, rel string, data []byte) (s *spec.Spec, how string, problems spec.Problems, err error) {
	s, err = spec.Parse(rel, data)
	if errors.As(err, &problems) {
		return nil, "", problems, nil
	}
	app, err := detect.Resolve(s, c.tree())
	var wrong *detect.KeyError
	var unfit *detect.NoTemplateFitError
	switch {
	case errors.As(err, &wrong):
		return s, "", spec.Problems{problemAt(data, wrong.Key, wrong.Message)}, nil
	case errors.As(err, &unfit):
		return s, "", spec.Problems{problemAt(data, "build", unfit.Error())}, nil
	case err != nil:
		return s, "", nil, err
	}
	return s, made(app), nil, nil
}

// made says where the image of an app comes from.
func made(app *detect.App) string {
	if app.Build == nil {
		return "image given"
	}
	how := "built with " + app.Build.Template
	if main := app.Build.Args["main"]; app.Build.Template == detect.Go {
		how += " from " + main
	}
	if needed := app.Sources.Needed(); len(needed) > 0 {
		how += "; also built from: " + strings.Join(needed, ", ")
	}
	return how
}

func problemAt(data []byte, key, message string) spec.Problem {
	line, column := spec.Locate(data, key)
	return spec.Problem{Line: line, Column: column, Key: key, Message: message}
}

// warning is about a value that has no effect.
type warning struct{ key, message string }

// unmatched are the globs that match nothing: what they were written for is
// not there, or is called otherwise.
func unmatched(s *spec.Spec, files detect.Files) []warning {
	var found []warning
	watched := files.Under(s.Path)
	for _, pattern := range s.Watch {
		matches := matching(pattern, files)
		if len(matches) == 0 {
			found = append(found, warning{"watch", pattern + " matches no file"})
		}
		watched = append(slices.Clip(watched), matches...)
	}
	for _, pattern := range s.Ignore {
		if len(matching(pattern, watched)) == 0 {
			found = append(found, warning{"ignore", pattern + " matches no file in path and watch, so there is nothing to leave out"})
		}
	}
	return found
}

// matching are the files that a glob, which the parser has taken, matches.
func matching(pattern string, files detect.Files) detect.Files {
	glob, err := spec.ParseGlob(pattern)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(files), func(name string) bool { return !glob.Match(name) })
}
