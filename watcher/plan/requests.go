package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// MaxRequests bounds the requests and branches of one repository.
	MaxRequests = 200
	// pushTakes is how long a forge may know another head of a branch than git
	// advertises before the two count as different things.
	pushTakes = time.Minute
	// minApproved is the shortest start of a hash that approves a commit.
	minApproved = 7
	// What a status has of the texts of others, in characters and bytes.
	maxTitle, maxAuthor, maxURL = 256, 120, 2048
)

// Request is an open pull request, a branch that has previews by its name, or a
// commit of a merge queue.
type Request struct {
	// RequestStatus is what it is; the state and message in it, and the names of
	// the previews, are those of the look before.
	v1alpha1.RequestStatus
	Draft bool
	// Head is its commit, where that was read. Unread is why it cannot be.
	Head   *Snapshot
	Unread *Problem
	// Began are the apps at the commits that it began from; nil: not known.
	Began Base
}

// Open is what a forge says of an open pull request.
type Open struct {
	Number             int64
	Title, Author, URL string
	// HeadRef and BaseRef are short names of branches; HeadSHA is a commit.
	HeadRef, HeadSHA, BaseRef string
	// SameRepository: the forge says that the branch is one of the repository.
	SameRepository, Draft bool
	// ForkRef is the full name of the ref where the forge keeps the head of a
	// request from elsewhere.
	ForkRef string
}

// Listing makes Requests of what a forge and git say.
type Listing struct {
	// Refs are all that git advertises, by full names.
	Refs map[string]string
	// Before are the requests of the look before.
	Before []v1alpha1.RequestStatus
	// Differs is since when git and the forge have named different heads of a
	// branch, by the number of the request. Entries are made and deleted.
	Differs map[int64]time.Time
	Now     time.Time
}

// Request decides whose commit the head of a pull request is. Git's advertisement
// is the proof, and what it names is what is built:
//
//	the branch is at the commit          an own branch
//	it is elsewhere, and the forge says  as it was, for a minute: a push is
//	that it is of this repository        under way (settled is false)
//	the forge does not know the commit   the same
//	all else                             a fork
//
// A request that was not seen before and is not settled is not one yet: nil.
func (l *Listing) Request(o Open) (r *Request, settled bool) {
	branch := headsPrefix + o.HeadRef
	before := l.before(func(b v1alpha1.RequestStatus) bool { return b.Number == o.Number && !v1alpha1.InMergeQueue(b.Ref) })
	r = &Request{Draft: o.Draft, RequestStatus: v1alpha1.RequestStatus{
		Number: o.Number, Base: o.BaseRef, Title: condition.Clip(o.Title, maxTitle), Author: condition.Clip(o.Author, maxAuthor)}}
	if len(o.URL) <= maxURL {
		r.URL = o.URL
	}
	at := l.Refs[branch]
	switch {
	case l.pushing(o, at) && before == nil:
		return nil, false
	case l.pushing(o, at):
		r.Ref, r.Commit, r.Fork, settled = before.Ref, before.Commit, before.Fork, false
	case at != "" && at == o.HeadSHA:
		r.Ref, r.Commit, settled = branch, at, true
	default:
		r.Ref, r.Fork, settled = o.ForkRef, true, true
		r.Commit = cmp.Or(l.Refs[o.ForkRef], o.HeadSHA)
	}
	l.remember(r, before)
	return r, settled
}

// pushing reports whether a push may be under way: git and the forge do not agree
// on a branch, and have not for long.
func (l *Listing) pushing(o Open, at string) bool {
	if o.HeadSHA == "" {
		return true
	}
	if at == "" || at == o.HeadSHA || !o.SameRepository {
		delete(l.Differs, o.Number)
		return false
	}
	if _, known := l.Differs[o.Number]; !known {
		l.Differs[o.Number] = l.Now
	}
	return l.Now.Sub(l.Differs[o.Number]) < pushTakes
}

// Again is a request of which the forge says nothing now: as it was, at the
// commit that its branch has now.
func (l *Listing) Again(before v1alpha1.RequestStatus) *Request {
	r := &Request{RequestStatus: before, Draft: before.State == v1alpha1.RequestDraft}
	if at := l.Refs[r.Ref]; at != "" && !r.Fork {
		r.Commit = at
	}
	l.remember(r, &before)
	return r
}

// Branch is a branch that has previews by its name.
func (l *Listing) Branch(ref string) *Request {
	r := &Request{RequestStatus: v1alpha1.RequestStatus{Ref: ref, Commit: l.Refs[ref]}}
	l.remember(r, l.before(func(b v1alpha1.RequestStatus) bool { return b.Number == 0 && b.Ref == ref }))
	return r
}

func (l *Listing) before(is func(v1alpha1.RequestStatus) bool) *v1alpha1.RequestStatus {
	if i := slices.IndexFunc(l.Before, is); i >= 0 {
		return &l.Before[i]
	}
	return nil
}

// remember takes over what only the look before can know.
func (l *Listing) remember(r *Request, before *v1alpha1.RequestStatus) {
	r.Pushed = metav1.NewTime(l.Now.Truncate(time.Second))
	if before == nil {
		return
	}
	r.State, r.Message, r.Previews = before.State, before.Message, before.Previews
	r.Approved, r.ApprovedBy = before.Approved, before.ApprovedBy
	if before.Commit == r.Commit && !before.Pushed.IsZero() {
		r.Pushed = before.Pushed
	}
}

// AwaitsApproval reports whether a person has to approve the commit.
func (r *Request) AwaitsApproval() bool { return r.Fork && r.Approved != r.Commit }

// Approve takes note of a commit that a person has approved, a full hash or the
// start of one. It reports whether it is that of the request. A start that has
// approved another commit before does not approve this one, too.
func (r *Request) Approve(commit, by string) bool {
	again := r.Approved != r.Commit && len(commit) < len(r.Approved) && strings.HasPrefix(r.Approved, commit)
	if len(commit) < minApproved || !strings.HasPrefix(r.Commit, commit) || again {
		return false
	}
	r.Approved, r.ApprovedBy = r.Commit, condition.Clip(by, maxAuthor)
	return true
}

const headsPrefix = "refs/heads/"

// PreviewBranches are the branches that have previews by their names, those that
// a request has already left out. refs are all that the remote has.
func (f Facts) PreviewBranches(refs map[string]string, requests []*Request) []string {
	taken := map[string]bool{f.ProductionRef: true}
	for _, r := range requests {
		taken[r.Ref] = true
	}
	var branches []string
	for ref := range refs {
		name, isBranch := strings.CutPrefix(ref, headsPrefix)
		if !isBranch || taken[ref] || v1alpha1.InMergeQueue(ref) {
			continue
		}
		if slices.ContainsFunc(f.previewed(), func(c *Candidate) bool { return c.Spec.Preview.Names(name) }) || f.brokenPreview(ref) {
			branches = append(branches, ref)
		}
	}
	slices.Sort(branches)
	return branches
}

// brokenPreview reports whether a branch has a preview of an app that production
// has, in a file that cannot be used now.
func (f Facts) brokenPreview(ref string) bool {
	for _, p := range f.Previews {
		of := p.Spec.Preview
		if of.Request == 0 && p.Spec.ProductionRef == ref && f.Apps[of.App] != nil && f.Production.App(of.App) == nil {
			return true
		}
	}
	return false
}

// previewed are the apps of production that have previews and can be used.
func (f Facts) previewed() []*Candidate {
	var out []*Candidate
	for i := range f.Production.Apps {
		if c := &f.Production.Apps[i]; c.Problem == nil && !c.Template && c.Spec != nil && c.Spec.Preview != nil {
			out = append(out, c)
		}
	}
	return out
}

// compareRequests puts the newest first, and branches after the requests.
func compareRequests(a, b v1alpha1.RequestStatus) int {
	return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(a.Ref, b.Ref))
}
