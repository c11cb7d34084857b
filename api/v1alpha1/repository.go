package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Repository is a git repository that Headway watches. Every headway.yaml in
// its production branch becomes an App in the Repository's namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=repo,categories=headway
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.spec.url`
// +kubebuilder:printcolumn:name="Branch",type=string,JSONPath=`.spec.productionBranch`
// +kubebuilder:printcolumn:name="Commit",type=string,JSONPath=`.status.commit`
// +kubebuilder:printcolumn:name="Apps",type=integer,JSONPath=`.status.appCount`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Spec",type=string,JSONPath=`.status.conditions[?(@.type=="SpecValid")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 40",message="metadata.name must be at most 40 characters, so that names made from it fit into labels"
type Repository struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   RepositorySpec   `json:"spec"`
	Status RepositoryStatus `json:"status,omitempty"`
}

// RepositorySpec says where the repository is and how to watch it.
type RepositorySpec struct {
	// URL of the repository: https://host/owner/name.git,
	// ssh://git@host/owner/name.git or git@host:owner/name.git. Plain http is
	// accepted for servers inside a trusted network. Credentials do not belong
	// here; use secretRef.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^(https?|ssh)://([^/\s@]*@)?[^/\s@:][^/\s@]*/[^/\s]\S*$') || self.matches(r'^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:\S+$')`,message="url must start with https://, http:// or ssh:// and name a host and a repository, as https://host/owner/name.git does, or have the form git@host:owner/name.git"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://[^/]*@')",message="url must not contain credentials; put username and password (or token) into a Secret and name it in secretRef"
	URL string `json:"url"`

	// SecretRef names a Secret in the same namespace with the credentials:
	// username and password, or token, for http(s), and ca.crt for a private
	// authority; identity (a private key) and known_hosts for ssh. Not needed
	// for a public repository.
	//
	// +optional
	SecretRef *corev1.LocalObjectReference `json:"secretRef,omitempty"`

	// ProductionBranch is the branch whose head serves. Default: main.
	//
	// +kubebuilder:default=main
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	ProductionBranch string `json:"productionBranch,omitempty"`

	// Refs are globs of further branches and tags to build, such as
	// "release/*" or "refs/tags/v*". A glob without refs/ means a branch. Each has
	// a URL of its own, <app>-<branch>, and no traffic. The newest 100 are
	// followed. Default: none.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^([^\s~^:\\{}!/\[\]]|\[[^\]/]+\])([^\s~^:\\{}/\[\]]|\[[^\]/]+\])*(/([^\s~^:\\{}/\[\]]|\[[^\]/]+\])+)*$') && !self.contains('..') && !self.matches(r'[^/]\*\*|\*\*[^/]')`,message="refs must be names or globs of branches and tags, such as release/* or refs/tags/v*; ** stands alone between slashes, braces and ! are not known"
	// +kubebuilder:validation:items:XValidation:rule=`!self.startsWith('refs/') || self.matches(r'^refs/(heads/|tags/|\*)')`,message="refs may name branches and tags only: refs/heads/... or refs/tags/...; others can be pushed by anybody"
	Refs []string `json:"refs,omitempty"`

	// Interval between two looks at the remote, from 1s; 10% of jitter are
	// added. A webhook makes the watcher look at once. Default: 30s.
	//
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s')",message="interval must be at least 1s"
	Interval metav1.Duration `json:"interval,omitzero"`

	// WebhookSecretRef names a Secret whose key "token" signs webhooks
	// (HMAC-SHA256, or the plain token header of forges that send one). Unset:
	// unsigned webhooks are accepted, as they are only a hint.
	//
	// +optional
	WebhookSecretRef *corev1.LocalObjectReference `json:"webhookSecretRef,omitempty"`

	// Forge is who knows the pull requests of the repository, and is told how its
	// commits do. Default: none; then branches have previews by name alone, and
	// nobody is told.
	//
	// +optional
	Forge *Forge `json:"forge,omitempty"`

	// Verify makes signatures a condition: a commit that is not signed by one of
	// these keys is not deployed. Default: no signature is needed.
	//
	// +optional
	Verify *Verify `json:"verify,omitempty"`

	// Modules are the private Go modules that builds of the template "go" may
	// fetch. Default: none.
	//
	// +optional
	Modules *PrivateModules `json:"modules,omitempty"`

	// Suspend stops watching. Apps keep running. Default: false.
	//
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// Forge is a server that has pull requests.
type Forge struct {
	// Type of its API. auto asks the server of url. Default: auto.
	//
	// +optional
	// +kubebuilder:default=auto
	// +kubebuilder:validation:Enum=auto;github;gitlab;gitea
	Type string `json:"type,omitempty"`

	// APIURL is where its API is, such as https://git.example.com/api/v3.
	// Default: as forges of the type have it on the server of url.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule=`self == '' || self.matches(r'^https?://[^/\s@]+(/\S*)?$')`,message="apiURL must be http(s)://host/path, without credentials; those go into a Secret that secretRef names"
	APIURL string `json:"apiURL,omitempty"`

	// SecretRef names a Secret in the same namespace: token, or for a GitHub App
	// appID (or its client id) and privateKey (PEM). Default: the token, or
	// password, of the Secret that spec.secretRef names.
	//
	// +optional
	SecretRef *corev1.LocalObjectReference `json:"secretRef,omitempty"`
}

// Verify says whose signatures count.
type Verify struct {
	// Keys names a Secret in the same namespace: each of its values is a list of
	// armoured GPG public keys, or of SSH keys in the form of allowed_signers.
	Keys corev1.LocalObjectReference `json:"keys"`

	// Who has to be the owner of the key: the committer, by the e-mail address of
	// the commit; or any of the keys' owners. Default: committer.
	//
	// +optional
	// +kubebuilder:default=committer
	// +kubebuilder:validation:Enum=committer;any
	Who string `json:"who,omitempty"`
}

// PrivateModules are Go modules that no public proxy has, and the credentials
// for their git servers.
type PrivateModules struct {
	// Private are patterns of module paths in the form of GOPRIVATE, such as
	// git.example.com or github.com/acme/*. The host has no wildcard.
	//
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^[A-Za-z0-9.-]+(/[A-Za-z0-9._~/*?\[\]-]+)?$')`,message="modules.private must be hosts or patterns of module paths, such as git.example.com or github.com/acme/*; the host has no wildcard"
	Private []string `json:"private"`

	// SecretRef names a Secret in the same namespace with username and password,
	// which go to the hosts of Private, or with .netrc. Whoever may push to a
	// branch can build with each module that these credentials can read. Each
	// build takes them anew.
	SecretRef corev1.LocalObjectReference `json:"secretRef"`
}

// RepositoryStatus says what was last seen.
type RepositoryStatus struct {
	// ObservedGeneration is the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready, SpecValid, Complete; Forge where there is one.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Commit is the head of the production branch; with spec.verify, the last one
	// that counts.
	// +optional
	Commit string `json:"commit,omitempty"`
	// Heads are the watched refs and the commits they point at.
	// +optional
	// +listType=map
	// +listMapKey=ref
	Heads []RefHead `json:"heads,omitempty"`
	// Apps are the headway.yaml files of the production branch.
	// +optional
	// +listType=map
	// +listMapKey=path
	Apps []RepositoryApp `json:"apps,omitempty"`
	// Requests are the open pull requests, and the branches that have previews by
	// name, newest first, at most 200.
	// +optional
	// +listType=map
	// +listMapKey=number
	// +listMapKey=ref
	// +kubebuilder:validation:MaxItems=200
	Requests []RequestStatus `json:"requests,omitempty"`
	// AppCount is the number of Apps.
	// +optional
	AppCount int32 `json:"appCount,omitempty"`
	// LastHandledSync is the value of the sync-requested-at annotation that
	// was last acted on.
	// +optional
	LastHandledSync string `json:"lastHandledSync,omitempty"`
}

// RefHead is a ref and its commit.
type RefHead struct {
	// Ref is the full name, such as refs/heads/main.
	Ref string `json:"ref"`
	// Commit is the full hash. With spec.verify it is the newest one that counts.
	Commit string `json:"commit"`
	// Signature by which the commit counts, with spec.verify. It is not checked
	// again.
	// +optional
	Signature *Signature `json:"signature,omitempty"`
}

// RepositoryApp is one headway.yaml.
type RepositoryApp struct {
	// Path of the file in the repository.
	Path string `json:"path"`
	// Name of the App; empty while the file cannot be read.
	// +optional
	Name string `json:"name,omitempty"`
	// Error is why the file cannot be used, as file:line:column: what to
	// change.
	// +optional
	Error string `json:"error,omitempty"`
}

// RepositoryList is a list of Repositories.
//
// +kubebuilder:object:root=true
type RepositoryList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Repository `json:"items"`
}
