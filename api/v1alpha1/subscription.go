package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Subscription delivers the events of a Channel that pass its filter, each at
// least once. It keeps its own place in the Channel: when it is deleted and made
// again under its name within 24 hours, it goes on there.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=headway
// +kubebuilder:printcolumn:name="Channel",type=string,JSONPath=`.spec.channel`
// +kubebuilder:printcolumn:name="Lag",type=integer,JSONPath=`.status.lag`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Subscription struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   SubscriptionSpec   `json:"spec"`
	Status SubscriptionStatus `json:"status,omitempty"`
}

// Defaults of a Subscription.
const (
	DefaultRetryFor        = 24 * time.Hour
	DefaultRetryFirst      = time.Second
	DefaultRetryMax        = 10 * time.Minute
	DefaultDeliveryTimeout = 30 * time.Second
	// CursorKept is how long the place of a deleted Subscription, and the events
	// of a deleted Channel, are kept.
	CursorKept = 24 * time.Hour
)

// Bounds of a Subscription, which headway.yaml has, too, as those of a Channel.
const (
	MaxRate            = 100_000
	MaxInFlight        = 1024
	MinDeliveryTimeout = time.Second
	MaxDeliveryTimeout = time.Hour
	MinRetryFor        = time.Second
	MaxRetryFor        = 30 * 24 * time.Hour
	MinRetryFirst      = 100 * time.Millisecond
	MaxRetryFirst      = time.Hour
	MinRetryMax        = time.Second
	MaxRetryMax        = 24 * time.Hour
	MaxEventPath       = 1024 // bytes
	MaxEventURL        = 2048 // bytes
	MaxCESQL           = 4096 // bytes
	// EventPath is the form of a path at an App, and AttributeName that of the
	// name of an event's attribute.
	EventPath     = `^/[^?#]*$`
	AttributeName = `^[a-z0-9]{1,64}$`
	// EventTime is the form of a time from which on events are delivered.
	EventTime = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$`
	// MaxFilterDepth is how deep filters may be within filters, and
	// MaxFilterParts how many all levels may have together. The API server does
	// not look into them; who compiles a filter does.
	MaxFilterDepth = 50
	MaxFilterParts = 200
)

// Where a Subscription begins that has no place yet, unless it is a time.
const (
	FromNow      = "now"
	FromEarliest = "earliest"
)

// SubscriptionSpec says which events go where.
type SubscriptionSpec struct {
	// Channel in the same namespace.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Channel string `json:"channel"`

	// Filter that an event must pass; absent: every event does.
	//
	// +optional
	Filter *EventFilter `json:"filter,omitempty"`

	// To is where events go.
	To EventTarget `json:"to"`

	// Reply is the Channel that gets an event with which To answers. Absent: such
	// an answer is dropped.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Reply string `json:"reply,omitempty"`

	// DeadLetter is the Channel that gets the events that are given up on.
	// Absent: they are counted and dropped.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	DeadLetter string `json:"deadLetter,omitempty"`

	// Retry says how often a delivery that failed is tried again.
	//
	// +optional
	// +kubebuilder:default={}
	Retry EventRetry `json:"retry,omitzero"`

	// Ordered names the attribute whose equal values are delivered one after the
	// other, such as partitionkey or subject. Absent: no order is kept.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^[a-z0-9]{1,64}$`
	Ordered string `json:"ordered,omitempty"`

	// Rate is the most deliveries a second, attempts again included; 0: no limit.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	Rate int32 `json:"rate,omitempty"`

	// InFlight is the most deliveries at a time; 0: as many as the target keeps
	// up with, at most 256.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1024
	InFlight int32 `json:"inFlight,omitempty"`

	// Timeout of one attempt.
	//
	// +optional
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="timeout must be between 1s and 1h"
	Timeout metav1.Duration `json:"timeout,omitzero"`

	// Paused: nothing is delivered, nothing is lost while the Channel keeps it.
	//
	// +optional
	Paused bool `json:"paused,omitempty"`

	// From is where a Subscription begins that has no place yet: now, earliest,
	// or a time as RFC 3339.
	//
	// +optional
	// +kubebuilder:default=now
	// +kubebuilder:validation:XValidation:rule="self in ['now', 'earliest'] || self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$')",message="from must be now, earliest or a time such as 2026-05-04T12:00:00Z"
	From string `json:"from,omitempty"`

	// Continues is the Subscription of the same namespace and Channel whose place this
	// one takes over if it has none: its App had another name. Until that one is
	// deleted, and its deliveries are over, this one delivers nothing. It counts for
	// nothing once this one has a place, or when that one has none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Continues string `json:"continues,omitempty"`

	// Redrive delivers dead letters of this Subscription again, once for each name.
	//
	// +optional
	Redrive *EventRedrive `json:"redrive,omitempty"`

	// Replay delivers events of the Channel again, once for each name, beside what
	// the Subscription delivers otherwise.
	//
	// +optional
	Replay *EventReplay `json:"replay,omitempty"`
}

// EventTarget is where events go: exactly one of App, Channel and URL.
//
// +kubebuilder:validation:XValidation:rule="[has(self.app), has(self.channel), has(self.url)].filter(x, x).size() == 1",message="exactly one of app, channel and url must be set"
type EventTarget struct {
	// App in the same namespace, which is woken if it sleeps. Its traffic is
	// split as that of requests.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	App string `json:"app,omitempty"`
	// Path at the App; absent: /.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^/[^?#]*$`
	Path string `json:"path,omitempty"`
	// Channel in the same namespace.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Channel string `json:"channel,omitempty"`
	// URL, http or https.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https']",message="url must be http or https"
	URL string `json:"url,omitempty"`
}

// EventFilter is a filter in the terms of the CloudEvents Subscriptions API. All
// of its parts must match. An attribute that an event lacks matches nothing.
type EventFilter struct {
	// Exact values of attributes.
	//
	// +optional
	Exact map[string]string `json:"exact,omitempty"`
	// Prefix with which values of attributes begin.
	//
	// +optional
	Prefix map[string]string `json:"prefix,omitempty"`
	// Suffix with which values of attributes end.
	//
	// +optional
	Suffix map[string]string `json:"suffix,omitempty"`
	// CESQL is an expression in CloudEvents SQL; an error counts as no match.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	CESQL string `json:"cesql,omitempty"`
	// All of these must match.
	//
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	All []EventFilter `json:"all,omitempty"`
	// Any of these must match.
	//
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Any []EventFilter `json:"any,omitempty"`
	// Not must not match.
	//
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Not *EventFilter `json:"not,omitempty"`
}

// EventRetry says how a delivery that failed is tried again: after First, twice
// as long and so on up to Max, each time a random part of that, until For is
// over. A Retry-After of the target is kept to, up to an hour.
type EventRetry struct {
	// +optional
	// +kubebuilder:default="24h"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="retry.for must be between 1s and 720h"
	For metav1.Duration `json:"for,omitzero"`
	// +optional
	// +kubebuilder:default="1s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('100ms') && duration(self) <= duration('1h')",message="retry.first must be between 100ms and 1h"
	First metav1.Duration `json:"first,omitzero"`
	// +optional
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="retry.max must be between 1s and 24h"
	Max metav1.Duration `json:"max,omitzero"`
}

// SubscriptionStatus is written by the eventing program.
type SubscriptionStatus struct {
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready is True while events are delivered; with the last failure
	// in its message while some are tried again.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Cursor is the sequence number up to which every event is done with.
	//
	// +optional
	Cursor int64 `json:"cursor,omitempty"`
	// Lag is how many events of the Channel are not done with.
	//
	// +optional
	Lag int64 `json:"lag,omitempty"`
	// Retrying is how many of them have failed at least once.
	//
	// +optional
	Retrying int64 `json:"retrying,omitempty"`
	// Delivered, Filtered and Dead count events since the Subscription has its
	// place.
	//
	// +optional
	Delivered int64 `json:"delivered,omitempty"`
	// +optional
	Filtered int64 `json:"filtered,omitempty"`
	// +optional
	Dead int64 `json:"dead,omitempty"`
	// LastFailure is the newest attempt that failed.
	//
	// +optional
	LastFailure *DeliveryFailure `json:"lastFailure,omitempty"`
	// Redrive and Replay are the newest of each.
	//
	// +optional
	Redrive *EventRun `json:"redrive,omitempty"`
	// +optional
	Replay *EventRun `json:"replay,omitempty"`
}

// DeliveryFailure is an attempt that failed.
type DeliveryFailure struct {
	// Event is the id of the event.
	Event string `json:"event"`
	// At is when.
	At metav1.Time `json:"at"`
	// Message says what went wrong, without the body of the answer.
	Message string `json:"message"`
}

// SubscriptionList is a list of Subscriptions.
//
// +kubebuilder:object:root=true
type SubscriptionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Subscription `json:"items"`
}
