package watcher

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/specfile"
)

// chosen are the refs of a remote to watch.
type chosen struct {
	// productionRef is the full name of the production branch.
	productionRef string
	// others are the commits of the further refs, by full name.
	others map[string]string
	// omitted says what of spec.refs is not watched.
	omitted []*plan.Problem
}

// chooseRefs picks what to watch from what the remote has: the production
// branch, and what the globs match. Errors are of type *git.Error.
func chooseRefs(advertised map[string]string, branch string, globs []string) (chosen, error) {
	c := chosen{productionRef: "refs/heads/" + branch, others: map[string]string{}}
	if advertised[c.productionRef] == "" {
		return chosen{}, &git.Error{Reason: v1alpha1.ReasonBranchNotFound, Message: branchNotFound(advertised, branch)}
	}
	for _, pattern := range globs {
		glob, err := refGlob(pattern)
		if err != nil {
			c.omitted = append(c.omitted, plan.NewProblem(v1alpha1.ReasonInvalidRefs, "spec.refs: %v; write globs such as release/* or refs/tags/v*", err))
			continue
		}
		for ref, commit := range advertised {
			// A glob without ** matches whole names, not all below a folder.
			if ref != c.productionRef && watchable(ref) && glob.Match(ref) && sameDepth(pattern, ref) {
				c.others[ref] = commit
			}
		}
	}
	return c, nil
}

func refGlob(pattern string) (specfile.Glob, error) {
	return specfile.ParseGlob(fullRef(pattern))
}

// fullRef: a glob without refs/ means a branch.
func fullRef(pattern string) string {
	if strings.HasPrefix(pattern, "refs/") {
		return pattern
	}
	return "refs/heads/" + pattern
}

// watchable leaves out what forges keep under refs/ for themselves, such as
// the heads of pull requests, which anybody may push.
func watchable(ref string) bool {
	return strings.HasPrefix(ref, "refs/heads/") || strings.HasPrefix(ref, "refs/tags/")
}

func sameDepth(pattern, ref string) bool {
	full := fullRef(pattern)
	return strings.Contains(full, "**") || strings.Count(full, "/") == strings.Count(ref, "/")
}

func branchNotFound(advertised map[string]string, branch string) string {
	var branches []string
	for _, ref := range slices.Sorted(maps.Keys(advertised)) {
		if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			branches = append(branches, name)
		}
	}
	if len(branches) == 0 {
		return fmt.Sprintf("the repository has no branch %q and no other branch either; push one, or set spec.productionBranch. Apps keep running", branch)
	}
	more := ""
	if len(branches) > 5 {
		branches, more = branches[:5], ", ..."
	}
	return fmt.Sprintf("the repository has no branch %q (it has %s%s); push it, or set spec.productionBranch. Apps keep running", branch, strings.Join(branches, ", "), more)
}
