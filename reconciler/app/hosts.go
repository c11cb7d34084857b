package app

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// splitHosts tells the App's own hosts that it may have from those that it may
// not.
//
//	the platform's domain, or below it  refused: hosts there are formed by rule
//	granted to the namespace            the App's
//	any other                           refused
func (s Seen) splitHosts(public address.Public) (own, refused []string) {
	for _, host := range s.App.Spec.Hosts {
		if !below(host, public.Domain) && granted(host, s.Granted) {
			own = append(own, host)
		} else {
			refused = append(refused, host)
		}
	}
	return own, refused
}

// below is true for a domain and all names in it.
func below(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// granted reports whether the value of AnnotationHosts has the host.
func granted(host, grants string) bool {
	for grant := range strings.SplitSeq(grants, ",") {
		grant = strings.ToLower(strings.TrimSpace(grant))
		domain, wildcard := strings.CutPrefix(grant, "*.")
		switch {
		case domain == "" || strings.Contains(domain, "*"):
		case wildcard && host != domain && below(host, domain), host == grant:
			return true
		}
	}
	return false
}

// withRefused takes the readiness from an App that serves, but not at a host
// that it asks for, and says who can change that.
func (s Seen) withRefused(ready condition.State, public address.Public) condition.State {
	_, refused := s.splitHosts(public)
	if ready.Status != metav1.ConditionTrue || len(refused) == 0 {
		return ready
	}
	message := fmt.Sprintf("%s, but not at %s: ", ready.Message, strings.Join(refused, ", "))
	if i := slices.IndexFunc(refused, func(host string) bool { return below(host, public.Domain) }); i >= 0 {
		return condition.False(v1alpha1.ReasonHostNotAllowed, message+fmt.Sprintf(
			"Headway forms the hosts below %s itself; remove %s from hosts in headway.yaml", public.Domain, refused[i]))
	}
	grants := strings.Join(refused, ",")
	if s.Granted != "" {
		grants = s.Granted + "," + grants
	}
	return condition.False(v1alpha1.ReasonHostNotAllowed, message+fmt.Sprintf(
		"namespace %s is not allowed to have it; an administrator of the cluster allows it with: kubectl annotate --overwrite namespace %s '%s=%s'",
		s.App.Namespace, s.App.Namespace, v1alpha1.AnnotationHosts, grants))
}
