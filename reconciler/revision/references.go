package revision

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// mostListed is how many references a message lists.
const mostListed = 10

// reference is a variable that takes its value from a Secret or ConfigMap.
type reference struct {
	variable string
	kind     string
	name     string
	key      string
}

// references are those of a revision, in the order in which the kubelet looks
// them up.
func references(rev *v1alpha1.Revision) []reference {
	var result []reference
	for _, v := range rev.Spec.Env {
		switch {
		case v.Secret != nil:
			result = append(result, reference{v.Name, "Secret", v.Secret.Name, v.Secret.Key})
		case v.Config != nil:
			result = append(result, reference{v.Name, "ConfigMap", v.Config.Name, v.Config.Key})
		}
	}
	return result
}

var (
	missingObject = regexp.MustCompile(`(secret|configmap) "([^"]+)" not found`)
	missingKey    = regexp.MustCompile(`couldn't find key (\S+) in (Secret|ConfigMap) [^/\s]*/(\S+)`)
)

// missingReference says which Secret or ConfigMap, or which key of it, a
// variable asks for in vain, and what else is asked for that nobody has looked
// for yet: the kubelet stops at the first that it does not find.
func missingReference(rev *v1alpha1.Revision, message string) (string, bool) {
	if m := missingKey.FindStringSubmatch(message); m != nil {
		found := reference{kind: m[2], name: m[3], key: m[1]}
		return missing(rev, found, fmt.Sprintf("%s %q has no key %q", found.kind, found.name, found.key), "add"), true
	}
	if m := missingObject.FindStringSubmatch(message); m != nil {
		found := reference{kind: map[string]string{"secret": "Secret", "configmap": "ConfigMap"}[m[1]], name: m[2]}
		return missing(rev, found, fmt.Sprintf("%s %q does not exist", found.kind, found.name), "create"), true
	}
	return "", false
}

// missing explains the lack of what is found in vain; an empty key is the whole
// object.
func missing(rev *v1alpha1.Revision, found reference, lack, remedy string) string {
	all := references(rev)
	i := slices.IndexFunc(all, func(r reference) bool {
		return r.kind == found.kind && r.name == found.name && (found.key == "" || r.key == found.key)
	})
	advice := fmt.Sprintf("; %s it in namespace %q, no new push is needed", remedy, rev.Namespace)
	if i < 0 { // a reference that is not of headway.yaml
		return lack + advice
	}
	message := lack + fmt.Sprintf(", which env.%s in headway.yaml asks for", all[i].variable) + advice
	if rest := unchecked(all[i], all[i+1:]); len(rest) > 0 {
		message += "; still to be looked for: " + strings.Join(rest, ", ")
	}
	return message
}

// unchecked lists the keys that come after the one that is missing, each once.
func unchecked(missed reference, after []reference) []string {
	listed := map[reference]bool{{kind: missed.kind, name: missed.name, key: missed.key}: true}
	var rest []string
	for _, r := range after {
		what := reference{kind: r.kind, name: r.name, key: r.key}
		if listed[what] {
			continue
		}
		listed[what] = true
		rest = append(rest, fmt.Sprintf("key %q of %s %q", r.key, r.kind, r.name))
	}
	if more := len(rest) - mostListed; more > 0 {
		rest = append(rest[:mostListed], fmt.Sprintf("and %d more", more))
	}
	return rest
}
