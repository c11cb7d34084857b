package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// FullHash is the length of a commit's whole hash.
const FullHash = 40

// pin finds the revision of the commit that a headway.yaml pins, and the
// commit's full hash. A revision that is gone is made again.
func (f Facts) pin(c *Candidate, ledger *ledger, prior v1alpha1.AppSpec) (revision, commit string, why *Problem) {
	if c.Spec.Pin == "" {
		return "", "", nil
	}
	notFound := func(why string) (string, string, *Problem) {
		return "", "", NewProblem(v1alpha1.ReasonPinNotFound, "%s: pin: %s", c.File, why)
	}
	commit, ambiguous := f.fullPin(c.Spec.Pin, ledger, prior)
	if ambiguous {
		return notFound(fmt.Sprintf("%s is the start of several commits; write the full hash", c.Spec.Pin))
	}
	if name := ledger.pinned(commit, prior); name != "" {
		return name, commit, nil
	}
	snap := f.commit(cmp.Or(commit, c.Spec.Pin))
	if why := f.Unread[cmp.Or(commit, c.Spec.Pin)]; snap == nil && why != nil {
		return notFound(fmt.Sprintf("commit %s cannot be read: %s", cmp.Or(commit, c.Spec.Pin), why.Message))
	}
	if snap == nil {
		if commit == "" {
			return notFound(fmt.Sprintf("no commit %s is known or among the last 1000 of %s; write the full hash", c.Spec.Pin, v1alpha1.ShortRef(f.ProductionRef)))
		}
		return notFound(fmt.Sprintf("the repository has no commit %s that can be fetched; pin one that is on %s", commit, v1alpha1.ShortRef(f.ProductionRef)))
	}
	pinned := snap.App(c.Name)
	if why := snap.problemOf(c.Name); pinned == nil && why != nil {
		return notFound(fmt.Sprintf("commit %s cannot be used: %s", c.Spec.Pin, why.Message))
	}
	if pinned == nil {
		return notFound(fmt.Sprintf("commit %s has no usable headway.yaml with the name %q", c.Spec.Pin, c.Name))
	}
	return ledger.revisionOf(f.ProductionRef, snap, pinned, prior.History...), snap.Commit, nil
}

// keepPin is the pin of an App whose headway.yaml cannot be used now: the one
// it has. Its revision, when it is gone, is made again.
func (f Facts) keepPin(app *v1alpha1.App, ledger *ledger) string {
	spec := app.Spec
	if spec.Pin == "" || spec.PinCommit == "" || ledger.pinned(spec.PinCommit, spec) != "" {
		return spec.Pin
	}
	if snap := f.commit(spec.PinCommit); snap != nil {
		if c := snap.App(app.Name); c != nil {
			return ledger.revisionOf(f.ProductionRef, snap, c, spec.History...)
		}
	}
	return spec.Pin
}

// fullPin is the full hash that a pin stands for, as far as that is known
// without looking at the remote; "" when it is not. A pin goes on meaning the
// commit it has meant.
func (f Facts) fullPin(pin string, ledger *ledger, prior v1alpha1.AppSpec) (commit string, ambiguous bool) {
	if len(pin) >= FullHash {
		return pin, false
	}
	if strings.HasPrefix(prior.PinCommit, pin) {
		return prior.PinCommit, false
	}
	known := []string{f.Production.Commit}
	for _, s := range f.Others {
		known = append(known, s.Commit)
	}
	for _, h := range prior.Heads {
		known = append(known, h.Commit)
	}
	for _, row := range ledger.rows {
		known = append(known, row.commit)
	}
	for _, k := range known {
		if !strings.HasPrefix(k, pin) {
			continue
		}
		if commit != "" && commit != k {
			return "", true
		}
		commit = k
	}
	return commit, false
}

// commit finds a commit that was read.
func (f Facts) commit(hash string) *Snapshot {
	if s := f.Pinned[hash]; s != nil {
		return s
	}
	if f.Production.Commit == hash {
		return f.Production
	}
	for _, ref := range slices.Sorted(maps.Keys(f.Others)) {
		if f.Others[ref].Commit == hash {
			return f.Others[ref]
		}
	}
	return nil
}

// PinsToRead are the pinned commits that no revision and no ref has: they have
// to be fetched before a plan can be made. One that is shorter than a full
// hash has to be searched for.
func (f Facts) PinsToRead() []string {
	var pins []string
	read := func(pin string) {
		if f.commit(pin) == nil && !slices.Contains(pins, pin) {
			pins = append(pins, pin)
		}
	}
	for i := range f.Production.Apps {
		c := &f.Production.Apps[i]
		if c.Problem != nil || c.Spec.Pin == "" {
			continue
		}
		prior, ledger := f.priorSpec(c), f.openLedger(c.Name)
		if commit, ambiguous := f.fullPin(c.Spec.Pin, ledger, prior); !ambiguous && ledger.pinned(commit, prior) == "" {
			read(cmp.Or(commit, c.Spec.Pin))
		}
	}
	// An App that has a pin may have to keep it.
	for _, name := range slices.Sorted(maps.Keys(f.Apps)) {
		prior := f.Apps[name].Spec
		if prior.Pin != "" && prior.PinCommit != "" && f.openLedger(name).pinned(prior.PinCommit, prior) == "" {
			read(prior.PinCommit)
		}
	}
	return pins
}

func (f Facts) priorSpec(c *Candidate) v1alpha1.AppSpec {
	if app := f.Apps[c.Name]; app != nil {
		return app.Spec
	}
	return v1alpha1.AppSpec{}
}
