package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// StartedWith is what a pod takes up when it starts and keeps until it ends,
// beyond what its Revision says. It is the same for all pods of a Revision: when
// it changes, they are replaced, one after the other.
type StartedWith struct {
	// References are the Secrets and ConfigMaps that the variables come from.
	//
	// +optional
	// +listType=map
	// +listMapKey=kind
	// +listMapKey=name
	References []ReferenceVersion `json:"references,omitempty"`
	// Restart is the last restart that a person asked for: the value of the
	// App's annotation headway.dev/restarted-at.
	//
	// +optional
	Restart string `json:"restart,omitempty"`
	// Since is when pods began to be replaced for the last time; absent if that
	// never happened.
	//
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`
	// Cause is why they were.
	//
	// +optional
	Cause string `json:"cause,omitempty"`
}

// ReferenceVersion is a Secret or ConfigMap in one version.
type ReferenceVersion struct {
	// Kind is Secret or ConfigMap.
	//
	// +kubebuilder:validation:Enum=Secret;ConfigMap
	Kind string `json:"kind"`
	// Name of the object.
	Name string `json:"name"`
	// Version is the object's resourceVersion. It tells nothing of the content.
	Version string `json:"version"`
}
