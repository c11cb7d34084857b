package v1alpha1

import (
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Channel is a durable log of events. Whoever sends one gets 202 when it is on
// disk; each Subscription reads at its own pace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=headway
// +kubebuilder:printcolumn:name="Events",type=integer,JSONPath=`.status.events`
// +kubebuilder:printcolumn:name="Bytes",type=integer,JSONPath=`.status.bytes`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",message="metadata.name must be at most 63 lower-case letters, digits and hyphens"
type Channel struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ChannelSpec   `json:"spec"`
	Status ChannelStatus `json:"status,omitempty"`
}

// Defaults of a Channel.
const (
	DefaultKeep     = 7 * 24 * time.Hour
	DefaultSize     = "1Gi"
	DefaultMaxEvent = 1 << 20
	DefaultDedupe   = 10 * time.Minute
)

// Bounds of a Channel, which headway.yaml has, too. The rules of the fields
// repeat them, as the API server wants them written out; a test compares.
const (
	MaxEventingName = 63 // characters of the name of a Channel or Subscription
	MinKeep         = time.Minute
	MaxKeep         = 365 * 24 * time.Hour
	MinSize         = "1Mi"
	LeastMaxEvent   = 64 << 10
	MostMaxEvent    = 8 << 20
	MaxDedupe       = 24 * time.Hour
)

// ChannelSpec says how much a Channel keeps.
type ChannelSpec struct {
	// Keep is how long events are kept, whether or not they were delivered.
	//
	// +optional
	// +kubebuilder:default="168h"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="keep must be between 1m and 8760h"
	Keep metav1.Duration `json:"keep,omitzero"`

	// Size is how much is kept at most: an event for which there is no room is
	// refused with 503 until older ones are out of Keep.
	//
	// +optional
	// +kubebuilder:default="1Gi"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).compareTo(quantity('1Mi')) >= 0",message="size must be at least 1Mi"
	Size resource.Quantity `json:"size,omitzero"`

	// MaxEvent is the largest event in bytes, data and attributes together; a
	// larger one is refused with 413.
	//
	// +optional
	// +kubebuilder:default=1048576
	// +kubebuilder:validation:Minimum=65536
	// +kubebuilder:validation:Maximum=8388608
	MaxEvent int64 `json:"maxEvent,omitempty"`

	// Dedupe is for how long an event with the source and id of an earlier one
	// is answered with 202 and not kept again.
	//
	// +optional
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('24h')",message="dedupe must be at most 24h"
	Dedupe *metav1.Duration `json:"dedupe,omitempty"`

	// Access says who may send. Absent: whoever reaches the ingress in the cluster.
	//
	// +optional
	Access *ChannelAccess `json:"access,omitempty"`
}

// ChannelAccess says who may send to a Channel.
type ChannelAccess struct {
	// Token: within the cluster, too, only who shows a token of a service account
	// whose audience is the Channel's URL: one of the Channel's namespace or of
	// Senders.
	//
	// +optional
	Token bool `json:"token,omitempty"`
	// Senders are further service accounts whose tokens are taken, each
	// <namespace>/<name>.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=317
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9][-a-z0-9]*/[a-z0-9][-.a-z0-9]*$`
	Senders []string `json:"senders,omitempty"`
	// Outside opens the Channel to senders outside of the cluster that sign with a
	// secret or show a client certificate. Absent: they have no way in.
	//
	// +optional
	Outside *OutsideAccess `json:"outside,omitempty"`
}

// OutsideAccess is how senders outside of the cluster prove who they are: in one of
// the ways that it has.
//
// +kubebuilder:validation:XValidation:rule="has(self.hmac) || has(self.subjectAltNames)",message="access.outside must have hmac, subjectAltNames or both, by which senders prove who they are"
type OutsideAccess struct {
	// HMAC has the key with which requests are signed, as the specification
	// Standard Webhooks says.
	//
	// +optional
	HMAC KeyRef `json:"hmac,omitzero"`
	// SubjectAltNames are of client certificates: one that an authority of the
	// installation has signed, and that has one of these names, may send. Each is a
	// whole DNS name, URI or mail address; a wildcard stands for itself only.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^[!-~]+$`
	SubjectAltNames []string `json:"subjectAltNames,omitempty"`
}

// ChannelStatus is written by the eventing program.
type ChannelStatus struct {
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready is True while events are accepted.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// URL to which events are sent, in the cluster.
	//
	// +optional
	URL string `json:"url,omitempty"`
	// OutsideURL is that for senders outside of the cluster.
	//
	// +optional
	OutsideURL string `json:"outsideURL,omitempty"`
	// First and Last are the sequence numbers of the oldest and the newest event
	// that are kept; Last is 0 before the first one.
	//
	// +optional
	First int64 `json:"first,omitempty"`
	// +optional
	Last int64 `json:"last,omitempty"`
	// Events and Bytes are what is kept now.
	//
	// +optional
	Events int64 `json:"events,omitempty"`
	// +optional
	Bytes int64 `json:"bytes,omitempty"`
}

// ChannelList is a list of Channels.
//
// +kubebuilder:object:root=true
type ChannelList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Channel `json:"items"`
}
