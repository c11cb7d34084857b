package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// release says which revision serves, and notes it in the spec, which holds
// the head of the production branch already:
//
//	no rule for tags               the head of the production branch
//	a tag with a version matches   the newest one of them
//	... that cannot be used        what did before, with a problem
//	none does (yet, or any more)   what did before, with a problem
//
// With the last two, what is live stays, and of a new app nothing is.
func (f Facts) release(spec *v1alpha1.AppSpec, name string, prior v1alpha1.AppSpec, ledger *ledger) {
	branch := spec.Heads[0]
	rules := tagRules(spec.Release, v1alpha1.ShortRef(f.ProductionRef))
	if rules == nil {
		spec.ProductionRef, spec.History = f.ProductionRef, push(prior.History, branch.Revision)
		return
	}
	newest, found := f.Tags.newest(rules)
	snap := f.Others[newest.ref]
	switch {
	case !found:
		var globs []string
		for _, r := range rules {
			globs = append(globs, r.Refs)
		}
		// No ref can have the name of a glob, unless that is a version.
		spec.ProductionRef, spec.History = tagPrefix+rules[0].Refs, f.liveHistory(name, prior)
		f.unreleased(spec, fmt.Sprintf("no tag that is a version matches %s%s, so that no new version goes live. Push one%s", FirstFew(globs), exceptLive(prior), example(&rules[0])))
	case snap.App(name) == nil:
		if h := priorHead(prior, prior.ProductionRef); h != nil && h.Ref != f.ProductionRef {
			spec.ProductionRef, spec.History, spec.Heads = h.Ref, prior.History, append(spec.Heads, *h)
		} else {
			spec.ProductionRef, spec.History = newest.ref, f.liveHistory(name, prior)
		}
		f.unreleased(spec, fmt.Sprintf("%s cannot be released%s: %s", v1alpha1.ShortRef(newest.ref), exceptLive(prior), f.unusable(newest.ref, name)))
	default:
		same := []string{priorHeads(prior)[newest.ref], branch.Revision, priorHeads(prior)[prior.ProductionRef]}
		if was := semanticVersion(v1alpha1.ShortRef(prior.ProductionRef)); was != "" && semver.Compare(newest.semver, was) < 0 {
			same = append(same, prior.History...) // the newer tag is gone
		}
		revision := ledger.revisionOf(newest.ref, snap, snap.App(name), same...)
		spec.ProductionRef, spec.History = newest.ref, push(prior.History, revision)
		spec.Heads = append(spec.Heads, v1alpha1.Head{Ref: newest.ref, Commit: snap.Commit, Revision: revision})
	}
}

func (f Facts) unreleased(spec *v1alpha1.AppSpec, message string) {
	spec.Problem = &v1alpha1.SpecProblem{Commit: f.Production.Commit, Reason: v1alpha1.ReasonNoRelease, Message: condition.Shorten(message, MaxMessage)}
}

// liveHistory is the history of an App without a head that serves: by no rule
// may what is not live yet become so.
func (f Facts) liveHistory(name string, prior v1alpha1.AppSpec) []string {
	app := f.Apps[name]
	if app == nil {
		return prior.History
	}
	live := slices.Index(prior.History, app.Status.Live)
	var history []string
	for i, revision := range prior.History {
		if i >= live || app.Status.Role(revision) == v1alpha1.RoleQuarantined {
			history = append(history, revision)
		}
	}
	return history
}

// exceptLive says what becomes of what is live.
func exceptLive(prior v1alpha1.AppSpec) string {
	if len(prior.History) == 0 {
		return ""
	}
	return "; what is live stays"
}

// example is how to make a tag that a rule names; a colon and a command, or
// nothing where that is hard to tell.
func example(r *v1alpha1.Rule) string {
	for _, v := range []string{"v1.0.0", "1.0.0", path.Base(r.Refs)} {
		if tag := path.Join(path.Dir(r.Refs), v); r.Names(tag) && !strings.ContainsAny(tag, "*?[") {
			return fmt.Sprintf(": git tag %s && git push origin %s", tag, tag)
		}
	}
	return ""
}

// unusable is why there is no app of a name in the commit of a tag.
func (f Facts) unusable(ref, name string) string {
	snap := f.Others[ref]
	if why := f.Unread[ref]; why != nil {
		return why.Message
	}
	if snap == nil {
		return "it points at no commit"
	}
	if why := snap.problemOf(name); why != nil {
		return why.Message
	}
	return fmt.Sprintf("its commit has no usable headway.yaml with the name %q", name)
}

// decide notes what the tags say of the heads' commits. One counts for a head
// if it names its commit, or that of its revision: the commits since then have
// not touched the app.
func (f Facts) decide(spec *v1alpha1.AppSpec, name string, ledger *ledger) {
	for i := range spec.Heads {
		h := &spec.Heads[i]
		h.Approved, h.Promoted = false, false
		for _, d := range f.Tags.decisions[name] {
			if d.about(h, ledger) {
				h.Approved, h.Promoted = h.Approved || !d.promotes, h.Promoted || d.promotes
			}
		}
	}
}

// about reports whether a tag names the commit of a head, or that of its revision.
func (d Decision) about(h *v1alpha1.Head, ledger *ledger) bool {
	return d.Commit == h.Commit || d.Commit == ledger.rows[h.Revision].commit
}

// priorHead finds the head of a ref; nil if there is none.
func priorHead(spec v1alpha1.AppSpec, ref string) *v1alpha1.Head {
	for i := range spec.Heads {
		if spec.Heads[i].Ref == ref {
			return &spec.Heads[i]
		}
	}
	return nil
}
