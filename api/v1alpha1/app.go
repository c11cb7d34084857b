package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// App is what one headway.yaml on the production branch asks for. The watcher
// writes it from git; edits by hand are overwritten.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=headway
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Live",type=string,JSONPath=`.status.live`
// +kubebuilder:printcolumn:name="Commit",type=string,JSONPath=`.status.liveCommit`
// +kubebuilder:printcolumn:name="Traffic",type=string,JSONPath=`.status.trafficSummary`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Spec",type=string,JSONPath=`.status.conditions[?(@.type=="SpecValid")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= (has(self.spec.preview) ? 45 : 30)",message="metadata.name must be at most 30 characters, so that previews (<app>-pr-<n>) and revision names fit into labels"
type App struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   AppSpec   `json:"spec"`
	Status AppStatus `json:"status,omitempty"`
}

// AppSpec is the state of one app in git.
type AppSpec struct {
	// Repository names the Repository in the same namespace.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="an App stays with its Repository; delete the App to let another Repository take its name"
	Repository string `json:"repository"`

	// Path of the headway.yaml in the repository.
	//
	// +kubebuilder:validation:MinLength=1
	Path string `json:"path"`

	// ProductionRef is the full name of the ref whose head serves, such as
	// refs/heads/main; where tags are released, that of the newest one, or
	// refs/tags/ and their glob as long as there is none.
	//
	// +kubebuilder:validation:MinLength=1
	ProductionRef string `json:"productionRef"`

	// Heads are the watched refs that hold this app, and the revision of each.
	//
	// +optional
	// +listType=map
	// +listMapKey=ref
	Heads []Head `json:"heads,omitempty"`

	// History are the revisions that the production ref has pointed at, newest
	// first, each once, at most 20.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	History []string `json:"history,omitempty"`

	// Pin is the revision that takes all traffic because headway.yaml pins its
	// commit. Empty: the newest ready revision does.
	//
	// +optional
	Pin string `json:"pin,omitempty"`

	// PinCommit is the full hash of the pinned commit, remembered so that a
	// short pin still resolves when its Revision is gone. Empty without a pin.
	//
	// +optional
	PinCommit string `json:"pinCommit,omitempty"`

	// Hosts lead to the app beside the one that Headway forms, in lower case and
	// sorted. The namespace must be allowed to have them; see AnnotationHosts.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Hosts []string `json:"hosts,omitempty"`

	// Release are the rules by which heads get traffic. They stand in the
	// headway.yaml of the production branch.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Release []Rule `json:"release,omitempty"`

	// Sticky keeps users with one revision; nil: each request is split anew.
	//
	// +optional
	Sticky *Sticky `json:"sticky,omitempty"`

	// Hold stops everything that goes forward; not pins, rollbacks and reverts.
	//
	// +optional
	Hold bool `json:"hold,omitempty"`

	// Preview says what the App is a preview of; nil: it is none.
	//
	// +optional
	Preview *Preview `json:"preview,omitempty"`

	// Committed is how the request in status.commit went.
	//
	// +optional
	Committed *CommitResult `json:"committed,omitempty"`

	// Problem is why the newest commit's headway.yaml cannot be used. The app
	// keeps running as it was.
	//
	// +optional
	Problem *SpecProblem `json:"problem,omitempty"`
}

// Head is a ref and the revision made from it.
type Head struct {
	// Ref is the full name, such as refs/heads/main.
	Ref string `json:"ref"`
	// Commit is the full hash the ref points at. It may be newer than the
	// revision's where the newer commits did not touch the app.
	Commit string `json:"commit"`
	// Revision is the name of the Revision.
	Revision string `json:"revision"`
	// Approved is true when a tag approves the commit.
	// +optional
	Approved bool `json:"approved,omitempty"`
	// Promoted is true when a tag asks for the steps that remain to be skipped.
	// +optional
	Promoted bool `json:"promoted,omitempty"`
}

// SpecProblem is an error in a headway.yaml.
type SpecProblem struct {
	// Commit that holds the file.
	Commit string `json:"commit"`
	// Reason is one of the SpecValid reasons.
	Reason string `json:"reason"`
	// Message says file, line, column and what to change.
	Message string `json:"message"`
}

// AppStatus says what is live.
type AppStatus struct {
	// ObservedGeneration is the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready, SpecValid, Promoting.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// URL of the app.
	// +optional
	URL string `json:"url,omitempty"`
	// Live is the revision that has most of the traffic.
	// +optional
	Live string `json:"live,omitempty"`
	// LiveCommit is the short commit of Live.
	// +optional
	LiveCommit string `json:"liveCommit,omitempty"`
	// TrafficSummary is the split in a few characters: "100% 1a2b3c4d".
	// +optional
	TrafficSummary string `json:"trafficSummary,omitempty"`
	// Hosts of the App's spec that lead to it.
	// +optional
	// +listType=set
	Hosts []string `json:"hosts,omitempty"`
	// Branches are the further refs that have a URL.
	// +optional
	// +listType=map
	// +listMapKey=ref
	Branches []Branch `json:"branches,omitempty"`
	// LiveSince is when Live began to take traffic.
	// +optional
	LiveSince *metav1.MicroTime `json:"liveSince,omitempty"`
	// Revisions says of each revision of the App whether something wants it, and
	// for what. One that is not in the list has not been looked at yet: it is
	// wanted until the list says otherwise.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=512
	Revisions []RevisionRole `json:"revisions,omitempty"`
	// Trials are the revisions on their way to all of the traffic, and those that
	// hold a share.
	// +optional
	// +listType=map
	// +listMapKey=revision
	// +kubebuilder:validation:MaxItems=32
	Trials []Trial `json:"trials,omitempty"`
	// Commit asks the watcher for a commit.
	// +optional
	Commit *CommitRequest `json:"commit,omitempty"`
	// Deployments are the revisions that have been live, newest first, at most
	// 20. One that was live twice is in the list twice.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Deployments []Deployment `json:"deployments,omitempty"`
}

// Branch is a ref beside production, and where its head answers.
type Branch struct {
	// Ref is the full name, such as refs/heads/beta.
	Ref string `json:"ref"`
	// URL of the ref. It stays the same while the ref moves.
	URL string `json:"url"`
	// Revision that answers there: that of the head, or the one before as long
	// as the head's is not ready.
	Revision string `json:"revision"`
}

// AppList is a list of Apps.
//
// +kubebuilder:object:root=true
type AppList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []App `json:"items"`
}
