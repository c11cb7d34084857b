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
	// approved and promoted are commits that a tag names, by app.
	approved, promoted map[string][]string
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
	t := Tags{approved: map[string][]string{}, promoted: map[string][]string{}}
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
	switch {
	case m == nil || !strings.HasPrefix(commit, m[3]):
	case m[1] == "approve":
		t.approved[m[2]] = append(t.approved[m[2]], commit)
	default:
		t.promoted[m[2]] = append(t.promoted[m[2]], commit)
	}
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
