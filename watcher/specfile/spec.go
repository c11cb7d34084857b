// Package specfile reads headway.yaml, the one file that a team writes.
//
// It promises that a Spec it returns is complete (every default filled in) and
// acceptable to the API server, and that anything else comes back as Problems
// that name file, line, column, key, what was expected and what to write. It is
// pure: it reads no files and knows nothing of git or Kubernetes clients.
//
// One table (table.go) says which keys there are; the parser, the JSON Schema
// and the reference in docs/headway-yaml.md are all made from it.
package specfile

import (
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// FileName is the name of the file, in whatever folder it stands. EventsFileName is
// that of one without an app, for channels and sources.
const (
	FileName       = "headway.yaml"
	EventsFileName = "headway.events.yaml"
)

// MaxBytes is the largest file that is read. A real one has some 30 lines.
const MaxBytes = 64 << 10

// MaxName is the longest name of an app, in characters. The names made from it,
// such as <app>-pr-<number> of a preview, have to fit into labels.
const MaxName = 30

// TemplateAuto is the value of build.with that lets the files decide.
const TemplateAuto = "auto"

// Spec is a valid headway.yaml with every default filled in.
type Spec struct {
	// Name of the app: a DNS label of at most MaxName characters.
	Name string
	// Path is the build context, clean and relative to the repository's root;
	// "." is the root. Default: the folder of the file.
	Path string
	// Watch are globs, relative to the repository's root, of further paths
	// whose change makes a new revision. Sorted, each once.
	Watch []string
	// Ignore are globs, relative to the repository's root, of files of Path
	// and Watch that are left out of both. Sorted, each once.
	Ignore []string
	// Build is how the image is made; zero when Image is set.
	Build Build
	// Image is used instead of a build; pinned by digest.
	Image string
	// Pin is the commit (7 to 64 hex digits) that takes all traffic; empty
	// when nothing is pinned.
	Pin string
	// Release are the rules by which heads get traffic, in the order of the file.
	Release []v1alpha1.Rule
	// Sticky keeps users with one revision; nil: it does not.
	Sticky *v1alpha1.Sticky
	// Hold stops everything that goes forward.
	Hold bool
	// Hosts lead to the app beside the one that Headway forms. Sorted, each once.
	Hosts []string
	// Preview says which previews requests get; nil: none.
	Preview *Preview `json:",omitempty"`
	// Channels and Sources that the file declares, and Events, the subscriptions of
	// the app, in the order of the file. Objects are what they come to.
	Channels []Channel      `json:",omitempty"`
	Sources  []Source       `json:",omitempty"`
	Events   []Subscription `json:",omitempty"`
	// Runtime is what is frozen into the Revision. Env is sorted by name.
	v1alpha1.Runtime

	// at is where the values of the file stand, by dotted key.
	at map[string]position
}

// Problem is one with the value of a key, such as build.args.main, that only
// the caller can see. It stands where the value does, or the nearest enclosing
// one when the key is not written, or at the beginning of the file; the caller names the file.
func (s *Spec) Problem(key, message string) Problem {
	at, written := position{1, 1}, false
	for from := key; from != "" && !written; from = from[:max(strings.LastIndexByte(from, '.'), 0)] {
		if p, ok := s.at[from]; ok {
			at, written = p, true
		}
	}
	return Problem{Line: at.line, Column: at.column, Key: key, Message: message}
}

// Build chooses a build template.
type Build struct {
	// With is the template's name. Default: auto.
	With string
	// Args are the template's parameters; nil when there are none.
	Args map[string]string
}

// Parse reads one headway.yaml. file is its path relative to the repository's
// root, with slashes; it gives the default of path and stands in the messages.
// The error is of type Problems, sorted by position.
func Parse(file string, data []byte) (*Spec, error) {
	root, problem := document(data)
	if problem != nil {
		problem.File = file
		return nil, Problems{*problem}
	}
	s := defaults(file)
	r := top(root, object{rows: rows}, s)
	r.across(s)
	if len(r.problems) > 0 {
		return nil, r.problems.in(file)
	}
	s.finish()
	s.at = r.at
	return s, nil
}

// ParseEvents reads one headway.events.yaml, as Parse does. Of the Spec there are
// only Channels and Sources.
func ParseEvents(file string, data []byte) (*Spec, error) {
	root, problem := document(data)
	if problem != nil {
		problem.File = file
		return nil, Problems{*problem}
	}
	s := &Spec{}
	r := top(root, object{rows: []row{channelsRow, sourcesRow}}, s, object{rows: rows}.names()...)
	r.acrossSources(false, s.Sources)
	r.acrossObjects(s)
	if len(r.problems) > 0 {
		return nil, r.problems.in(file)
	}
	s.at = r.at
	return s, nil
}
