package app

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/promotion"
)

const (
	// rollbacks is how many earlier revisions stay, so that going back to one of
	// them is only a change of the Route. Idle, they cost nothing. Nobody goes back
	// in a preview.
	rollbacks = 3
	// linger is how long a revision stays when nothing wants it any more:
	// activators that are behind may still send it requests, and a person may
	// want to read why it failed.
	linger = time.Minute
	// unnamed is how long a revision may exist before an App that does not name
	// it counts as not wanting it: the watcher writes the two objects one after
	// the other, and caches see them in any order.
	unnamed = 10 * time.Second
	// maxRoles is the API's limit of status.revisions. It leaves room for 100
	// refs, each with the revision before its head, and as many replaced ones.
	maxRoles = 512
)

// roles says what each revision is there for; nobody else decides that. The
// first row that fits wins:
//
//	live, kept   as promotion decides; this kept one is warm
//	candidate,   as promotion decides: on their way to all of the traffic, or
//	share        with a part of it
//	quarantined  as promotion decides, as long as the App names it
//	candidate    the pin, the head of production; without traffic
//	branch       answers at the URL of another ref, or is the head of one
//	kept         one of the newest 3 in the history that have been ready; of a
//	             preview none
//	built        the commit of a merge queue
//	replaced     has been named, or has existed for long enough to be
//	(absent)     the App may be about to name it
//
// The duration says when time alone changes that; 0 is never.
func (s Seen) roles(decision promotion.Decision, branches []branch, now time.Time) (list []v1alpha1.RevisionRole, next time.Duration) {
	found := map[string]v1alpha1.RevisionRole{}
	add := func(name string, role v1alpha1.Role, message string) bool {
		if _, has := found[name]; has || s.revision(name) == nil {
			return false
		}
		since := metav1.NewMicroTime(now)
		if before := s.App.Status.Revision(name); before != nil && before.Role == role {
			since = before.Since
		}
		found[name] = v1alpha1.RevisionRole{Name: name, Role: role, Since: since, Message: message}
		return true
	}
	for _, r := range decision.Roles {
		switch {
		case r.Role == v1alpha1.RoleQuarantined && !s.names(r.Name):
			continue
		case r.Role == v1alpha1.RoleLive:
			r.Message = s.whyLive(r.Name)
		case r.Role == v1alpha1.RoleCandidate:
			r.Message = "the head of " + s.App.Spec.ProductionRef
		case r.Role == v1alpha1.RoleShare:
			r.Message = "has a share of the traffic as the head of a branch"
		case r.Role == v1alpha1.RoleKept:
			r.Message = "takes the traffic back if " + promotion.Live(decision.Traffic) + " fails before it has settled"
		}
		found[r.Name] = r
	}
	add(s.App.Spec.Pin, v1alpha1.RoleCandidate, "headway.yaml pins its commit")
	add(s.newest(), v1alpha1.RoleCandidate, "the head of "+s.App.Spec.ProductionRef)
	for _, b := range branches {
		add(b.revision, v1alpha1.RoleBranch, "answers for "+b.ref)
	}
	for _, head := range s.App.Spec.Heads {
		if !v1alpha1.InMergeQueue(head.Ref) {
			add(head.Revision, v1alpha1.RoleBranch, "the head of "+head.Ref)
		}
	}
	left := rollbacks
	if s.App.Spec.Preview != nil {
		left = 0
	}
	for _, name := range s.App.Spec.History {
		if rev := s.revision(name); left > 0 && rev != nil && rev.Status.EverReady && add(name, v1alpha1.RoleKept, "for a rollback") {
			left--
		}
	}
	for _, head := range s.App.Spec.Heads {
		if v1alpha1.InMergeQueue(head.Ref) {
			add(head.Revision, v1alpha1.RoleBuilt, "a merge queue tries its commit")
		}
	}
	for i := range s.Revisions {
		rev := &s.Revisions[i]
		if replaced, wait := s.replacedBy(rev, now); wait == 0 {
			add(rev.Name, v1alpha1.RoleReplaced, replaced)
		} else if _, has := found[rev.Name]; !has {
			next = apply.Sooner(next, wait)
		}
	}
	for _, r := range found {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b v1alpha1.RevisionRole) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Role), slices.Index(order, b.Role)), strings.Compare(a.Name, b.Name))
	})
	return list, next
}

// order of the roles in the status; what does not fit is at the end.
var order = []v1alpha1.Role{
	v1alpha1.RoleLive, v1alpha1.RoleCandidate, v1alpha1.RoleShare, v1alpha1.RoleKept, v1alpha1.RoleBranch, v1alpha1.RoleBuilt, v1alpha1.RoleQuarantined, v1alpha1.RoleReplaced,
}

// names reports whether the App's spec has the revision.
func (s Seen) names(revision string) bool {
	spec := s.App.Spec
	return spec.Pin == revision || slices.Contains(spec.History, revision) ||
		slices.ContainsFunc(spec.Heads, func(h v1alpha1.Head) bool { return h.Revision == revision })
}

func (s Seen) whyLive(name string) string {
	switch name {
	case s.App.Spec.Pin:
		return "headway.yaml pins its commit"
	case s.newest():
		return "the head of " + s.App.Spec.ProductionRef
	}
	return "nothing newer can take the traffic"
}

// replacedBy says what took the place of a revision that nothing wants. The
// duration says when that is known, if it is not yet.
func (s Seen) replacedBy(rev *v1alpha1.Revision, now time.Time) (string, time.Duration) {
	replaced, unbuilt := "its ref "+rev.Spec.Ref+" is gone", ", so it is not built"
	known := slices.Contains(s.App.Spec.History, rev.Name)
	for _, head := range s.App.Spec.Heads {
		if head.Ref == rev.Spec.Ref {
			replaced, unbuilt = "commit "+v1alpha1.Short(head.Commit)+" replaced it on "+rev.Spec.Ref, " before it was built"
			successor := s.revision(head.Revision)
			known = known || successor != nil && rev.CreationTimestamp.Before(&successor.CreationTimestamp)
		}
	}
	if rev.Status.Image == "" {
		replaced += unbuilt
	}
	if known {
		return replaced, 0
	}
	return replaced, max(unnamed-now.Sub(rev.CreationTimestamp.Time), 0)
}

// collect splits off the revisions to delete: those that have been replaced for
// long enough, or that the status has no place for. The duration says when the
// next one is due; 0 is never.
func collect(roles []v1alpha1.RevisionRole, now time.Time) (gone []string, next time.Duration) {
	for i, r := range roles {
		if r.Role != v1alpha1.RoleReplaced {
			continue
		}
		wait := linger - now.Sub(r.Since.Time)
		if wait <= 0 || i >= maxRoles {
			gone = append(gone, r.Name)
			continue
		}
		next = apply.Sooner(next, wait)
	}
	return gone, next
}
