package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Revision is one commit of one app: its source, how it is built and how it
// runs. The spec never changes; the image in the status is written once.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rev,categories=headway
// +kubebuilder:printcolumn:name="App",type=string,JSONPath=`.spec.app`
// +kubebuilder:printcolumn:name="Commit",type=string,JSONPath=`.spec.commit`,priority=1
// +kubebuilder:printcolumn:name="Ref",type=string,JSONPath=`.spec.ref`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Built",type=string,JSONPath=`.status.conditions[?(@.type=="Built")].reason`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Subject",type=string,JSONPath=`.spec.subject`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.image) || (has(self.status) && has(self.status.image))",message="a Revision's image is written once"
type Revision struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a Revision's spec is immutable; push a new commit instead"
	Spec   RevisionSpec   `json:"spec"`
	Status RevisionStatus `json:"status,omitempty"`
}

// RevisionSpec is frozen from the commit.
//
// +kubebuilder:validation:XValidation:rule="has(self.build) != has(self.image)",message="set exactly one of build and image"
type RevisionSpec struct {
	// App is the name of the App.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:XValidation:rule="size(self) <= 45",message="app must be at most 45 characters, so that revision names fit into labels"
	App string `json:"app"`
	// Repository is the name of the Repository.
	//
	// +kubebuilder:validation:MinLength=1
	Repository string `json:"repository"`
	// Ref is the full name of the ref on which the commit was first seen.
	Ref string `json:"ref"`
	// Commit is the full hash.
	//
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{40}([0-9a-f]{24})?$`
	Commit string `json:"commit"`
	// Subject is the first line of the commit message, at most 120 characters.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=480
	Subject string `json:"subject,omitempty"`
	// Author of the commit, by name.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=480
	Author string `json:"author,omitempty"`

	// Signature that was checked when the Revision was made; nil where none was
	// asked for.
	//
	// +optional
	Signature *Signature `json:"signature,omitempty"`

	// Preview is set on a revision of a preview: whose builds it shares.
	//
	// +optional
	Preview *BuiltFor `json:"preview,omitempty"`

	// Source is the part of the tree that belongs to the app.
	Source CodeSource `json:"source"`

	// Build makes the image from the source.
	//
	// +optional
	Build *Build `json:"build,omitempty"`

	// Image is used instead of a build. It must be pinned by digest.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('@sha256:[0-9a-f]{64}$')",message="image must be pinned by digest: name@sha256:..."
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	Runtime `json:",inline"`
}

// Signature is that of a commit or tag, as it was when it was checked. Keys
// expire, and are taken back: what was deployed stays.
type Signature struct {
	// Key is the fingerprint of the key.
	Key string `json:"key"`
	// Signer is who has the key, as the list of keys says.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	Signer string `json:"signer,omitempty"`
	// Checked is when.
	Checked metav1.Time `json:"checked"`
}

// CodeSource is a content-addressed tarball of the part of a commit that an app
// is built from.
type CodeSource struct {
	// Key is the hash of the app's tree: path plus watch, without
	// headway.yaml. Equal keys mean equal files.
	Key string `json:"key"`
	// Path is the build context inside the tarball, relative to the
	// repository's root; "." is the root.
	Path string `json:"path"`
	// Digest of the tarball, sha256:<hex>. Empty when image is used.
	//
	// +optional
	Digest string `json:"digest,omitempty"`
	// SpecHash is the hash of what headway.yaml froze into this Revision.
	SpecHash string `json:"specHash"`
}

// Build chooses a template and its parameters.
type Build struct {
	// Template is the name of a build template, resolved: never "auto".
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Template string `json:"template"`
	// Args are the template's parameters.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Args map[string]string `json:"args,omitempty"`
}

// Runtime is how a revision runs.
type Runtime struct {
	// Command is the program and its first arguments, in the place of the
	// image's entrypoint; the image's cmd is left out with it. $(NAME) stands
	// for a variable, $$(NAME) for the text $(NAME). Default: the image's.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command,omitempty"`

	// Args are in the place of the image's cmd. Default: the image's, or none
	// with a command.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Args []string `json:"args,omitempty"`

	// Port the application listens on; it is told by the variable PORT.
	// Default: 8080.
	//
	// +kubebuilder:default=8080
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// Env are the environment variables, sorted by name.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Env []EnvVar `json:"env,omitempty"`

	// Sends are the Channels that the app sends to: each pod has a token for each,
	// and their URLs. A name, or <namespace>/<name>; a preview sends to branches of
	// its own in the place of the former, and not at all to the latter. No two have
	// the same name.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=127
	// +kubebuilder:validation:items:Pattern=`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`
	Sends []string `json:"sends,omitempty"`

	// Resources requested by a pod; memory is the limit too. Default: none.
	//
	// +optional
	Resources Resources `json:"resources,omitzero"`

	// Health says how to see that the application is up, and how long a new
	// revision has to prove itself. Default: the port accepts connections.
	//
	// +optional
	Health *Health `json:"health,omitempty"`

	// Timeout is the longest time from a request, with all of its body, to the
	// start of its response, and the grace that requests get when a pod
	// leaves. Default: 60s, at most 1h.
	//
	// +kubebuilder:default="60s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="timeout must be between 1s and 1h"
	Timeout metav1.Duration `json:"timeout,omitzero"`

	// Scale bounds the number of pods.
	//
	// +kubebuilder:default={min:0,max:20,concurrency:80,rps:0,idle:"30s",limit:0,standby:0}
	Scale Scale `json:"scale,omitzero"`
}

// EnvVar is a variable with a value, or with a reference to one.
//
// +kubebuilder:validation:XValidation:rule="[has(self.value), has(self.secret), has(self.config)].filter(x, x).size() <= 1",message="set only one of value, secret and config"
type EnvVar struct {
	// Name of the variable.
	//
	// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	// +kubebuilder:validation:MaxLength=256
	Name string `json:"name"`
	// Value, literally.
	//
	// +optional
	Value string `json:"value,omitempty"`
	// Secret takes the value from a Secret in the App's namespace.
	//
	// +optional
	Secret *KeyRef `json:"secret,omitempty"`
	// Config takes the value from a ConfigMap in the App's namespace.
	//
	// +optional
	Config *KeyRef `json:"config,omitempty"`
}

// KeyRef is a key of a Secret or ConfigMap.
type KeyRef struct {
	// Name of the object.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key in the object.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`
}

// Resources of a pod, as Kubernetes quantities.
type Resources struct {
	// CPU requested, such as 100m.
	// +optional
	CPU string `json:"cpu,omitempty"`
	// Memory requested and the limit, such as 128Mi.
	// +optional
	Memory string `json:"memory,omitempty"`
}

// Scale bounds the number of pods and the requests in each.
//
// +kubebuilder:validation:XValidation:rule="self.min <= self.max",message="scale.min must not be greater than scale.max"
// +kubebuilder:validation:XValidation:rule="self.standby <= self.max",message="scale.standby must not be greater than scale.max"
type Scale struct {
	// Min is the smallest number of pods. Default: 0.
	//
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Min int32 `json:"min"`
	// Max is the largest number of pods. Default: 20.
	//
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Max int32 `json:"max,omitempty"`
	// Concurrency is the number of requests in flight per pod that the
	// autoscaler aims at. It is soft; limit is hard. Default: 80.
	//
	// +kubebuilder:default=80
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	Concurrency int32 `json:"concurrency,omitempty"`
	// RPS is the number of requests per second and pod that the autoscaler
	// aims at, beside concurrency; the larger need wins. 0 means that the rate
	// does not matter. Default: 0.
	//
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	RPS int32 `json:"rps,omitempty"`
	// Idle is the time without any request after which the last pod goes, if
	// min is 0. Default: 30s.
	//
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="scale.idle must be between 1s and 24h"
	Idle metav1.Duration `json:"idle,omitzero"`
	// Limit is the largest number of requests in flight in one pod; more wait.
	// 0 means no limit. Default: 0.
	//
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	Limit int32 `json:"limit"`
	// Standby is the number of parked pods that are kept while the revision
	// has traffic: scheduled, with their image and network, and waiting to
	// start the application within milliseconds. They take no requests and
	// count as not running. Default: 0.
	//
	// +optional
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Standby int32 `json:"standby,omitempty"`
}

// RevisionList is a list of Revisions.
//
// +kubebuilder:object:root=true
type RevisionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Revision `json:"items"`
}
