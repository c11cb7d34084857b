// Package address forms the hosts and URLs under which apps and revisions
// answer. It is the one place that knows the rule.
package address

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Public is how the outside reaches the activators.
type Public struct {
	// Scheme is http or https.
	Scheme string
	// Domain is the parent of every host, such as apps.example.com.
	Domain string
	// Port as clients see it; it is left out of URLs where it is the scheme's
	// default.
	Port int
}

// Host returns the host of an App or a Revision: <name>.<domain> in the
// namespace default, <name>.<namespace>.<domain> elsewhere.
func (p Public) Host(namespace, name string) string {
	if namespace == metav1.NamespaceDefault {
		return name + "." + p.Domain
	}
	return name + "." + namespace + "." + p.Domain
}

// URL returns the address that a person opens to reach a host.
func (p Public) URL(host string) string {
	url := p.Scheme + "://" + host
	if (p.Scheme == "http" && p.Port == 80) || (p.Scheme == "https" && p.Port == 443) {
		return url
	}
	return url + ":" + strconv.Itoa(p.Port)
}

const (
	// maxLabel is the longest part of a host between two dots.
	maxLabel = 63
	// hashLength is enough to tell the refs of one app apart, and shorter than
	// the commit in a revision's name, which it cannot be mistaken for.
	hashLength = 6
)

var (
	notSlug = regexp.MustCompile(`[^a-z0-9]+`)
	// likeRevision is the end of a Revision's name.
	likeRevision = regexp.MustCompile(`^[0-9a-f]{8,}$`)
)

// Branch returns the two names under which the head of a ref may be reached;
// Host makes hosts of them. The first, <app>-<branch>, reads well, but may be
// that of something else, and is empty where it does not fit or could be a
// Revision's name. The second ends with a hash of the ref and is its own.
func Branch(app, ref string) (plain, own string) {
	slug := ref
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		slug = strings.TrimPrefix(slug, prefix)
	}
	slug = strings.Trim(notSlug.ReplaceAllString(strings.ToLower(slug), "-"), "-")
	sum := sha256.Sum256([]byte(ref))
	end := "-" + hex.EncodeToString(sum[:])[:hashLength]

	plain = app + "-" + slug
	own = strings.TrimRight(plain[:min(len(plain), maxLabel-len(end))], "-") + end
	if slug == "" || len(plain) > maxLabel || likeRevision.MatchString(slug) {
		plain = ""
	}
	return plain, own
}
