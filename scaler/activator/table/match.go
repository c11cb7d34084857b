package table

import (
	"strings"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

// match is a compiled v1alpha1.RouteMatch: all that it says must hold.
type match struct {
	method          string // empty: any
	headers, cookie []condition
	revision        *backend.Revision
}

// condition is on the value of a header field or a cookie.
type condition struct {
	name, value string
	prefix      bool // value is where the request's may begin; an empty one is mere presence
}

// compileMatches leaves out those whose revision does not exist: what they fit
// goes on to the next.
func compileMatches(r Route, revisions map[Key]*backend.Revision) (matches []match) {
	for _, m := range r.Matches {
		if rev := revisions[Key{r.Namespace, m.Revision}]; rev != nil {
			matches = append(matches, match{method: m.Method, headers: conditions(m.Header), cookie: conditions(m.Cookie), revision: rev})
		}
	}
	return matches
}

func conditions(values map[string]string) (list []condition) {
	for name, value := range values {
		value, prefix := strings.CutSuffix(value, "*")
		list = append(list, condition{name, value, prefix})
	}
	return list
}

// matched is the revision of the first match that the request fits; nil if
// there is none.
func matched(matches []match, r Request) *backend.Revision {
	for i := range matches {
		if matches[i].fits(r) {
			return matches[i].revision
		}
	}
	return nil
}

func (m *match) fits(r Request) bool {
	if m.method != "" && r.Method() != m.method {
		return false
	}
	for _, c := range m.headers {
		if !c.holds(r.Header(c.name)) {
			return false
		}
	}
	for _, c := range m.cookie {
		if !c.holds(r.Cookie(c.name)) {
			return false
		}
	}
	return true
}

func (c condition) holds(value string, there bool) bool {
	if c.prefix {
		return there && strings.HasPrefix(value, c.value)
	}
	return there && value == c.value
}

// Request is what a request is resolved by.
type Request interface {
	Host() string
	Method() string
	// Header is the first value of a field, and whether there is one.
	Header(name string) (value string, ok bool)
	// Cookie is the value of the first cookie with a name, as Cookie finds it.
	Cookie(name string) (value string, ok bool)
}
