package plan

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Tags are the tags of a repository that mean something: versions, and those
// by which people approve or promote a commit.
type Tags struct {
	// versions, the newest first.
	versions []version
	// decisions by app.
	decisions map[string][]Decision
}

// Decision is a tag by which somebody approves or promotes a commit of an app.
type Decision struct {
	// Ref is the full name of the tag.
	Ref, App, Commit string
	promotes         bool
}

// version is a tag that is a semantic version, or ends with one: v1.2.0,
// shop/v1.2.0.
type version struct {
	ref, semver string
}

const (
	tagPrefix = "refs/tags/"
	// ownTags begins the tags that are said to Headway, and are no versions.
	ownTags = tagPrefix + "headway/"
)

// decisionTag is headway/approve/<app>/<the commit's hash, or the start of it>.
var decisionTag = regexp.MustCompile(`^` + ownTags + `(approve|promote)/([a-z0-9-]+)/([0-9a-f]{7,40})$`)

// ReadTags picks the tags that mean something out of a remote's refs, which are
// full names and the commits that they point at.
func ReadTags(refs map[string]string) Tags {
	t := Tags{decisions: map[string][]Decision{}}
	for ref, commit := range refs {
		if !strings.HasPrefix(ref, tagPrefix) {
			continue
		}
		if strings.HasPrefix(ref, ownTags) {
			t.readDecision(ref, commit)
			continue
		}
		if v := semanticVersion(v1alpha1.ShortRef(ref)); v != "" {
			t.versions = append(t.versions, version{ref, v})
		}
	}
	slices.SortFunc(t.versions, func(a, b version) int {
		return cmp.Or(semver.Compare(b.semver, a.semver), strings.Compare(b.ref, a.ref))
	})
	return t
}

// readDecision takes note of a tag by which somebody decides about an app. One
// that names another commit than its own decides nothing.
func (t Tags) readDecision(ref, commit string) {
	m := decisionTag.FindStringSubmatch(ref)
	if m == nil || !strings.HasPrefix(commit, m[3]) {
		return
	}
	t.decisions[m[2]] = append(t.decisions[m[2]], Decision{Ref: ref, App: m[2], Commit: commit, promotes: m[1] == "promote"})
}

// Ignore makes a tag by which somebody decides one that decides nothing.
func (t Tags) Ignore(d Decision) {
	t.decisions[d.App] = slices.DeleteFunc(t.decisions[d.App], func(other Decision) bool { return other == d })
}

// semanticVersion of a tag, after its last slash, with or without v before it;
// empty where it is none.
func semanticVersion(tag string) string {
	v := "v" + strings.TrimPrefix(path.Base(tag), "v")
	if !semver.IsValid(v) {
		return ""
	}
	return v
}

// newest is the tag with the highest version that one of the rules names.
func (t Tags) newest(rules []v1alpha1.Rule) (version, bool) {
	for _, v := range t.versions {
		short := v1alpha1.ShortRef(v.ref)
		if slices.ContainsFunc(rules, func(r v1alpha1.Rule) bool { return r.Names(short) }) {
			return v, true
		}
	}
	return version{}, false
}
