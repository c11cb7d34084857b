package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// Misruled is what is wrong with the rules of a headway.yaml on the production
// branch, a full name or a short one. The file itself does not know it:
//
//	ends at 100%, names production        is production's; one is enough
//	ends at 100%, does not                is for tags, and excludes the above
//	... and cannot name a version         is a mistake
//	holds a share, for production alone   is for other branches
//	... and for production, under tags    would give it traffic that it has not
//	promote.to                            is the production branch
//
// It must not be called for a file that has another problem.
func (c *Candidate) Misruled(production string) specfile.Problems {
	branch := v1alpha1.ShortRef(production)
	var problems specfile.Problems
	refuse := func(r *v1alpha1.Rule, key, format string, args ...any) {
		p := c.Spec.Problem("release."+r.Refs+key, fmt.Sprintf(format, args...))
		p.File = c.File
		problems = append(problems, p)
	}
	tags := tagRules(c.Spec.Release, branch)
	var whole *v1alpha1.Rule // production's
	for i := range c.Spec.Release {
		r := &c.Spec.Release[i]
		names := r.Names(branch)
		switch {
		case r.Ends() && names && whole != nil:
			refuse(r, "", "never applies, as %s before it is for the production branch %s already", whole.Refs, branch)
		case r.Ends() && names:
			whole = r
		case r.Ends() && !mayNameVersion(r.Refs):
			refuse(r, "", "is not the production branch, which is %s, and cannot be the version of a tag; give a branch a share, such as weight: 10", branch)
		case !r.Ends() && r.Refs == branch:
			refuse(r, "", "is the production branch; a share is for other branches")
		case !r.Ends() && names && tags != nil:
			refuse(r, "", "also names the production branch %s, which has no traffic where tags are released; write a narrower glob", branch)
		case r.Promote != nil && r.Promote.To != branch:
			refuse(r, ".promote.to", "%s is not the production branch, which is %s", r.Promote.To, branch)
		}
	}
	if whole != nil && len(problems) == 0 {
		for i := range tags {
			r := &tags[i]
			refuse(r, "", "ends at 100%% and is for tags, while %s is for the production branch %s; a version comes from one of the two: keep %s to release each push, or %s to release tags. To give a branch a share, write weight: 10",
				whole.Refs, branch, whole.Refs, r.Refs)
		}
	}
	return problems
}

// tagRules are the rules by which tags are released; none where the production
// branch is.
func tagRules(rules []v1alpha1.Rule, branch string) []v1alpha1.Rule {
	var tags []v1alpha1.Rule
	for i := range rules {
		if rules[i].Ends() && !rules[i].Names(branch) {
			tags = append(tags, rules[i])
		}
	}
	return tags
}

// mayNameVersion reports whether a glob may match the name of a version.
func mayNameVersion(glob string) bool {
	return strings.ContainsAny(glob, "*?[") || semanticVersion(glob) != ""
}

// holds reports whether a rule gives a branch beside production a share.
func holds(rules []v1alpha1.Rule, production, ref string) bool {
	spec := v1alpha1.AppSpec{ProductionRef: production, Release: rules}
	r := spec.RuleFor(ref)
	return r != nil && !r.Ends()
}

// Asked are the refs that rules of release ask for: branches with a share, and
// for each app the newest version of its tags. refs are all that the remote
// has. The rules are those of the files on production, as far as they are read,
// and those that Apps go by until then.
func (f Facts) Asked(refs map[string]string) (branches, releases []string) {
	all := f.rules()
	for ref := range refs {
		if !strings.HasPrefix(ref, "refs/heads/") || ref == f.ProductionRef || v1alpha1.InMergeQueue(ref) {
			continue
		}
		if slices.ContainsFunc(all, func(rules []v1alpha1.Rule) bool { return holds(rules, f.ProductionRef, ref) }) {
			branches = append(branches, ref)
		}
	}
	for _, rules := range all {
		if v, found := f.Tags.newest(tagRules(rules, v1alpha1.ShortRef(f.ProductionRef))); found {
			releases = append(releases, v.ref)
		}
	}
	slices.Sort(branches)
	slices.Sort(releases)
	return branches, slices.Compact(releases)
}

// rules are those of all apps that have some.
func (f Facts) rules() [][]v1alpha1.Rule {
	var all [][]v1alpha1.Rule
	for _, app := range f.Apps {
		all = append(all, app.Spec.Release)
	}
	if f.Production != nil {
		for i := range f.Production.Apps {
			if c := &f.Production.Apps[i]; c.Problem == nil && c.Spec != nil {
				all = append(all, c.Spec.Release)
			}
		}
	}
	return slices.DeleteFunc(all, func(rules []v1alpha1.Rule) bool { return len(rules) == 0 })
}
