package v1alpha1

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Preview says what an App is a preview of. Such an App has one ref, its
// productionRef, whose head takes its traffic at once; it goes with the request.
type Preview struct {
	// App that is previewed: the name in headway.yaml.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	App string `json:"app"`
	// Request is the number of the pull request; 0 for a branch that has previews
	// by its name.
	//
	// +kubebuilder:validation:Minimum=0
	Request int64 `json:"request"`
	// Fork is true for commits that are on no branch of the repository. Their
	// builds share no cache and no image with others.
	//
	// +optional
	Fork bool `json:"fork,omitempty"`
	// URL of the request; for people.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`
	// Host is the name that the host begins with, in the place of the App's.
	//
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`
	Host string `json:"host"`
	// Expires is when the preview goes, as nothing was pushed to it for its ttl.
	//
	// +optional
	Expires *metav1.Time `json:"expires,omitempty"`
	// Setup is a command that runs in the preview's own image and environment,
	// once, before it takes its first request; Teardown one that runs when it
	// goes. No shell. Default: none.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Setup []string `json:"setup,omitempty"`
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Teardown []string `json:"teardown,omitempty"`
	// Unset are the variables that production has and the preview has not, as they
	// come from Secrets that previews do not get.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	Unset []string `json:"unset,omitempty"`
	// Reduced are the amounts of which the preview gets less than the request's
	// headway.yaml asks for.
	//
	// +optional
	// +listType=map
	// +listMapKey=key
	// +kubebuilder:validation:MaxItems=8
	Reduced []Reduction `json:"reduced,omitempty"`
}

// Reduction is an amount in headway.yaml that a preview gets less of than its
// request asks for.
type Reduction struct {
	// Key in headway.yaml, such as resources.memory.
	//
	// +kubebuilder:validation:MaxLength=64
	Key string `json:"key"`
	// Asked is the value of the request; empty for no limit.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Asked string `json:"asked,omitempty"`
	// Given is the value of the preview.
	//
	// +kubebuilder:validation:MaxLength=64
	Given string `json:"given"`
}

// HostName is the name that the App's host begins with.
func (a *App) HostName() string {
	if a.Spec.Preview != nil {
		return a.Spec.Preview.Host
	}
	return a.Name
}

// Prepared reports whether pods of an App may start: what is to run before them
// has succeeded, and what is to run after them is sure to.
func (a *App) Prepared() bool {
	p := a.Spec.Preview
	switch {
	case p == nil:
		return true
	case len(p.Teardown) > 0 && !slices.Contains(a.Finalizers, FinalizerTeardown):
		return false
	}
	return len(p.Setup) == 0 || meta.IsStatusConditionTrue(a.Status.Conditions, ConditionPrepared)
}

// BuiltFor says whose builds a revision of a preview shares, and where its events
// go.
type BuiltFor struct {
	// App that is previewed.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	App string `json:"app"`
	// Fork is true where nothing is shared.
	//
	// +optional
	Fork bool `json:"fork,omitempty"`
	// ChannelSuffix is what the names of the preview's own branches of Channels end
	// with, such as -pr-7. Empty: it sends to none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=62
	// +kubebuilder:validation:Pattern=`^-[-a-z0-9]*[a-z0-9]$`
	ChannelSuffix string `json:"channelSuffix,omitempty"`
}

// BuildApp is the name under which a revision's builds and images are kept. A
// preview of an own branch has those of the app, so that what is merged is built
// already; that of a fork has its own.
func (r *Revision) BuildApp() string {
	if p := r.Spec.Preview; p != nil && !p.Fork {
		return p.App
	}
	return r.Spec.App
}

// FromFork reports whether a revision comes from a commit that is on no branch of
// its repository.
func (r *Revision) FromFork() bool { return r.Spec.Preview != nil && r.Spec.Preview.Fork }

// RequestState is what has become of a pull request.
//
// +kubebuilder:validation:Enum=Previewed;Untouched;Draft;Approval;Waiting;Expired;Invalid;Queued
type RequestState string

const (
	// RequestPreviewed: it has previews.
	RequestPreviewed RequestState = "Previewed"
	// RequestUntouched: it changes no app that has previews.
	RequestUntouched RequestState = "Untouched"
	// RequestDraft: it is a draft, and those have none.
	RequestDraft RequestState = "Draft"
	// RequestApproval: it comes from a fork, and waits for a person to approve the
	// commit.
	RequestApproval RequestState = "Approval"
	// RequestWaiting: it waits for a place.
	RequestWaiting RequestState = "Waiting"
	// RequestExpired: nothing was pushed to it for the ttl.
	RequestExpired RequestState = "Expired"
	// RequestInvalid: its headway.yaml cannot be used, or asks for what it may not
	// have.
	RequestInvalid RequestState = "Invalid"
	// RequestQueued: a commit of a merge queue, which is built and not previewed.
	RequestQueued RequestState = "Queued"
)

// RequestStatus is a pull request, or a branch that has previews by its name.
type RequestStatus struct {
	// Number of the request; 0 for a branch.
	Number int64 `json:"number"`
	// Ref of its head, a full name: that of the branch, or where the forge keeps
	// the heads of forks.
	Ref string `json:"ref"`
	// Commit is the head.
	Commit string `json:"commit"`
	// Base is the branch that it is to be merged into, a short name.
	// +optional
	Base string `json:"base,omitempty"`
	// Title, Author and URL of the request; for people.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Title string `json:"title,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=255
	Author string `json:"author,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`
	// Fork is true where the commit is on no branch of the repository.
	// +optional
	Fork bool `json:"fork,omitempty"`
	// State and Message say what has become of it, and what to do.
	State RequestState `json:"state"`
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Message string `json:"message,omitempty"`
	// Approved is the commit of a fork that a person has approved, and ApprovedBy
	// that person.
	// +optional
	Approved string `json:"approved,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=255
	ApprovedBy string `json:"approvedBy,omitempty"`
	// Pushed is when the commit was first seen.
	// +optional
	Pushed metav1.Time `json:"pushed,omitzero"`
	// Previews are the names of the Apps.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	Previews []string `json:"previews,omitempty"`
}

// InMergeQueue reports whether a ref, a full name, is a commit that a merge queue
// of GitHub tries before it merges. It is built, and gets no URL and no traffic.
func InMergeQueue(ref string) bool { return strings.HasPrefix(ref, "refs/heads/gh-readonly-queue/") }
