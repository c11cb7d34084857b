package app

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/api/window"
	"github.com/headway-dev/headway/reconciler/promotion"
)

// promotion is what the decision about the traffic rests on.
func (s Seen) promotion(now time.Time) promotion.Input {
	spec, status := &s.App.Spec, &s.App.Status
	in := promotion.Input{
		App: s.App.Name, Production: s.production(now), History: spec.History, Shares: s.shares(now), Pin: spec.Pin, Hold: spec.Hold, Serving: s.serving(),
		Revisions: make(map[string]promotion.Revision, len(s.Revisions)), Readings: s.Readings,
		Roles: status.Revisions, Trials: status.Trials, Commit: status.Commit, Committed: spec.Committed, Now: now,
	}
	for i := range s.Revisions {
		rev := &s.Revisions[i]
		r := promotion.Revision{
			Ready: isReady(rev), Pods: rev.Status.Replicas, Commit: rev.Spec.Commit, SameAs: rev.Status.SameAs, Served: s.served(rev, now),
			Settle: rev.Spec.Settle(), Retried: rev.Retried(),
			Evidence: promotion.Evidence{Crash: rev.Status.LastCrash, Answers: s.Answers[rev.Name]},
		}
		if rev.Status.Scaling != nil {
			r.Carries = rev.Status.Scaling.Carries
		}
		in.Revisions[rev.Name] = r
	}
	return in
}

// production is the head that goes to 100%. Where its branch is gone, the rule
// goes on for what is on its way.
func (s Seen) production(now time.Time) promotion.Head {
	ref := s.App.Spec.ProductionRef
	for _, head := range s.App.Spec.Heads {
		if head.Ref == ref {
			return headOf(head, s.App.Spec.RuleFor(ref), now)
		}
	}
	return headOf(v1alpha1.Head{Ref: ref}, s.App.Spec.RuleFor(ref), now)
}

// shares are the heads of branches with a rule that holds a share, in the order
// of the rules and then of the refs. Commits of a merge queue have none, whatever
// the rule: they are only built.
func (s Seen) shares(now time.Time) (shares []promotion.Head) {
	heads := slices.SortedFunc(slices.Values(s.App.Spec.Heads), func(a, b v1alpha1.Head) int { return strings.Compare(a.Ref, b.Ref) })
	for i := range s.App.Spec.Release {
		rule := &s.App.Spec.Release[i]
		for _, head := range heads {
			if !rule.Ends() && !v1alpha1.InMergeQueue(head.Ref) && s.App.Spec.RuleFor(head.Ref) == rule {
				shares = append(shares, headOf(head, rule, now))
			}
		}
	}
	return shares
}

// unreadable is how long nothing goes forward, again and again, where a window
// cannot be read: the watcher lets none in.
const unreadable = time.Minute

func headOf(head v1alpha1.Head, rule *v1alpha1.Rule, now time.Time) promotion.Head {
	h := promotion.Head{Ref: head.Ref, Revision: head.Revision, Commit: head.Commit, Approved: head.Approved, Promoted: head.Promoted}
	if rule == nil {
		return h
	}
	h.Rule = *rule
	text, until, err := window.Within(rule.Freeze, now)
	if err != nil {
		text, until = err.Error(), now.Add(unreadable)
	}
	h.Frozen = promotion.Freeze{Until: until, Window: text}
	return h
}

// served reports whether a revision, or one that runs the same, has been live
// for long enough to settle. One that failed has not.
func (s Seen) served(rev *v1alpha1.Revision, now time.Time) bool {
	return slices.ContainsFunc(s.App.Status.Deployments, func(d v1alpha1.Deployment) bool {
		was := s.revision(d.Revision)
		if d.Revision != rev.Name && (was == nil || !sameRun(was, rev)) || s.App.Status.Role(d.Revision) == v1alpha1.RoleQuarantined {
			return false
		}
		until := now
		if d.Until != nil {
			until = d.Until.Time
		}
		return until.Sub(d.From.Time) >= cmp.Or(was, rev).Spec.Settle()
	})
}

// sameRun reports whether two revisions run the same image with the same settings.
func sameRun(a, b *v1alpha1.Revision) bool {
	return a.Status.Image != "" && a.Status.Image == b.Status.Image && a.Spec.Source.SpecHash == b.Spec.Source.SpecHash
}
