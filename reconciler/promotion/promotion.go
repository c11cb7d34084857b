// Package promotion decides which revisions of an app take its traffic.
//
// It is pure: values in, values out; no client, clock or logger. It does not
// know how a Route is written, how evidence is gathered or what a person reads
// about it.
//
// The rules, in this order:
//
//	give back   a live revision that fails before it has settled gives the
//	            traffic back to its predecessor, and is quarantined
//	pin         the pinned revision takes 100% once it is ready; there are no
//	            candidates and shares beside it
//	newest      the first of the history that is ready should be live; nothing
//	            that is older than a quarantined one, save what has the traffic;
//	            one that runs the same as the live one leaves it where it is, and
//	            one that runs the same as the kept one gives it back to that
//	candidate   that one takes the steps of its rule, each when all checks hold;
//	            the live one is its stable, and keeps its pods. It goes at once
//	            if it was live before, or if nothing is live
//	failed      a candidate or share that fails a gate or crashes has no traffic
//	            any more, whatever it waits for, and is quarantined
//	shares      the heads of branches have the weight that their rules give them
//	sticky      a revision that has traffic keeps it while nothing newer is
//	            ready, also when its own pods come and go: falling back to older
//	            code because a pod restarts would surprise more than it helps
//
// A revision that has not been ready never takes traffic. One that has been and
// is idle now may: the first request wakes it. A candidate or share never gets
// more than its pods can carry.
//
// A live revision settles: until it has served for its time without failing, the
// one that served well before it is kept, with its pods. Where there is none, a
// revision that fails keeps the traffic.
//
// All that there is to remember stands in the split, the roles and the trials.
// The split is the truth about weights, so that whoever dies between two writes
// is followed by one who takes the same steps; it also marks who has failed.
package promotion

import (
	"slices"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Plan decides who takes the traffic.
func Plan(in Input) Decision {
	d := deciding{Input: in}
	d.recall()
	why := d.failure()
	healthy := why == ""
	if !healthy && d.Revisions[d.kept].Ready {
		d.giveBack(why)
		healthy = true
	}
	d.advance(d.try(d.wanted()), healthy)
	d.share()
	if d.walk() {
		d.advance(d.candidate.Revision, healthy)
		d.candidate = nil
		d.compare()
	}
	d.look()
	return d.decision(why)
}

// deciding is a decision in the making.
type deciding struct {
	Input
	live        string // takes what candidates and shares leave; empty: nobody does
	since       time.Time
	kept        string // served well before; empty: none did, or live has settled
	keptSince   time.Time
	quarantined []v1alpha1.RevisionRole
	failed      []string // by this decision
	candidate   *trial   // nil: there is none
	shares      []*trial
	merge       *trial // a share that has done well
	events      []Event
	next        time.Duration
}

// wanted is the revision that should be live.
func (d *deciding) wanted() string {
	if d.Pin != "" {
		if d.takes(d.Pin) {
			return d.Pin
		}
		return d.live
	}
	for _, name := range d.History {
		switch {
		case d.live != "" && d.Revisions[name].SameAs == d.live:
			return d.live
		case d.kept != "" && d.Revisions[name].SameAs == d.kept && d.takes(d.kept):
			return d.kept // a revert: what it runs has pods already
		case d.takes(name):
			return name
		case d.quarantine(name) >= 0 && d.live != "":
			return d.live // what is older than a failed one was left behind already
		}
	}
	if d.live == "" { // better a revision that has failed than none
		for _, name := range d.History {
			if rev := d.Revisions[name]; rev.Ready && rev.SameAs == "" {
				return name
			}
		}
	}
	return d.live
}

// takes reports whether a revision may take the traffic, or stays the one that
// is on its way to it.
func (d *deciding) takes(name string) bool {
	rev, exists := d.Revisions[name]
	return exists && d.quarantine(name) < 0 && (rev.Ready && rev.SameAs == "" || name == d.live || d.tried(name))
}

// tried reports whether a revision is a candidate already.
func (d *deciding) tried(name string) bool {
	onTrial := func(t v1alpha1.Trial) bool { return t.Revision == name && t.Ref == d.Production.Ref }
	return d.live != "" && (d.served(name, name) > 0 || slices.ContainsFunc(d.Trials, onTrial))
}
