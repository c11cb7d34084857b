package v1alpha1

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Route sends the requests of some hosts to weighted revisions. reconciler/app
// compiles it from an App; the activators read it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=headway
// +kubebuilder:printcolumn:name="Hosts",type=string,JSONPath=`.spec.hosts`
// +kubebuilder:printcolumn:name="Traffic",type=string,JSONPath=`.status.summary`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Route struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   RouteSpec   `json:"spec"`
	Status RouteStatus `json:"status,omitempty"`
}

// RouteSpec maps hosts to revisions.
//
// +kubebuilder:validation:XValidation:rule="!has(self.traffic) || size(self.traffic) == 0 || self.traffic.map(t, t.weight).sum() == 10000",message="the weights in traffic must add up to 10000 basis points"
type RouteSpec struct {
	// App that this Route belongs to.
	//
	// +kubebuilder:validation:MinLength=1
	App string `json:"app"`

	// Hosts whose requests are split over traffic: lower case, without port. The
	// first is the one that Headway forms, the others are the App's own.
	//
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=17
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Hosts []string `json:"hosts"`

	// Traffic is the split; the weights add up to 10000. A revision with weight 0
	// gets no requests. Without a salt it keeps its pods, as traffic may come back
	// to it at once; with one it has failed.
	// Empty: no revision is ready yet and the activator answers 503 with a text
	// that says so.
	//
	// +optional
	// +listType=map
	// +listMapKey=revision
	// +kubebuilder:validation:MaxItems=32
	Traffic []TrafficTarget `json:"traffic,omitempty"`

	// Matches send requests to a revision before anything is split; the first
	// that fits wins.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Matches []RouteMatch `json:"matches,omitempty"`

	// Mirror gets copies of requests.
	//
	// +optional
	Mirror *RouteMirror `json:"mirror,omitempty"`

	// Sticky keeps users with one target; nil: each request is split anew.
	//
	// +optional
	Sticky *Sticky `json:"sticky,omitempty"`

	// RevisionHosts are hosts that reach one revision whatever its weight: those
	// of the revisions, and those of refs, which lead to that of their head.
	//
	// +optional
	// +listType=map
	// +listMapKey=host
	// +kubebuilder:validation:MaxItems=512
	RevisionHosts []RevisionHost `json:"revisionHosts,omitempty"`
}

// Whole is the weight of all traffic in basis points.
const Whole = 10000

// TrafficTarget is a revision and its share.
type TrafficTarget struct {
	// Revision is the name of a Revision in the same namespace.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Revision string `json:"revision"`
	// Weight is the share in basis points: 100 are 1%.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Weight int32 `json:"weight"`
	// Salt decides which users a sticky target has: with the same salt, users
	// that it has stay with it while its weight rises. The target without one
	// takes whoever is left.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Salt string `json:"salt,omitempty"`
	// Budget is how many bad answers of the target users may see: those that
	// there were and those that may still come never exceed it. 0: no bound.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Budget int32 `json:"budget,omitempty"`
}

// RouteMatch sends the requests that fit to a revision.
type RouteMatch struct {
	Match `json:",inline"`
	// Revision is the name of a Revision in the same namespace.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Revision string `json:"revision"`
}

// RouteMirror is where copies of requests go.
type RouteMirror struct {
	// Revision is the name of a Revision in the same namespace.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Revision string `json:"revision"`
	// Weight is the part of the requests that is copied, in basis points.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Weight int32 `json:"weight"`
}

// RevisionHost is a host of one revision.
type RevisionHost struct {
	// Host in lower case, without port.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Host string `json:"host"`
	// Revision is the name of a Revision in the same namespace.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Revision string `json:"revision"`
}

// RouteStatus says whether the Route can be served.
type RouteStatus struct {
	// ObservedGeneration is the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Summary is the traffic in a few characters: "90% shop-1a2b3c4d, 10%
	// shop-5e6f7081".
	// +optional
	Summary string `json:"summary,omitempty"`
}

// RouteList is a list of Routes.
//
// +kubebuilder:object:root=true
type RouteList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Route `json:"items"`
}

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

// Percent is a weight in basis points as people read it: "5%", "0.25%".
func Percent(weight int32) string {
	return strconv.FormatFloat(float64(weight)/100, 'f', -1, 64) + "%"
}
