package revision

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/index"
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

// object names what the reference leads to, as index.Reference does.
func (r reference) object() string { return index.Reference(r.kind, r.name) }

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

// referenceVersions are the objects that a revision refers to, each once, as far
// as they exist. Their content is never read.
func (r *Reconciler) referenceVersions(ctx context.Context, rev *v1alpha1.Revision) ([]v1alpha1.ReferenceVersion, error) {
	var found []v1alpha1.ReferenceVersion
	looked := map[string]bool{}
	for _, ref := range references(rev) {
		if looked[ref.object()] {
			continue
		}
		looked[ref.object()] = true
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(ref.kind))
		object, err := lookup(ctx, r.Metadata, rev.Namespace, ref.name, object)
		if err != nil {
			return nil, err
		}
		if object != nil {
			found = append(found, v1alpha1.ReferenceVersion{Kind: ref.kind, Name: ref.name, Version: object.ResourceVersion})
		}
	}
	return found, nil
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
