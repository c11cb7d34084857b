package filter

import (
	"fmt"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
)

// dialect is a way to compare an attribute with a text.
type dialect struct {
	name   string
	values func(*v1alpha1.EventFilter) map[string]string
	match  func(value, want string) bool
	// failed says of an attribute that it does not match.
	failed string
}

// dialects in the order in which an event is compared: the cheapest and strictest
// first.
var dialects = []dialect{
	{"exact", func(f *v1alpha1.EventFilter) map[string]string { return f.Exact },
		func(value, want string) bool { return value == want }, "%s is not %q"},
	{"prefix", func(f *v1alpha1.EventFilter) map[string]string { return f.Prefix },
		strings.HasPrefix, "%s does not begin with %q"},
	{"suffix", func(f *v1alpha1.EventFilter) map[string]string { return f.Suffix },
		strings.HasSuffix, "%s does not end with %q"},
}

// comparison compares one attribute. Its reasons are made once, as events that
// do not match are the rule.
type comparison struct {
	dialect         string
	attribute, want string
	compare         func(value, want string) bool
	failed, missing string
}

func newComparison(path string, d dialect, attribute, want string) (part, *Problem) {
	if !event.ValidName(attribute) {
		return nil, &Problem{Path: path, Reason: fmt.Sprintf("%q is no attribute: names are of lower-case letters and digits", attribute)}
	}
	if want == "" {
		return nil, &Problem{Path: join(path, attribute), Reason: "there is nothing to compare the attribute with"}
	}
	return &comparison{
		dialect: d.name, attribute: attribute, want: want, compare: d.match,
		failed:  path + ": " + fmt.Sprintf(d.failed, attribute, want),
		missing: path + ": the event has no " + attribute,
	}, nil
}

func (c *comparison) match(e *event.Event) Verdict {
	value, found := e.Get(c.attribute)
	switch {
	case !found:
		return Verdict{Reason: c.missing}
	case !c.compare(value, c.want):
		return Verdict{Reason: c.failed}
	}
	return matches
}

func (c *comparison) exactType() (string, bool) {
	return c.want, c.dialect == "exact" && c.attribute == "type"
}

// allOf matches if all parts do, and so if there are none.
type allOf []part

func (a allOf) match(e *event.Event) Verdict {
	for _, p := range a {
		if verdict := p.match(e); !verdict.Match {
			return verdict
		}
	}
	return matches
}

func (a allOf) exactType() (string, bool) {
	for _, p := range a {
		if exact, found := p.exactType(); found {
			return exact, true
		}
	}
	return "", false
}

// anyOf matches if one of its parts does.
type anyOf struct {
	parts  []part
	reason string
}

func (a anyOf) match(e *event.Event) Verdict {
	for _, p := range a.parts {
		if p.match(e).Match {
			return matches
		}
	}
	return Verdict{Reason: a.reason}
}

// exactType is there if all alternatives want the same one.
func (a anyOf) exactType() (string, bool) {
	common := ""
	for i, p := range a.parts {
		exact, found := p.exactType()
		if !found || i > 0 && exact != common {
			return "", false
		}
		common = exact
	}
	return common, true
}

// notOf matches if its part does not.
type notOf struct {
	inner  part
	reason string
}

func (n notOf) match(e *event.Event) Verdict {
	if n.inner.match(e).Match {
		return Verdict{Reason: n.reason}
	}
	return matches
}

func (notOf) exactType() (string, bool) { return "", false }
