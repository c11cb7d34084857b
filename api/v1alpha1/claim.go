package v1alpha1

import (
	"cmp"
	"strings"
	"time"
)

// Claim decides between Routes that have the same host: the first in the order
// gets it.
//
// +kubebuilder:object:generate=false
type Claim struct {
	// Created is when the Route was made; the older one comes first. Equal ages
	// are decided by the namespace, then the name.
	Created         time.Time
	Namespace, Name string
}

// Claim of the Route to its hosts.
func (r *Route) Claim() Claim { return Claim{r.CreationTimestamp.Time, r.Namespace, r.Name} }

// Compare is negative if c comes before other.
func (c Claim) Compare(other Claim) int {
	return cmp.Or(c.Created.Compare(other.Created), strings.Compare(c.Namespace, other.Namespace), strings.Compare(c.Name, other.Name))
}
