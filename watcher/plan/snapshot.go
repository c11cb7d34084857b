package plan

import (
	"fmt"
	"slices"

	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/specfile"
)

// Snapshot is what a plan follows from in one commit. It never changes.
type Snapshot struct {
	Commit  string
	Subject string
	Author  string
	// Unsigned is why the commit does not count; then nothing of it is in Apps.
	Unsigned *Problem
	// Apps are the commit's headway.yaml files, and Declared its headway.events.yaml
	// files, sorted by path.
	Apps, Declared []Candidate
}

// Candidate is one headway.yaml or headway.events.yaml: what it asks for, or why
// it cannot be used.
type Candidate struct {
	// File is its path.
	File string
	// Name of the app; empty when the file cannot be read.
	Name string
	// Spec is what the file says, and App what that comes to in its commit; nil
	// as far as there is a problem.
	Spec *specfile.Spec
	App  *detect.App
	// Problem is why the file cannot be used; At has it by places in the file,
	// where it is about places.
	Problem *Problem
	At      specfile.Problems
	// Template: the file is the model of a headway.yaml, with placeholders.
	Template bool
	// claims is the name in a file that could not be read; empty when it
	// cannot be told.
	claims string
	// channels and sources are those that the file declares, as far as they can be
	// told; mayHide: there may be others.
	channels, sources []string
	mayHide           bool
	// declares: it is a headway.events.yaml.
	declares bool
	// omitted: the file is one too many and was not read.
	omitted bool
	// key is the hash of what the image is built from, specHash of what is
	// frozen.
	key, specHash string
}

// HasApp reports whether the file is about an app, as a headway.yaml is.
func (c *Candidate) HasApp() bool { return !c.declares }

// nameless: the file may be any app's.
func (c *Candidate) nameless() bool {
	return c.Name == "" && c.claims == "" && !c.Template
}

// refuse notes what is wrong with the file.
func (c *Candidate) refuse(reason string, at ...specfile.Problem) {
	for i := range at {
		at[i].File = c.File
	}
	c.At = at
	c.Problem = &Problem{reason, c.At.Error()}
}

// Problem is why a headway.yaml, or what it builds, cannot be used: something
// that its team has to change.
type Problem struct {
	// Reason is one of api/v1alpha1.
	Reason  string
	Message string
}

// NewProblem is a problem with a formatted message.
func NewProblem(reason, format string, args ...any) *Problem {
	return &Problem{reason, fmt.Sprintf(format, args...)}
}

// Error is the message.
func (p *Problem) Error() string { return p.Message }

// refuse is the snapshot with a problem in the place of what one file asks for.
func (s *Snapshot) refuse(file string, why *Problem) *Snapshot {
	out := *s
	out.Apps = slices.Clone(s.Apps)
	for i := range out.Apps {
		if c := &out.Apps[i]; c.File == file {
			*c = Candidate{File: file, Name: c.Name, Problem: why, channels: c.channels, sources: c.sources, mayHide: c.mayHide}
		}
	}
	return &out
}

// problemOf is why an app of the snapshot cannot be used; nil where it can, or
// is not in it.
func (s *Snapshot) problemOf(name string) *Problem {
	for i := range s.Apps {
		if s.Apps[i].Name == name {
			return s.Apps[i].Problem
		}
	}
	return nil
}

// File finds a headway.yaml or headway.events.yaml; nil where there is none.
func (s *Snapshot) File(path string) *Candidate {
	for _, c := range s.all() {
		if c.File == path {
			return c
		}
	}
	return nil
}

// all are the files of both kinds.
func (s *Snapshot) all() (all []*Candidate) {
	for i := range s.Apps {
		all = append(all, &s.Apps[i])
	}
	for i := range s.Declared {
		all = append(all, &s.Declared[i])
	}
	return all
}

// App finds an app of the snapshot that can be used; none in nil.
func (s *Snapshot) App(name string) *Candidate {
	if s == nil {
		return nil
	}
	for i := range s.Apps {
		if s.Apps[i].Problem == nil && s.Apps[i].Name == name {
			return &s.Apps[i]
		}
	}
	return nil
}
