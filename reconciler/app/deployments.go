package app

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// maxDeployments is the API's limit of status.deployments.
	maxDeployments = 20
	// longestEnd bounds Deployment.End, in bytes.
	longestEnd = 1000
)

// deployments are those so far, and the next one where another revision becomes
// live than the last one. after has the roles from now on.
func (s Seen) deployments(live string, after *v1alpha1.AppStatus, now time.Time) []v1alpha1.Deployment {
	list := slices.Clone(s.App.Status.Deployments)
	var last *v1alpha1.Deployment // nil: nothing is live
	if len(list) > 0 && list[0].Until == nil {
		last = &list[0]
	}
	at := metav1.NewMicroTime(now)
	switch {
	case last == nil:
	case last.Revision == live:
		return list
	default:
		last.Until, last.End = &at, s.end(last.Revision, live, after)
	}
	if rev := s.revision(live); rev != nil {
		list = slices.Insert(list, 0, v1alpha1.Deployment{
			Revision: live, Commit: rev.Spec.Commit, Subject: rev.Spec.Subject, Author: rev.Spec.Author,
			From: at, Cause: s.cause(live, list, after),
		})
	}
	return list[:min(maxDeployments, len(list))]
}

// cause says why a revision becomes live. The first row that fits wins:
//
//	the last one is quarantined from now on  rolled back to
//	headway.yaml pins it                     pinned
//	it was quarantined                       retried
//	nothing was live yet                     first
//	the last one was pinned                  unpinned
//	it was live before                       pushed again
//	                                         pushed
func (s Seen) cause(live string, before []v1alpha1.Deployment, after *v1alpha1.AppStatus) string {
	switch was := &s.App.Status; {
	case len(before) > 0 && s.fails(before[0].Revision, after):
		return "rolled back to, as " + before[0].Revision + " failed"
	case s.App.Spec.Pin == live:
		return "pinned"
	case was.Role(live) == v1alpha1.RoleQuarantined:
		return "retried"
	case len(before) == 0:
		return "first"
	case before[0].Cause == "pinned" && s.App.Spec.Pin == "":
		return "unpinned"
	case slices.ContainsFunc(before, func(d v1alpha1.Deployment) bool { return d.Revision == live }):
		return "pushed again"
	}
	return "pushed"
}

// end says why a revision is live no longer.
func (s Seen) end(revision, successor string, after *v1alpha1.AppStatus) string {
	switch {
	case s.fails(revision, after):
		return condition.Shorten("failed: "+after.Revision(revision).Message, longestEnd)
	case successor == "":
		return "no revision can take the traffic"
	case s.App.Spec.Pin == successor:
		return "replaced by " + successor + ", which is pinned"
	}
	return "replaced by " + successor
}

// fails reports whether a revision becomes quarantined.
func (s Seen) fails(revision string, after *v1alpha1.AppStatus) bool {
	return after.Role(revision) == v1alpha1.RoleQuarantined && s.App.Status.Role(revision) != v1alpha1.RoleQuarantined
}
