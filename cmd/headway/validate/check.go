package validate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/checkout"
	"github.com/headway-dev/headway/eventing/filter"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/specfile"
)

// warning is about a value that has no effect, or that could not be checked.
type warning struct{ key, message string }

// unmatched are the globs that match nothing: what they were written for is
// not there, or is called otherwise.
func unmatched(c *checkout.Checkout, s *specfile.Spec) ([]warning, error) {
	var found []warning
	for _, pattern := range s.Watch {
		if !matches(pattern, c.Files) {
			found = append(found, warning{"watch", pattern + " matches no file"})
		}
	}
	if len(s.Ignore) == 0 {
		return found, nil
	}
	all := *s
	all.Ignore = nil
	app, err := detect.Resolve(&all, c.Tree())
	var wrong *detect.KeyError
	if errors.As(err, &wrong) {
		return found, nil // what is ignored tells which program is meant
	}
	if err != nil {
		return nil, err
	}
	sources := slices.DeleteFunc(slices.Clone(c.Files), func(name string) bool { return !app.Sources.Has(name) })
	for _, pattern := range s.Ignore {
		if !matches(pattern, sources) {
			found = append(found, warning{"ignore", pattern + " matches no file that the app is built from, so there is nothing to leave out"})
		}
	}
	return found, nil
}

// filters compiles the filters of subscriptions, as the cluster does: whether an
// expression in CESQL can be read is not the parser's to know.
func filters(s *specfile.Spec) (problems specfile.Problems) {
	compile := func(key string, f *v1alpha1.EventFilter) {
		var wrong *filter.Problem
		if _, err := filter.Compile(f); errors.As(err, &wrong) {
			if wrong.Path != "" {
				key += "." + wrong.Path
			}
			problems = append(problems, s.Problem(key, wrong.Reason))
		}
	}
	for i := range s.Events {
		key, e := fmt.Sprintf("events[%d]", i), &s.Events[i].Spec
		compile(key+".filter", e.Filter)
		if e.Redrive != nil {
			compile(key+".redrive.filter", e.Redrive.Filter)
		}
		if e.Replay != nil {
			compile(key+".replay.filter", e.Replay.Filter)
		}
	}
	return problems
}

// matches reports whether a glob, which the parser has taken, matches a file.
func matches(pattern string, files detect.Files) bool {
	glob, err := specfile.ParseGlob(pattern)
	return err == nil && slices.ContainsFunc(files, glob.Match)
}
