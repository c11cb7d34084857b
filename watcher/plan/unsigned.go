package plan

import (
	"cmp"
	"maps"
	"slices"
)

// Unsigned is the snapshot of a commit on production that does not count. It
// leaves every App as it is, with the problem, whatever the commit itself holds:
// none is made, and none goes. An App that was renamed still goes when its
// successor is live, as earlier commits say.
func (f Facts) Unsigned(commit string, why *Problem) *Snapshot {
	s := &Snapshot{Commit: commit, Unsigned: why}
	for name, app := range f.Apps {
		if !Renamed(app.Spec) {
			s.Apps = append(s.Apps, Candidate{File: app.Spec.Path, Name: name, Problem: why})
		}
	}
	slices.SortFunc(s.Apps, func(a, b Candidate) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Name, b.Name)) })
	return s
}

// Decisions are the tags that decide about a commit which is, or may become, a
// head of an app, without those that have counted before. All others decide
// nothing, however many there are.
func (f Facts) Decisions() []Decision {
	heads := map[string]bool{f.Production.Commit: true}
	for _, s := range f.Others {
		heads[s.Commit] = true
	}
	made := map[string]map[string]bool{}
	for _, r := range f.Revisions {
		if made[r.Spec.App] == nil {
			made[r.Spec.App] = map[string]bool{}
		}
		made[r.Spec.App][r.Spec.Commit] = true
	}
	var out []Decision
	for _, app := range slices.Sorted(maps.Keys(f.Tags.decisions)) {
		for _, d := range f.Tags.decisions[app] {
			if (heads[d.Commit] || made[app][d.Commit]) && !f.counted(d) {
				out = append(out, d)
			}
		}
	}
	slices.SortFunc(out, func(a, b Decision) int { return cmp.Compare(a.Ref, b.Ref) })
	return out
}

// counted reports whether a tag, or one that says the same, has decided about a
// head in the plan before.
func (f Facts) counted(d Decision) bool {
	app := f.Apps[d.App]
	if app == nil {
		return false
	}
	ledger := f.openLedger(d.App)
	for i := range app.Spec.Heads {
		h := &app.Spec.Heads[i]
		if d.about(h, ledger) && (d.promotes && h.Promoted || !d.promotes && h.Approved) {
			return true
		}
	}
	return false
}
