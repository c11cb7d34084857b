package watcher

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/spec"
)

// maxSpecFiles bounds the apps of one repository.
const maxSpecFiles = 500

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
	name    string
	pin     string
	path    string
	build   *v1alpha1.Build
	image   string
	runtime v1alpha1.Runtime
	// key is the hash of the source; specHash of what is frozen.
	key      string
	specHash string
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

// blobs reads small files.
type blobs interface {
	Read(blob string, limit int64) ([]byte, error)
}

// readSnapshot reads the headway.yaml files of a commit.
func readSnapshot(c *git.Commit, content blobs) (*snapshot, error) {
	s := &snapshot{commit: c.Hash, subject: shorten(c.Subject), author: shorten(c.Author)}
	paths := make([]string, len(c.Files))
	for i, f := range c.Files {
		paths[i] = f.Path
	}
	names := detect.NewFiles(paths)
	for _, f := range c.Files {
		if path.Base(f.Path) != spec.FileName {
			continue
		}
		if len(s.apps) == maxSpecFiles {
			return nil, &git.Error{Reason: v1alpha1.ReasonTooLarge,
				Message: fmt.Sprintf("the commit has more than %d headway.yaml files; split the repository", maxSpecFiles)}
		}
		if f.Mode == git.Symlink {
			s.apps = append(s.apps, candidate{file: f.Path,
				problem: &problem{v1alpha1.ReasonInvalidSpec, f.Path + ": headway.yaml is a symbolic link; make it a file"}})
			continue
		}
		data, err := content.Read(f.Blob, spec.MaxBytes)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", f.Path, err)
		}
		s.apps = append(s.apps, readCandidate(f.Path, data, c.Files, names))
	}
	markDuplicates(s.apps)
	return s, nil
}

// readCandidate parses one headway.yaml and resolves it against the files of
// its commit.
func readCandidate(file string, data []byte, files []git.File, names detect.Files) candidate {
	c := candidate{file: file}
	parsed, err := spec.Parse(file, data)
	if err != nil {
		c.problem = &problem{v1alpha1.ReasonInvalidSpec, err.Error()}
		return c
	}
	c.name, c.pin, c.path, c.image = parsed.Name, parsed.Pin, parsed.Path, parsed.Image
	source, err := readSources(parsed)
	if err != nil {
		c.problem = explain(file, data, err)
		return c
	}
	names = names.Without(source.ignore)
	frozen := *parsed
	template := ""
	if parsed.Image == "" {
		if c.build, err = detect.Build(parsed.Build, parsed.Path, names); err != nil {
			c.problem = explain(file, data, err)
			return c
		}
		template = c.build.Template
		// What auto chose is frozen, not that it was chosen.
		frozen.Build = spec.Build{With: c.build.Template, Args: c.build.Args}
	}
	source.imply(template, names)
	c.runtime = parsed.Runtime
	c.key = treeKey(source.files(files))
	c.specHash = spec.Hash(&frozen)
	return c
}

// explain gives a detect error the reason and the position it belongs to.
func explain(file string, data []byte, err error) *problem {
	reason, key := v1alpha1.ReasonInvalidSpec, ""
	var unfit *detect.NoTemplateFitError
	var value *detect.KeyError
	switch {
	case errors.As(err, &unfit):
		reason, key = v1alpha1.ReasonNoTemplateFit, "build.with"
	case errors.As(err, &value):
		key = value.Key
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

// files are the source files of an app of a commit, the same that its key was
// made from.
func (c *candidate) files(commit *git.Commit, content blobs) ([]git.File, error) {
	i := slices.IndexFunc(commit.Files, func(f git.File) bool { return f.Path == c.file })
	if i < 0 {
		return nil, fmt.Errorf("commit %s has no %s", commit.Hash, c.file)
	}
	data, err := content.Read(commit.Files[i].Blob, spec.MaxBytes)
	if err != nil {
		return nil, err
	}
	parsed, err := spec.Parse(c.file, data)
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(commit.Files))
	for i, f := range commit.Files {
		paths[i] = f.Path
	}
	template := ""
	if c.build != nil {
		template = c.build.Template
	}
	source, err := readSources(parsed)
	if err != nil {
		return nil, err
	}
	source.imply(template, detect.NewFiles(paths).Without(source.ignore))
	return source.files(commit.Files), nil
}

// shorten cuts a text to 120 characters.
func shorten(s string) string {
	const most = 120
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
