package app

import (
	"slices"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// branch is a further ref and its host.
type branch struct {
	ref, host, revision string
}

// branches gives each further ref a host that stays, and the revision there. What
// a merge queue tries is built and has none.
//
//	the head's revision is ready       that one
//	it is not, and one before it was   the one before
//	none has been ready                the head's; the activator says why
//
// The host is <app>-<branch>. One that another Route has, or that another ref of
// the App has had longer, is left to them: then it ends with a hash of the ref.
// Commits of a merge queue have none.
func (s Seen) branches(public address.Public) []branch {
	held := map[string]v1alpha1.Branch{}
	for _, b := range s.App.Status.Branches {
		held[b.Ref] = b
	}
	if s.App.Spec.Preview != nil { // it has one ref
		return nil
	}
	heads := slices.DeleteFunc(slices.Clone(s.App.Spec.Heads), func(h v1alpha1.Head) bool {
		return h.Ref == s.App.Spec.ProductionRef || v1alpha1.InMergeQueue(h.Ref)
	})
	hosts := s.branchHosts(heads, held, public)
	var result []branch
	for _, head := range heads {
		result = append(result, branch{head.Ref, hosts[head.Ref], s.answering(head, held[head.Ref])})
	}
	return result
}

// branchHosts are the hosts of refs. Those that have the plain one already come
// first, so that it is never taken from them by another ref; one that has its
// own keeps that.
func (s Seen) branchHosts(heads []v1alpha1.Head, held map[string]v1alpha1.Branch, public address.Public) map[string]string {
	hosts, taken := map[string]string{}, map[string]bool{}
	for _, first := range []bool{true, false} {
		for _, head := range heads {
			plain, own := branchHost(s.App, head.Ref, public)
			had := held[head.Ref]
			keeps := plain != "" && had.URL == public.URL(plain)
			switch {
			case keeps != first:
			case plain == "" || s.Claimed[plain] || taken[plain] || had.URL == public.URL(own):
				hosts[head.Ref] = own
			default:
				hosts[head.Ref], taken[plain] = plain, true
			}
		}
	}
	return hosts
}

// branchHost is address.Branch, as hosts.
func branchHost(app *v1alpha1.App, ref string, public address.Public) (plain, own string) {
	plain, own = address.Branch(app.Name, ref)
	if plain != "" {
		plain = public.Host(app.Namespace, plain)
	}
	return plain, public.Host(app.Namespace, own)
}

func (s Seen) answering(head v1alpha1.Head, held v1alpha1.Branch) string {
	if rev := s.revision(head.Revision); rev != nil && isReady(rev) {
		return head.Revision
	}
	if rev := s.revision(held.Revision); rev != nil && rev.Status.EverReady {
		return held.Revision
	}
	return head.Revision
}

func branchStatus(branches []branch, public address.Public) []v1alpha1.Branch {
	var result []v1alpha1.Branch
	for _, b := range branches {
		result = append(result, v1alpha1.Branch{Ref: b.ref, URL: public.URL(b.host), Revision: b.revision})
	}
	return result
}
