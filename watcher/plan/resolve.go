package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/specfile"
	"github.com/headway-dev/headway/watcher/tree"
)

// maxLine bounds a commit's subject and its author's name, in characters.
const maxLine = 120

// Resolve holds the headway.yaml files of a commit against its other files, of
// which it reads those that decide what they build. What is wrong with one is
// its problem; an error means that a file cannot be read.
func (s SpecFiles) Resolve(c *tree.Commit, blobs tree.Blobs, memo *detect.Memo) (*Snapshot, error) {
	files := detect.NewTree(detect.NewFiles(c.Paths()), tree.Content{Commit: c, Blobs: blobs}, memo)
	out := &Snapshot{Commit: c.Hash, Subject: condition.Clip(c.Subject, maxLine), Author: condition.Clip(c.Author, maxLine)}
	for _, file := range s {
		if file.declares {
			out.Declared = append(out.Declared, file)
		} else {
			out.Apps = append(out.Apps, file)
		}
	}
	for i := range out.Apps {
		if app := &out.Apps[i]; app.Problem == nil {
			if err := app.resolve(c, files); err != nil {
				return nil, fmt.Errorf("resolving %s: %w", app.File, err)
			}
		}
	}
	slices.SortFunc(out.Apps, func(a, b Candidate) int { return cmp.Compare(a.File, b.File) })
	markDuplicates(out.Apps)
	markShared(out.all())
	return out, nil
}

func (c *Candidate) resolve(commit *tree.Commit, files *detect.Tree) error {
	if c.Problem = Lacking(c.File, commit, func(dir string) bool { return detect.Reaches(c.Spec, dir) }); c.Problem != nil {
		return nil
	}
	app, err := detect.Resolve(c.Spec, files)
	var unfit *detect.NoTemplateFitError
	var value *detect.KeyError
	switch {
	case errors.As(err, &unfit):
		at := c.Spec.Problem("build.with", unfit.Error())
		at.Key = "" // it need not be written
		c.refuse(v1alpha1.ReasonNoTemplateFit, at)
		return nil
	case errors.As(err, &value):
		c.refuse(v1alpha1.ReasonInvalidSpec, c.Spec.Problem(value.Key, value.Message))
		return nil
	case err != nil:
		return err
	}
	c.App, c.key, c.specHash = app, treeKey(SourceFiles(app, commit)), frozenHash(c.Spec, app)
	return nil
}

// frozenHash is the hash of what a Revision of the app has frozen.
func frozenHash(spec *specfile.Spec, app *detect.App) string {
	frozen := *spec
	if app.Build != nil {
		// What auto chose is frozen, not that it was chosen.
		frozen.Build = specfile.Build{With: app.Build.Template, Args: app.Build.Args}
	}
	return specfile.Hash(&frozen)
}

// Lacking is the problem of an app, by its headway.yaml, that reaches a
// submodule which cannot be had.
func Lacking(file string, c *tree.Commit, reaches func(dir string) bool) *Problem {
	for _, sub := range c.Submodules {
		if sub.Err != nil && reaches(sub.Path) {
			from := ""
			if sub.URL != "" {
				from = " (" + sub.URL + ")"
			}
			return NewProblem(v1alpha1.ReasonSourceIncomplete, "%s: submodule %s%s cannot be fetched: %v", file, sub.Path, from, sub.Err)
		}
	}
	return nil
}

// markDuplicates: two files with one name are both at fault.
func markDuplicates(apps []Candidate) {
	files := map[string][]string{}
	for _, c := range apps {
		if c.Name != "" {
			files[c.Name] = append(files[c.Name], c.File)
		}
	}
	for i := range apps {
		c := &apps[i]
		same := files[c.Name]
		if len(same) < 2 || c.Problem != nil {
			continue
		}
		other := same[0]
		if other == c.File {
			other = same[1]
		}
		c.refuse(v1alpha1.ReasonNameConflict, c.Spec.Problem("name", fmt.Sprintf("%s has the name %q too; give one of them another name", other, c.Name)))
	}
}
