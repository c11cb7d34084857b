package preview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/specfile"
)

// rules are what the production branch says of previews.
type rules struct {
	// production is the branch, a short name.
	production string
	// apps are those that have previews, by name.
	apps map[string]*specfile.Preview
}

// rulesOf reads them out of the headway.yaml files of the production branch. Of a
// file that cannot be used, nobody knows what it says.
func rulesOf(production string, files []plan.Candidate) rules {
	r := rules{production, map[string]*specfile.Preview{}}
	for _, f := range files {
		if f.Problem == nil && !f.Template && f.Spec != nil && f.Spec.Preview != nil {
			r.apps[f.Name] = f.Spec.Preview
		}
	}
	return r
}

// names are the apps of which a branch may have previews by its name, sorted.
func (r rules) names(branch string) []string {
	var apps []string
	for name, p := range r.apps {
		if p.Names(branch) {
			apps = append(apps, name)
		}
	}
	slices.Sort(apps)
	return apps
}

// globs of all apps, sorted, each once.
func (r rules) globs() []string {
	var all []string
	for _, p := range r.apps {
		all = append(all, p.Branches...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// target is the branch of the remote that has previews for a branch of the clone:
// that of the same name, or else that of which most apps have previews.
func (r rules) target(branch string) (string, error) {
	switch {
	case branch == r.production:
		return "", fmt.Errorf("%s is the production branch, which has no preview; git switch -c NAME makes another", branch)
	case len(r.apps) == 0:
		return "", fmt.Errorf("no app has previews: write preview: {branches: [preview/**]} into a headway.yaml on %s, and push that", r.production)
	case len(r.globs()) == 0:
		return "", fmt.Errorf("previews come with pull requests here: push %s and open one. preview: {branches: [preview/**]} in a headway.yaml on %s gives them to branches, too", branch, r.production)
	case r.allows(branch):
		return branch, nil
	}
	best := ""
	for _, glob := range r.globs() {
		if name := fill(glob, branch); r.allows(name) && len(r.names(name)) > len(r.names(best)) {
			best = name
		}
	}
	if best == "" {
		return "", fmt.Errorf("no name can be made of %s that preview.branches allows: %s; git branch -m gives it another", branch, cli.Enumerate(r.globs()))
	}
	return best, nil
}

// allows reports whether a branch has previews by its name.
func (r rules) allows(branch string) bool {
	return branch != r.production && len(r.names(branch)) > 0 && !v1alpha1.InMergeQueue("refs/heads/"+branch)
}

// fill puts the name of a branch into the place that a glob leaves open; empty
// where it leaves none, or several.
func fill(glob, branch string) string {
	before, after, open := strings.Cut(glob, "**")
	if !open {
		before, after, open = strings.Cut(glob, "*")
		branch = strings.ReplaceAll(branch, "/", "-")
	}
	if !open || strings.ContainsAny(before+after, `*?[\`) {
		return ""
	}
	return before + branch + after
}
