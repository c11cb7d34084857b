package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Role is what a revision is there for.
//
// +kubebuilder:validation:Enum=live;candidate;share;branch;built;kept;quarantined;replaced
type Role string

const (
	// RoleLive takes the traffic.
	RoleLive Role = "live"
	// RoleCandidate is the head of production, or the pin, and not live yet. It
	// may have a part of the traffic.
	RoleCandidate Role = "candidate"
	// RoleShare is the head of a branch that has a standing share of the traffic.
	RoleShare Role = "share"
	// RoleBranch answers at the URL of another ref: its head, or the one before
	// while the head is not ready. It takes no traffic of the app.
	RoleBranch Role = "branch"
	// RoleBuilt is only built, so that a merge finds its image: a commit that a
	// merge queue tries. It has no pods and no URL.
	RoleBuilt Role = "built"
	// RoleKept served before. It keeps its pods until the live one has settled,
	// and is one of the last 3 for a rollback after that, at no cost.
	RoleKept Role = "kept"
	// RoleQuarantined has failed while it served. It takes no traffic any more,
	// unless a person asks for it: by a pin, or by a retry.
	RoleQuarantined Role = "quarantined"
	// RoleReplaced is not wanted by anything any more: it is not built further,
	// and is deleted a minute after Since.
	RoleReplaced Role = "replaced"
)

// RevisionRole is a revision and its role.
type RevisionRole struct {
	// Name of the Revision.
	Name string `json:"name"`
	// Role it has.
	Role Role `json:"role"`
	// Weight is its share of the App's traffic in basis points: 100 are 1%.
	// +optional
	Weight int32 `json:"weight"`
	// Coming is the weight that it gets as soon as its pods can carry it, if that
	// is more than it has.
	// +optional
	Coming int32 `json:"coming,omitempty"`
	// Warm is true while its pods are kept although it has no traffic, since the
	// traffic may come back to it at any moment.
	// +optional
	Warm bool `json:"warm,omitempty"`
	// Since it has the role; one that served before and is kept warm: since it
	// began to serve.
	Since metav1.MicroTime `json:"since"`
	// Message says why; for people.
	// +optional
	// +kubebuilder:validation:MaxLength=32768
	Message string `json:"message,omitempty"`
	// Pinned is true where it was quarantined although it was pinned: then the
	// same pin does not ask for it again.
	// +optional
	Pinned bool `json:"pinned,omitempty"`
	// Retried is the value of its retried-at annotation when it was
	// quarantined: another value asks for it again.
	// +optional
	Retried string `json:"retried,omitempty"`
}

// Routed reports whether traffic comes to the revision, or may come back to it
// at any moment. It does not of nil.
func (r *RevisionRole) Routed() bool { return r != nil && (r.Weight > 0 || r.Warm) }

// Revision returns what is said of a revision; nil if that is nothing, as of any
// revision where s is nil.
func (s *AppStatus) Revision(name string) *RevisionRole {
	if s == nil {
		return nil
	}
	for i := range s.Revisions {
		if s.Revisions[i].Name == name {
			return &s.Revisions[i]
		}
	}
	return nil
}

// Role of a revision; empty if nothing is said of it.
func (s *AppStatus) Role(revision string) Role {
	if r := s.Revision(revision); r != nil {
		return r.Role
	}
	return ""
}

// Moved names the revisions whose role, weight, coming weight or warmth differs between s and
// another status of the App.
func (s *AppStatus) Moved(other *AppStatus) []string {
	var moved []string
	for i := range s.Revisions {
		is, was := &s.Revisions[i], other.Revision(s.Revisions[i].Name)
		if was == nil || was.Role != is.Role || was.Weight != is.Weight || was.Coming != is.Coming || was.Warm != is.Warm {
			moved = append(moved, is.Name)
		}
	}
	for i := range other.Revisions {
		if name := other.Revisions[i].Name; s.Revision(name) == nil {
			moved = append(moved, name)
		}
	}
	return moved
}

// Deployment is a time in which a revision was live.
type Deployment struct {
	// Revision that was live.
	Revision string `json:"revision"`
	// Commit of it, the full hash; Subject and Author of that.
	Commit string `json:"commit"`
	// +optional
	Subject string `json:"subject,omitempty"`
	// +optional
	Author string `json:"author,omitempty"`
	// From when until when it was live. The newest has no Until while it is.
	From metav1.MicroTime `json:"from"`
	// +optional
	Until *metav1.MicroTime `json:"until,omitempty"`
	// Cause says why it came, such as "pushed" or "pinned"; for people.
	Cause string `json:"cause"`
	// End says why it went, such as "replaced by hello-1a2b3c4d"; for people.
	// Empty while it is live.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	End string `json:"end,omitempty"`
}
