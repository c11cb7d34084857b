package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RevisionStatus says how far a Revision is.
type RevisionStatus struct {
	// ObservedGeneration is the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// State says how far it is, in one word.
	// +optional
	State RevisionState `json:"state,omitempty"`
	// Conditions: Built, Ready, Serving.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Image that runs, pinned by digest. Written once.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a Revision's image is written once"
	Image string `json:"image,omitempty"`

	// ImageConfig is what the image says of its process, and how large it is.
	// Absent when it could not be read.
	// +optional
	ImageConfig *ImageConfig `json:"imageConfig,omitempty"`

	// Build says where the image came from.
	// +optional
	Build *BuildStatus `json:"build,omitempty"`

	// URL that reaches this revision whatever its traffic.
	// +optional
	URL string `json:"url,omitempty"`

	// Replicas that are ready.
	// +optional
	Replicas int32 `json:"replicas"`

	// Standby says how its parked pods are. Absent while none are wanted.
	// +optional
	Standby *Standby `json:"standby,omitempty"`
	// Scaling is the last change of the number of pods that the autoscaler made.
	// +optional
	Scaling *Scaling `json:"scaling,omitempty"`
	// StartedWith is what new pods are started with.
	// +optional
	StartedWith StartedWith `json:"startedWith,omitzero"`

	// EverReady is true once the Revision has been ready.
	// +optional
	EverReady bool `json:"everReady,omitempty"`

	// FirstStart is how long the app took from the start of its container to its
	// first answer, in the pod by which the Revision became ready for the first
	// time: without scheduling, the pull of the image, and health.hold. It is in
	// whole seconds and up to two of them off, as Kubernetes tells the start of a
	// container in whole seconds, about a second late. Written once, with everReady;
	// absent when it could not be measured, or the Revision never started a pod of
	// its own.
	// +optional
	FirstStart *metav1.Duration `json:"firstStart,omitempty"`

	// SameAs is the live revision, or for the newest one the kept one, if that runs
	// the same image with the same settings. While it does, this one starts no pods of its own.
	// +optional
	SameAs string `json:"sameAs,omitempty"`

	// LastCrash is the newest end of one of its containers that nobody asked
	// for.
	// +optional
	LastCrash *Crash `json:"lastCrash,omitempty"`
}

// Standby is the state of a revision's parked pods.
type Standby struct {
	// Asked is the number of them that there should be.
	Asked int32 `json:"asked"`
	// Parked is the number that could be woken now.
	// +optional
	Parked int32 `json:"parked"`
	// Problem says why there are too few; empty while nothing is wrong.
	// +optional
	Problem string `json:"problem,omitempty"`
}

// Scaling is a change of the number of pods, and why it was made.
type Scaling struct {
	// From how many pods.
	// +optional
	From int32 `json:"from"`
	// To how many.
	// +optional
	To int32 `json:"to"`
	// Reason for people.
	Reason string `json:"reason"`
	// At is when the autoscaler asked for it.
	At metav1.MicroTime `json:"at"`
	// Carries is the part of the App's traffic that the ready pods can carry, in
	// basis points. It is only worked out while the App is about to give the
	// revision more: see RevisionRole.Coming.
	// +optional
	Carries int32 `json:"carries,omitempty"`
}

// ImageConfig is the part of an image's configuration that matters to run it, and
// its size.
type ImageConfig struct {
	// User as the image names it; empty is root.
	// +optional
	User string `json:"user,omitempty"`
	// Entrypoint of the image.
	// +optional
	// +listType=atomic
	Entrypoint []string `json:"entrypoint,omitempty"`
	// Cmd of the image.
	// +optional
	// +listType=atomic
	Cmd []string `json:"cmd,omitempty"`
	// WorkingDir of the image.
	// +optional
	WorkingDir string `json:"workingDir,omitempty"`
	// SizeBytes is what a node without any part of the image has to pull: the
	// compressed layers and the configuration, of an index those of the image that
	// runs. Absent when it is not known.
	// +optional
	// +kubebuilder:validation:Minimum=0
	SizeBytes int64 `json:"sizeBytes,omitempty"`
}

// BuildStatus is about the Tekton run behind an image.
type BuildStatus struct {
	// Key is the content key: equal keys build equal images.
	Key string `json:"key"`
	// Run is the name of the TaskRun in the build namespace; empty when the
	// image was reused.
	// +optional
	Run string `json:"run,omitempty"`
	// StartedAt is when the run was created.
	// +optional
	StartedAt *metav1.MicroTime `json:"startedAt,omitempty"`
	// FinishedAt is when the image was known or the run failed.
	// +optional
	FinishedAt *metav1.MicroTime `json:"finishedAt,omitempty"`
	// Retried is the value of the retried-at annotation that was last acted
	// on.
	// +optional
	Retried string `json:"retried,omitempty"`
	// Failures counts the runs that failed at something which may pass, such as a
	// registry that is away; the build is tried again after each. FailingSince is
	// when the first of them ended.
	// +optional
	Failures int32 `json:"failures,omitempty"`
	// +optional
	FailingSince *metav1.MicroTime `json:"failingSince,omitempty"`
	// FailedStep is the template's step that failed.
	// +optional
	FailedStep string `json:"failedStep,omitempty"`
	// LastLogLines are the last 20 lines of the failed step.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	LastLogLines []string `json:"lastLogLines,omitempty"`
}
