package promotion

import (
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// longestEvidence is the API's limit of a request's message, in bytes.
const longestEvidence = 4000

// commit is what is asked of the watcher, one thing at a time: what was asked
// for already, until it is answered or the revision is no head any more; then a
// revert; then a branch that is moved forward.
func (d *deciding) commit() *v1alpha1.CommitRequest {
	if d.Commit != nil && !d.answered(d.Commit) && d.stands(d.Commit) {
		return d.Commit
	}
	for _, ask := range []*v1alpha1.CommitRequest{d.revert(), d.fastForward()} {
		if ask != nil && !d.answered(ask) {
			d.tell(EventAsked, ask.Revision, "asks for a commit on %s: %s", v1alpha1.ShortRef(ask.Branch), ask.Action)
			return ask
		}
	}
	return nil
}

func (d *deciding) answered(r *v1alpha1.CommitRequest) bool {
	return d.Committed != nil && d.Committed.Action == r.Action && d.Committed.Revision == r.Revision
}

// stands reports whether a request is still about a head.
func (d *deciding) stands(r *v1alpha1.CommitRequest) bool {
	if r.Action == v1alpha1.CommitRevert {
		return d.Production.Revision == r.Revision && d.Production.Ref == r.Branch
	}
	return slices.ContainsFunc(d.Shares, func(h Head) bool { return h.Revision == r.Revision && h.Commit == r.Commit })
}

// revert takes the head of the production branch back to what is live, if it has
// failed by this decision and its rule says so; nil otherwise.
func (d *deciding) revert() *v1alpha1.CommitRequest {
	head := &d.Production
	if head.Rule.OnFail != v1alpha1.OnFailRevert || !strings.HasPrefix(head.Ref, "refs/heads/") || !slices.Contains(d.failed, head.Revision) {
		return nil
	}
	return &v1alpha1.CommitRequest{
		Action: v1alpha1.CommitRevert, Revision: head.Revision, Branch: head.Ref, Commit: d.Revisions[d.live].Commit,
		Message: condition.Shorten(d.quarantined[d.quarantine(head.Revision)].Message, longestEvidence),
	}
}

// fastForward moves a branch to the share that has done well; nil without one.
func (d *deciding) fastForward() *v1alpha1.CommitRequest {
	if d.merge == nil {
		return nil
	}
	return &v1alpha1.CommitRequest{
		Action: v1alpha1.CommitFastForward, Revision: d.merge.Revision, Branch: "refs/heads/" + d.merge.head.Rule.Promote.To, Commit: d.merge.head.Commit,
	}
}
