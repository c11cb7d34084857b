package validate

import (
	"regexp"
	"slices"
)

// healthPaths are the usual names of a health check, the one that tells most
// about an app first.
var healthPaths = []string{"/readyz", "/healthz", "/health", "/livez"}

var (
	// route is a statement that registers a handler for a path, in net/http and
	// in the usual routers: the pattern is an argument before the handler. What
	// is assigned or a condition is the request of a client.
	route = regexp.MustCompile(`(?m)(?:^|[{;])[ \t]*(?:\w+\.)*(\w+)\.(?:Handle|HandleFunc|Get|GET|Any|Method|MethodFunc)\(\s*(?:"GET",\s*)?"(?:GET )?(/\w+)",`)
	// prefixed finds the variables of routers whose patterns are not the paths of
	// requests: those made behind a prefix, those put there, and those that are
	// given as parts of another.
	prefixed = []*regexp.Regexp{
		regexp.MustCompile(`(\w+)[ \t]*:?=.*\.(?:Group|Route|Mount|PathPrefix|Subrouter|StripPrefix)\(`),
		regexp.MustCompile(`\.(?:Group|Route|Mount|PathPrefix|Subrouter|StripPrefix)\(.*?,[ \t]*(\w+)\)`),
		regexp.MustCompile(`[(,][ \t]*(\w+) \*?(?:\w+\.)?(?:Router|IRouter|IRoutes|RouterGroup|Group)\b`),
	}
)

// healthRoute finds the health check among the routes that a Go file registers;
// "" where there is none, and where its path is not sure. A mention is no
// route: it may be a request to another app.
func healthRoute(source []byte) string {
	partial := map[string]bool{}
	for _, pattern := range prefixed {
		for _, found := range pattern.FindAllSubmatch(source, -1) {
			partial[string(found[1])] = true
		}
	}
	registered := map[string]bool{}
	for _, found := range route.FindAllSubmatch(source, -1) {
		if !partial[string(found[1])] {
			registered[string(found[2])] = true
		}
	}
	at := slices.IndexFunc(healthPaths, func(path string) bool { return registered[path] })
	if at < 0 {
		return ""
	}
	return healthPaths[at]
}
