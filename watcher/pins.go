package watcher

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// fullHash is the length of a commit's whole hash.
const fullHash = 40

// pin finds the revision of the commit that a headway.yaml pins, and the
// commit's full hash. A revision that is gone is made again.
func (f facts) pin(c *candidate, book *ledger, prior v1alpha1.AppSpec) (revision, commit string, trouble *problem) {
	if c.pin == "" {
		return "", "", nil
	}
	notFound := func(why string) (string, string, *problem) {
		return "", "", &problem{v1alpha1.ReasonPinNotFound, fmt.Sprintf("%s: pin: %s", c.file, why)}
	}
	commit, ambiguous := f.fullPin(c.pin, book, prior)
	if ambiguous {
		return notFound(fmt.Sprintf("%s is the start of several commits; write the full hash", c.pin))
	}
	if name := book.pinned(commit, prior); name != "" {
		return name, commit, nil
	}
	snap := f.commit(cmp.Or(commit, c.pin))
	if why := f.unread[cmp.Or(commit, c.pin)]; snap == nil && why != nil {
		return notFound(fmt.Sprintf("commit %s cannot be read: %s", cmp.Or(commit, c.pin), why.message))
	}
	if snap == nil {
		if commit == "" {
			return notFound(fmt.Sprintf("no commit %s is known or among the last 1000 of %s; write the full hash", c.pin, shortRef(f.productionRef)))
		}
		return notFound(fmt.Sprintf("the repository has no commit %s that can be fetched; pin one that is on %s", commit, shortRef(f.productionRef)))
	}
	pinned := snap.app(c.name)
	if why := snap.problemOf(c.name); pinned == nil && why != nil {
		return notFound(fmt.Sprintf("commit %s cannot be used: %s", c.pin, why.message))
	}
	if pinned == nil {
		return notFound(fmt.Sprintf("commit %s has no usable headway.yaml with the name %q", c.pin, c.name))
	}
	return book.revisionOf(f.productionRef, snap, pinned, prior.History...), snap.commit, nil
}

// keepPin is the pin of an App whose headway.yaml cannot be used now: the one
// it has. Its revision, when it is gone, is made again.
func (f facts) keepPin(app *v1alpha1.App, book *ledger) string {
	spec := app.Spec
	if spec.Pin == "" || spec.PinCommit == "" || book.pinned(spec.PinCommit, spec) != "" {
		return spec.Pin
	}
	if snap := f.commit(spec.PinCommit); snap != nil {
		if c := snap.app(app.Name); c != nil {
			return book.revisionOf(f.productionRef, snap, c, spec.History...)
		}
	}
	return spec.Pin
}

// fullPin is the full hash that a pin stands for, as far as that is known
// without looking at the remote; "" when it is not. A pin goes on meaning the
// commit it has meant.
func (f facts) fullPin(pin string, book *ledger, prior v1alpha1.AppSpec) (commit string, ambiguous bool) {
	if len(pin) >= fullHash {
		return pin, false
	}
	if strings.HasPrefix(prior.PinCommit, pin) {
		return prior.PinCommit, false
	}
	known := []string{f.production.commit}
	for _, s := range f.others {
		known = append(known, s.commit)
	}
	for _, h := range prior.Heads {
		known = append(known, h.Commit)
	}
	for _, row := range book.rows {
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
func (f facts) commit(hash string) *snapshot {
	if s := f.pinned[hash]; s != nil {
		return s
	}
	if f.production.commit == hash {
		return f.production
	}
	for _, ref := range slices.Sorted(maps.Keys(f.others)) {
		if f.others[ref].commit == hash {
			return f.others[ref]
		}
	}
	return nil
}

// pinsToRead are the pinned commits that no revision and no ref has: they have
// to be fetched before a plan can be made. One that is shorter than a full
// hash has to be searched for.
func (f facts) pinsToRead() []string {
	var pins []string
	read := func(pin string) {
		if f.commit(pin) == nil && !slices.Contains(pins, pin) {
			pins = append(pins, pin)
		}
	}
	for i := range f.production.apps {
		c := &f.production.apps[i]
		if c.problem != nil || c.pin == "" {
			continue
		}
		prior, book := f.priorSpec(c), f.openLedger(c.name)
		if commit, ambiguous := f.fullPin(c.pin, book, prior); !ambiguous && book.pinned(commit, prior) == "" {
			read(cmp.Or(commit, c.pin))
		}
	}
	// An App that has a pin may have to keep it.
	for _, name := range slices.Sorted(maps.Keys(f.apps)) {
		prior := f.apps[name].Spec
		if prior.Pin != "" && prior.PinCommit != "" && f.openLedger(name).pinned(prior.PinCommit, prior) == "" {
			read(prior.PinCommit)
		}
	}
	return pins
}

func (f facts) priorSpec(c *candidate) v1alpha1.AppSpec {
	if app := f.apps[c.name]; app != nil {
		return app.Spec
	}
	return v1alpha1.AppSpec{}
}
