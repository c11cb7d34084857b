package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// ledger knows the revisions of one App, those that are and those that the
// plan makes.
type ledger struct {
	app  string
	rows map[string]identity
	made []Revision
	// preview says whose builds the revisions of a preview share.
	preview *v1alpha1.BuiltFor
}

// identity is what makes a revision the same as another.
type identity struct{ commit, key, specHash string }

func (f Facts) openLedger(app string) *ledger {
	l := &ledger{app: app, rows: map[string]identity{}}
	for _, r := range f.Revisions {
		if r.Spec.App == app {
			l.rows[r.Name] = identityOf(r)
		}
	}
	return l
}

func identityOf(r *v1alpha1.Revision) identity {
	return identity{r.Spec.Commit, r.Spec.Source.Key, r.Spec.Source.SpecHash}
}

// revisionOf is the revision of an app at a commit: one of candidates when the
// commit changes nothing of it, the one that the commit has already, or a new
// one.
func (l *ledger) revisionOf(ref string, s *Snapshot, c *Candidate, candidates ...string) string {
	for _, name := range candidates {
		row, ok := l.rows[name]
		if ok && row.key == c.key && row.specHash == c.specHash {
			return name
		}
	}
	for length := 8; ; length += 4 {
		name := l.app + "-" + s.Commit[:min(length, len(s.Commit))]
		row, taken := l.rows[name]
		switch {
		case !taken:
			l.rows[name] = identity{s.Commit, c.key, c.specHash}
			l.made = append(l.made, Revision{name, ref, s, c, nil})
			return name
		case row.commit == s.Commit:
			return name
		}
	}
}

// previewOf is the revision of a preview, as revisionOf gives it. Production may
// change what the same commit runs with: then the name has a hash of that, too.
func (l *ledger) previewOf(ref string, s *Snapshot, c *Candidate, candidates ...string) string {
	is := identity{s.Commit, c.key, c.specHash}
	for _, name := range candidates {
		if row, ok := l.rows[name]; ok && row.form() == is.form() {
			return name
		}
	}
	sum := sha256.Sum256([]byte(is.commit + is.key + is.specHash))
	name, more := l.app+"-"+s.Commit[:8], hex.EncodeToString(sum[:])
	for length := 4; l.rows[name] != (identity{}) && l.rows[name] != is; length++ {
		name = l.app + "-" + s.Commit[:8] + more[:length]
	}
	if l.rows[name] != is {
		l.rows[name] = is
		l.made = append(l.made, Revision{name, ref, s, c, l.preview})
	}
	return name
}

// form is what makes two revisions run the same.
func (i identity) form() identity { return identity{key: i.key, specHash: i.specHash} }

// pinned finds the revision of a pinned commit: the one that the App has for
// it, or one made from it; "" when there is none.
func (l *ledger) pinned(commit string, prior v1alpha1.AppSpec) string {
	if commit == "" {
		return ""
	}
	if _, ok := l.rows[prior.Pin]; ok && prior.PinCommit == commit {
		return prior.Pin
	}
	for _, name := range slices.Sorted(maps.Keys(l.rows)) {
		if l.rows[name].commit == commit {
			return name
		}
	}
	return ""
}
