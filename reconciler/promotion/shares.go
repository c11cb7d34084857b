package promotion

import (
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// maxShared is the weight that all shares may have together, in basis points:
	// the stable revision stays large enough to compare with.
	maxShared = 9000
	// maxShares bounds how many refs hold one.
	maxShares = 16
)

// share gives the heads of branches the traffic that their rules name, in order.
// Beside a pin, or where nothing is live, there is none.
func (d *deciding) share() {
	if d.Pin != "" || d.live == "" {
		return
	}
	shared, left := int32(0), maxShares
	for i := range d.Shares {
		head := &d.Shares[i]
		if d.merged(head.Revision) {
			continue
		}
		crowded := left == 0 || shared+head.Rule.Weight > maxShared
		if !crowded {
			shared, left = shared+head.Rule.Weight, left-1
		}
		d.shareOf(head, crowded)
	}
}

// compare goes on with all shares beside a revision that is live from now on.
func (d *deciding) compare() {
	for _, t := range d.shares {
		t.beside(d.live)
	}
}

// merged reports whether a revision serves already, or is about to, as one of
// production or of a branch before.
func (d *deciding) merged(name string) bool {
	if slices.ContainsFunc(d.shares, func(t *trial) bool { return t.Revision == name }) {
		return true
	}
	same := d.Revisions[name].SameAs
	return name == d.live || name == d.kept || d.candidate != nil && name == d.candidate.Revision || same == d.live || same != "" && same == d.kept
}

// shareOf gives a ref its share: its head takes it when all checks hold, and
// the revision that has it keeps it until then.
func (d *deciding) shareOf(head *Head, crowded bool) {
	before := d.sharing(head.Ref)
	if before != "" && before != head.Revision && !d.merged(before) {
		if t := d.holder(before, head, crowded); t != nil && t.Step > 0 {
			t.Waiting = "for commit " + v1alpha1.Short(head.Commit) + ", which replaces it"
			d.shares = append(d.shares, t)
		}
	}
	t := d.holder(head.Revision, head, crowded)
	if t == nil || t.before == nil && !t.revision.Ready {
		return
	}
	if d.wins(t) {
		d.shares = slices.DeleteFunc(d.shares, func(o *trial) bool { return o.Ref == head.Ref })
		d.promote(t)
	}
	d.shares = append(d.shares, t)
}

// sharing is the revision that has the share of a ref; empty: none has.
func (d *deciding) sharing(ref string) string {
	for _, t := range d.Serving {
		if t.Salt == ref && t.Weight > 0 {
			return t.Revision
		}
	}
	for _, t := range d.Trials {
		if t.Ref == ref && t.Step > 0 { // it has matches only
			return t.Revision
		}
	}
	return ""
}

// holder goes on with the trial of a share, with the weight that it has; nil if
// it has failed.
func (d *deciding) holder(name string, head *Head, crowded bool) *trial {
	if !d.exists(name) || d.quarantine(name) >= 0 {
		return nil
	}
	t := d.begin(name, head)
	if done := d.Committed; done != nil && done.Action == v1alpha1.CommitFastForward && done.Revision == name {
		t.Committed = done // the next answer takes its place in Input
	}
	has := d.served(name, head.Ref)
	if has > 0 && t.Step == 0 {
		t.stay(1)
	}
	t.Steps, t.crowded = 1, crowded
	if t.Weight = min(has, head.Rule.Weight); crowded {
		t.Weight = 0
	}
	if t.Weight == 0 && head.Rule.Weight > 0 && t.Step > 0 {
		t.stay(0)
	}
	if why := t.failure(); why != "" {
		d.fail(name, why)
		return nil
	}
	d.judge(t)
	t.count(minRequests(&head.Rule))
	return t
}

// minRequests is how many a share needs before its branch is promoted.
func minRequests(rule *v1alpha1.Rule) int64 {
	if rule.Promote == nil || rule.Gates == nil {
		return 0
	}
	return rule.Gates.MinRequests
}

// wins brings a head's share to the weight of its rule, and reports whether it
// has one.
func (d *deciding) wins(t *trial) bool {
	goal := t.head.Rule.Weight
	if t.Step > 0 && t.Weight == goal {
		return true
	}
	t.carry = goal
	if w := t.first(beforeShare); w.text != "" {
		if w.pods {
			t.coming = goal
		}
		d.waits(t, w)
		return t.Step > 0
	}
	if t.Step == 0 {
		if t.head.Rule.Approve {
			d.approved(t)
		}
		t.stay(1)
	}
	t.Weight = goal
	if goal > 0 {
		d.tell(EventStepTaken, t.Revision, "takes %s of the traffic for %s", v1alpha1.Percent(goal), v1alpha1.ShortRef(t.Ref))
	}
	return true
}

// promote asks for the branch of a rule to be moved to a head that has had its
// share for long enough. Doubts begin that time anew.
func (d *deciding) promote(t *trial) {
	to := t.head.Rule.Promote
	if to == nil || t.coming > 0 {
		return
	}
	if t.before != nil && doubtful(t.before.Gates) != "" && doubtful(t.Gates) == "" {
		t.stay(t.Step)
	}
	checks := beforeMerge
	if t.head.Promoted {
		checks = beforeMergeNow
	}
	t.lasts = to.After.Duration
	if w := t.first(checks); w.text != "" {
		d.waits(t, w)
		return
	}
	t.Waiting = "for " + to.To + " to be moved to commit " + v1alpha1.Short(t.head.Commit)
	switch {
	case t.Committed == nil && d.merge == nil:
		d.merge = t
	case t.Committed != nil && t.Committed.Problem != "":
		t.Waiting += ": " + t.Committed.Problem
	case t.Committed != nil && t.Committed.Request != "":
		t.Waiting += ": merge " + t.Committed.Request
	}
}
