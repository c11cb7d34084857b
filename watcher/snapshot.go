package watcher

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/spec"
)

// snapshot is what the planner needs to know of one commit. It never changes.
type snapshot struct {
	commit  string
	subject string
	author  string
	// apps are the commit's headway.yaml files, sorted by path.
	apps []candidate
}

// candidate is one headway.yaml: what it asks for, or why it cannot be used.
type candidate struct {
	// file is the path of the headway.yaml.
	file string
	// problem is why the rest is empty (save perhaps the name).
	problem *problem
	// claims is the name in a file that could not be read; empty when it
	// cannot be told.
	claims string
	// template: the file is the model of a headway.yaml, with placeholders.
	template bool
	// left: the file is one too many and was not read.
	left    bool
	name    string
	pin     string
	hosts   []string
	path    string
	build   *v1alpha1.Build
	image   string
	runtime v1alpha1.Runtime
	// sources are what the image is built from; key is its hash.
	sources *detect.Sources
	// specHash is the hash of what is frozen.
	specHash string
	key      string
}

// nameless: the file may be any app's.
func (c *candidate) nameless() bool {
	return c.name == "" && c.claims == "" && !c.template
}

// problem is why a headway.yaml, or what it builds, cannot be used: something
// that its team has to change.
type problem struct {
	reason  string
	message string
}

// Error is the message.
func (p *problem) Error() string { return p.message }

// refuse is the snapshot with a problem in the place of what one file asks for.
func (s *snapshot) refuse(file string, why *problem) *snapshot {
	out := *s
	out.apps = slices.Clone(s.apps)
	for i := range out.apps {
		if c := &out.apps[i]; c.file == file {
			*c = candidate{file: file, name: c.name, problem: why}
		}
	}
	return &out
}

// problemOf is why an app of the snapshot cannot be used; nil where it can, or
// is not in it.
func (s *snapshot) problemOf(name string) *problem {
	for i := range s.apps {
		if s.apps[i].name == name {
			return s.apps[i].problem
		}
	}
	return nil
}

// app finds an app of the snapshot that can be used.
func (s *snapshot) app(name string) *candidate {
	for i := range s.apps {
		if s.apps[i].problem == nil && s.apps[i].name == name {
			return &s.apps[i]
		}
	}
	return nil
}

// readSnapshot reads the headway.yaml files of a commit, and of its other files
// those that decide what they build. known are the paths of the headway.yaml
// files that have made an App.
func readSnapshot(c *git.Commit, blobs blobs, known map[string]bool, memo *detect.Memo) (*snapshot, error) {
	s := &snapshot{commit: c.Hash, subject: shorten(c.Subject), author: shorten(c.Author)}
	paths := make([]string, len(c.Files))
	for i, f := range c.Files {
		paths[i] = f.Path
	}
	tree := detect.NewTree(detect.NewFiles(paths), content{c, blobs}, memo)
	read, left := chooseSpecFiles(c.Files, known)
	for _, f := range read {
		if f.Mode == git.Symlink {
			s.apps = append(s.apps, candidate{file: f.Path,
				problem: &problem{v1alpha1.ReasonInvalidSpec, f.Path + ": headway.yaml is a symbolic link; make it a file"}})
			continue
		}
		data, err := blobs.Read(f.Blob, spec.MaxBytes)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", f.Path, err)
		}
		app, err := readCandidate(f.Path, data, c, tree)
		if err != nil {
			return nil, err
		}
		s.apps = append(s.apps, app)
	}
	markDuplicates(s.apps)
	rest, err := leaveOut(left, blobs)
	if err != nil {
		return nil, err
	}
	s.apps = append(s.apps, rest...)
	slices.SortFunc(s.apps, func(a, b candidate) int { return cmp.Compare(a.file, b.file) })
	return s, nil
}

// readCandidate parses one headway.yaml and resolves it against the files of
// its commit. What is wrong with it is its problem; an error means that a file
// cannot be read.
func readCandidate(file string, data []byte, commit *git.Commit, tree *detect.Tree) (candidate, error) {
	c := candidate{file: file}
	parsed, err := spec.Parse(file, data)
	if c.template = spec.IsTemplate(file, data, err); c.template && err == nil {
		err = fmt.Errorf("%s: the folder's name is a placeholder; rename the folder", file)
	}
	if err != nil {
		c.problem, c.claims = &problem{v1alpha1.ReasonInvalidSpec, err.Error()}, spec.ClaimedName(data)
		return c, nil
	}
	c.name, c.pin, c.path, c.image = parsed.Name, parsed.Pin, parsed.Path, parsed.Image
	c.hosts = parsed.Hosts
	if c.problem = lacking(file, commit, func(dir string) bool { return detect.Reaches(parsed, dir) }); c.problem != nil {
		return c, nil
	}
	app, err := detect.Resolve(parsed, tree)
	if err != nil {
		if c.problem = explain(file, data, err); c.problem == nil {
			return c, fmt.Errorf("resolving %s: %w", file, err)
		}
		return c, nil
	}
	frozen := *parsed
	if app.Build != nil {
		// What auto chose is frozen, not that it was chosen.
		frozen.Build = spec.Build{With: app.Build.Template, Args: app.Build.Args}
	}
	c.runtime, c.build, c.sources = parsed.Runtime, app.Build, &app.Sources
	c.key = treeKey(sourceFiles(c.sources, commit.Files))
	c.specHash = spec.Hash(&frozen)
	return c, nil
}

// explain gives a detect error the reason and the position it belongs to; nil
// for another error.
func explain(file string, data []byte, err error) *problem {
	reason, key := v1alpha1.ReasonInvalidSpec, ""
	var unfit *detect.NoTemplateFitError
	var value *detect.KeyError
	switch {
	case errors.As(err, &unfit):
		reason, key = v1alpha1.ReasonNoTemplateFit, "build.with"
	case errors.As(err, &value):
		key = value.Key
	default:
		return nil
	}
	line, column := spec.Locate(data, key)
	return &problem{reason, fmt.Sprintf("%s:%d:%d: %v", file, line, column, err)}
}

// markDuplicates: two files with one name are both at fault.
func markDuplicates(apps []candidate) {
	files := map[string][]string{}
	for _, c := range apps {
		if c.name != "" {
			files[c.name] = append(files[c.name], c.file)
		}
	}
	for i := range apps {
		same := files[apps[i].name]
		if len(same) < 2 || apps[i].problem != nil {
			continue
		}
		other := same[0]
		if other == apps[i].file {
			other = same[1]
		}
		apps[i].problem = &problem{v1alpha1.ReasonNameConflict,
			fmt.Sprintf("%s: name: %s has the name %q too; give one of them another name", apps[i].file, other, apps[i].name)}
	}
}

// shorten cuts a text to 120 characters.
func shorten(s string) string {
	const most = 120
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
