// Package filter decides which events a Subscription gets. It compiles an
// EventFilter once and then answers for each event whether it passes, and if not,
// which part of the filter it did not pass.
//
// The terms are those of the CloudEvents Subscriptions API, section 3.2.4: an
// attribute that an event lacks, and an expression that fails on it, match
// nothing - and so a not around them matches. The package is pure; what it
// compiles and how long it takes over an event are bounded.
package filter

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
)

// Bounds of one filter.
const (
	// MaxDepth is how deep all, any and not may be nested.
	MaxDepth = v1alpha1.MaxFilterDepth
	// MaxParts is how many parts a filter may have in all: compared attributes,
	// expressions, and each all, any and not.
	MaxParts = v1alpha1.MaxFilterParts
)

// Problem is why a filter cannot be used.
type Problem struct {
	// Path of the part, as in any[1].cesql; "" is the filter as a whole.
	Path string
	// Reason is a sentence without its end.
	Reason string
}

func (p *Problem) Error() string {
	if p.Path == "" {
		return p.Reason
	}
	return p.Path + ": " + p.Reason
}

// Verdict is what a filter says about an event.
type Verdict struct {
	Match bool
	// Reason is the part that did not match, and why; "" for a match.
	Reason string
}

var matches = Verdict{Match: true}

// Filter is a compiled filter. It may be used by many at a time.
type Filter struct{ root allOf }

// part is one condition of a filter.
type part interface {
	match(e *event.Event) Verdict
	// exactType is the one type that an event must have to match, if there is one.
	exactType() (string, bool)
}

// Compile returns the filter, or a *Problem. Without f, all events match; an f
// that says nothing is a problem, as it looks like a filter.
func Compile(f *v1alpha1.EventFilter) (*Filter, error) {
	if f == nil {
		return &Filter{}, nil
	}
	c := compiler{left: MaxParts}
	parts, problem := c.compile("", f, 1)
	if problem != nil {
		return nil, problem
	}
	return &Filter{root: parts}, nil
}

// Match returns the filter's verdict about an event. It changes nothing, and
// makes a text only where an expression fails.
func (f *Filter) Match(e *event.Event) Verdict { return f.root.match(e) }

// Type is the one type that an event must have to match, if there is one. So a
// reader need not ask the filters that wait for other types.
func (f *Filter) Type() (string, bool) { return f.root.exactType() }

// compiler makes parts of an EventFilter.
type compiler struct {
	// left is how many parts there may still be.
	left int
}

func (c *compiler) compile(path string, f *v1alpha1.EventFilter, depth int) (allOf, *Problem) {
	if depth > MaxDepth {
		return nil, &Problem{Path: path, Reason: fmt.Sprintf("a filter can be nested %d deep", MaxDepth)}
	}
	var parts allOf
	add := func(made part, problem *Problem) *Problem {
		if c.left--; problem == nil && c.left < 0 {
			problem = &Problem{Reason: fmt.Sprintf("a filter can have %d parts", MaxParts)}
		}
		parts = append(parts, made)
		return problem
	}
	for _, dialect := range dialects {
		values := dialect.values(f)
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if problem := add(newComparison(join(path, dialect.name), dialect, name, values[name])); problem != nil {
				return nil, problem
			}
		}
	}
	if f.CESQL != "" {
		if problem := add(newExpression(join(path, "cesql"), f.CESQL)); problem != nil {
			return nil, problem
		}
	}
	for i := range f.All {
		if problem := add(c.nested(fmt.Sprintf("%s[%d]", join(path, "all"), i), &f.All[i], depth)); problem != nil {
			return nil, problem
		}
	}
	if len(f.Any) > 0 {
		if problem := add(c.any(join(path, "any"), f.Any, depth)); problem != nil {
			return nil, problem
		}
	}
	if f.Not != nil {
		path := join(path, "not")
		inner, problem := c.nested(path, f.Not, depth)
		if problem := add(notOf{inner: inner, reason: path + ": the event matches it"}, problem); problem != nil {
			return nil, problem
		}
	}
	if len(parts) == 0 {
		return nil, &Problem{Path: path, Reason: "this filter says nothing, and all events would match; leave it out"}
	}
	return parts, nil
}

// nested compiles a filter inside of another one.
func (c *compiler) nested(path string, f *v1alpha1.EventFilter, depth int) (part, *Problem) {
	parts, problem := c.compile(path, f, depth+1)
	return parts, problem
}

func (c *compiler) any(path string, filters []v1alpha1.EventFilter, depth int) (part, *Problem) {
	alternatives := anyOf{reason: path + ": the event matches none of these"}
	for i := range filters {
		alternative, problem := c.compile(fmt.Sprintf("%s[%d]", path, i), &filters[i], depth+1)
		if problem != nil {
			return nil, problem
		}
		alternatives.parts = append(alternatives.parts, alternative)
	}
	return alternatives, nil
}

func join(path, name string) string {
	return strings.TrimPrefix(path+"."+name, ".")
}
