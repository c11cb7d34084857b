// Package address forms the hosts and URLs under which apps and revisions
// answer. It is the one place that knows the rule.
package address

import (
	"strconv"

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
