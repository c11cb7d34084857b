package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// mostListed is how many references a message lists.
const mostListed = 10

var (
	missingObject = regexp.MustCompile(`(secret|configmap) "([^"]+)" not found`)
	missingKey    = regexp.MustCompile(`couldn't find key (\S+) in (Secret|ConfigMap) [^/\s]*/(\S+)`)
)

// missingReference says which Secret or ConfigMap, or which key of it, a
// variable asks for in vain, and what else is asked for that nobody has looked
// for yet: the kubelet stops at the first that it does not find.
func missingReference(rev *v1alpha1.Revision, message string) (string, bool) {
	if m := missingKey.FindStringSubmatch(message); m != nil {
		found := v1alpha1.Reference{Kind: m[2], Name: m[3], Key: m[1]}
		return missing(rev, found, fmt.Sprintf("%s %q has no key %q", found.Kind, found.Name, found.Key), "add"), true
	}
	if m := missingObject.FindStringSubmatch(message); m != nil {
		found := v1alpha1.Reference{Kind: map[string]string{"secret": "Secret", "configmap": "ConfigMap"}[m[1]], Name: m[2]}
		return missing(rev, found, fmt.Sprintf("%s %q does not exist", found.Kind, found.Name), "create"), true
	}
	return "", false
}

// missing explains the lack of what is found in vain; an empty key is the whole
// object.
func missing(rev *v1alpha1.Revision, found v1alpha1.Reference, lack, remedy string) string {
	all := rev.Spec.References()
	i := slices.IndexFunc(all, func(r v1alpha1.Reference) bool {
		return r.Kind == found.Kind && r.Name == found.Name && (found.Key == "" || r.Key == found.Key)
	})
	advice := fmt.Sprintf("; %s it in namespace %q, no new push is needed", remedy, rev.Namespace)
	if i < 0 { // a reference that is not of headway.yaml
		return lack + advice
	}
	message := lack + fmt.Sprintf(", which env.%s in headway.yaml asks for", all[i].Variable) + advice
	if rest := unchecked(all[i], all[i+1:]); len(rest) > 0 {
		message += "; still to be looked for: " + strings.Join(rest, ", ")
	}
	return message
}

// unchecked lists the keys that come after the one that is missing, each once.
func unchecked(missed v1alpha1.Reference, after []v1alpha1.Reference) []string {
	listed := map[v1alpha1.Reference]bool{{Kind: missed.Kind, Name: missed.Name, Key: missed.Key}: true}
	var rest []string
	for _, r := range after {
		what := v1alpha1.Reference{Kind: r.Kind, Name: r.Name, Key: r.Key}
		if listed[what] {
			continue
		}
		listed[what] = true
		rest = append(rest, fmt.Sprintf("key %q of %s %q", r.Key, r.Kind, r.Name))
	}
	if more := len(rest) - mostListed; more > 0 {
		rest = append(rest[:mostListed], fmt.Sprintf("and %d more", more))
	}
	return rest
}
