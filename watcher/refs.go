package watcher

import (
	"context"
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
	// listed are the commits of the further refs that spec.refs names, by full
	// name; invalid are globs in it that cannot be read.
	listed  map[string]string
	invalid []*plan.Problem
	// others are the commits of all further refs that are watched. Those in ruled
	// are asked for by rules of release alone.
	others map[string]string
	ruled  map[string]bool
	// queues: the commits of merge queues are watched, too.
	queues bool
	// omitted says what is not watched.
	omitted []*plan.Problem
}

// chooseRefs picks what to watch from what the remote has: the production
// branch, and what the globs match. Errors are of type *git.Error.
func chooseRefs(advertised map[string]string, branch string, globs []string) (chosen, error) {
	c := chosen{productionRef: "refs/heads/" + branch, listed: map[string]string{}}
	if advertised[c.productionRef] == "" {
		return chosen{}, &git.Error{Reason: v1alpha1.ReasonBranchNotFound, Message: branchNotFound(advertised, branch)}
	}
	for _, pattern := range globs {
		glob, err := refGlob(pattern)
		if err != nil {
			c.invalid = append(c.invalid, plan.NewProblem(v1alpha1.ReasonInvalidRefs, "spec.refs: %v; write globs such as release/* or refs/tags/v*", err))
			continue
		}
		for ref, commit := range advertised {
			// A glob without ** matches whole names, not all below a folder.
			if ref != c.productionRef && watchable(ref) && !v1alpha1.InMergeQueue(ref) && glob.Match(ref) && sameDepth(pattern, ref) {
				c.listed[ref] = commit
			}
		}
	}
	return c, nil
}

// watch chooses the further refs anew: those of spec.refs, and what rules of
// release ask for. How many tags are released does not bound the others.
func (l *look) watch(ctx context.Context, f *plan.Facts) error {
	advertised := l.session.Refs()
	branches, releases := f.Asked(advertised)
	l.others, l.ruled, l.omitted = maps.Clone(l.listed), map[string]bool{}, slices.Clone(l.invalid)
	add := func(ref string) {
		if l.others[ref] == "" {
			l.others[ref], l.ruled[ref] = advertised[ref], true
		}
	}
	for _, ref := range branches {
		add(ref)
	}
	if l.queues {
		maps.Copy(l.others, f.QueueHeads(advertised))
	}
	if len(l.others) > maxRefs {
		if err := l.dateRefs(ctx); err != nil {
			return err
		}
		l.newest(maxRefs, l.memory.times)
	}
	if len(releases) > maxReleases {
		l.omitted = append(l.omitted, plan.NewProblem(v1alpha1.ReasonTooManyRefs, "the rules of release name %d tags at once; %d are followed, these are not: %s. Split the repository",
			len(releases), maxReleases, plan.FirstFew(releases[maxReleases:])))
		releases = releases[:maxReleases]
	}
	for _, ref := range releases {
		add(ref)
	}
	return nil
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
