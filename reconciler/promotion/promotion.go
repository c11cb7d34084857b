// Package promotion decides which revisions of an app take its traffic.
//
// It is pure: values in, values out; no client, clock or logger. It does not
// know how a Route is written or what a person reads about it.
//
// The rules, in this order:
//
//	give back   a live revision that fails before it has settled gives the
//	            traffic back to its predecessor, and is quarantined
//	pin         the pinned revision takes 100% once it is ready
//	newest      the first of the history that is ready takes 100%; nothing that
//	            is older than a quarantined one, save what has the traffic; one
//	            that runs the same as the live one leaves the traffic where it is
//	sticky      a revision that has the traffic keeps it while nothing newer is
//	            ready, also when its own pods come and go: falling back to older
//	            code because a pod restarts would surprise more than it helps
//
// A revision that has not been ready never takes traffic. One that has been and
// is idle now may: the first request wakes it.
//
// A revision settles: until it has served for its time without failing, the one
// that served well before it is kept, with its pods. Where there is none, a
// revision that fails keeps the traffic.
package promotion

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Plan decides who takes the traffic.
func Plan(in Input) Decision {
	d := deciding{Input: in, live: Live(in.Serving)}
	d.recall()
	why := d.failure()
	healthy := why == ""
	if !healthy && d.Revisions[d.kept].Ready {
		d.giveBack(why)
		healthy = true
	}
	d.advance(d.wanted(), healthy)
	return d.decision(why)
}

// deciding is a decision in the making.
type deciding struct {
	Input
	live        string // has the traffic; empty: none has
	since       time.Time
	kept        string // served well before; empty: none did, or live has settled
	keptSince   time.Time
	quarantined []v1alpha1.RevisionRole
}

// recall reads what is in force: the split, and the roles as far as they hold.
// The split is the truth about who serves and who is kept, as a process may have
// died before it wrote the roles; about the quarantine the roles are.
func (d *deciding) recall() {
	if _, exists := d.Revisions[d.live]; !exists {
		d.live = ""
	}
	for _, t := range d.Serving {
		if _, exists := d.Revisions[t.Revision]; exists && t.Weight == 0 && t.Revision != d.live {
			d.kept = t.Revision
		}
	}
	d.since, d.keptSince = d.Now, d.Now
	for _, r := range d.Roles {
		switch {
		case r.Role == v1alpha1.RoleQuarantined:
			d.recallQuarantined(r)
		case r.Role == v1alpha1.RoleLive && r.Name == d.live:
			d.since = r.Since.Time
		case r.Name == d.kept:
			d.keptSince = r.Since.Time
		}
	}
}

// recallQuarantined keeps a revision out, unless it is gone or a person has asked
// for it since.
func (d *deciding) recallQuarantined(r v1alpha1.RevisionRole) {
	rev, exists := d.Revisions[r.Name]
	pinned := r.Name == d.Pin
	if !exists || rev.Retried != r.Retried || pinned && !r.Pinned {
		return
	}
	r.Pinned = pinned // a later pin is a new order
	d.quarantined = append(d.quarantined, r)
}

// failure says why the live revision fails; empty while it does not, or when it
// has settled.
func (d *deciding) failure() string {
	if i := d.quarantine(d.live); i >= 0 { // it was to give the traffic back
		return d.quarantined[i].Message
	}
	if d.live == "" || d.settled() {
		return ""
	}
	return d.Revisions[d.live].Evidence.failure(d.since, d.Revisions[d.kept].Evidence)
}

// giveBack moves the traffic to the kept revision.
func (d *deciding) giveBack(why string) {
	if d.quarantine(d.live) < 0 {
		d.quarantined = append(d.quarantined, v1alpha1.RevisionRole{
			Name: d.live, Role: v1alpha1.RoleQuarantined, Since: metav1.NewMicroTime(d.Now), Message: why,
			Pinned: d.live == d.Pin, Retried: d.Revisions[d.live].Retried,
		})
	}
	d.live, d.since, d.kept = d.kept, d.keptSince, ""
}

// wanted is the revision that should be live now.
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

// takes reports whether a revision may take the traffic.
func (d *deciding) takes(name string) bool {
	rev, exists := d.Revisions[name]
	return exists && d.quarantine(name) < 0 && (rev.Ready && rev.SameAs == "" || name == d.live)
}

// quarantine is the place of a revision among the quarantined; -1: it is none.
func (d *deciding) quarantine(name string) int {
	return slices.IndexFunc(d.quarantined, func(r v1alpha1.RevisionRole) bool { return r.Name == name })
}

// advance makes a revision the live one. The one that it replaces is kept if it
// has served well for its time, or if nothing better is kept already.
func (d *deciding) advance(next string, healthy bool) {
	settled := d.settled()
	switch {
	case next == d.live && settled:
		d.kept = ""
	case next != d.live && d.live != "" && healthy && (settled || d.kept == ""):
		d.kept, d.keptSince = d.live, d.since
	}
	if next != d.live {
		d.live, d.since = next, d.Now
	}
	if d.kept == d.live || d.settled() {
		d.kept = ""
	}
}

// settled reports whether the live revision has served for its time.
func (d *deciding) settled() bool { return d.Now.Sub(d.since) >= d.Revisions[d.live].Settle }

func (d *deciding) decision(why string) Decision {
	var out Decision
	if d.live != "" {
		out.Traffic = append(out.Traffic, v1alpha1.TrafficTarget{Revision: d.live, Weight: v1alpha1.Whole})
		out.Roles = append(out.Roles, v1alpha1.RevisionRole{Name: d.live, Role: v1alpha1.RoleLive, Weight: v1alpha1.Whole, Since: metav1.NewMicroTime(d.since)})
		if !d.settled() {
			out.Settling = true
			out.Next = d.since.Add(d.Revisions[d.live].Settle).Sub(d.Now)
		}
		if d.live == Live(d.Serving) {
			out.Failing = why
		}
	}
	if d.kept != "" {
		out.Traffic = append(out.Traffic, v1alpha1.TrafficTarget{Revision: d.kept})
		out.Roles = append(out.Roles, v1alpha1.RevisionRole{Name: d.kept, Role: v1alpha1.RoleKept, Warm: true, Since: metav1.NewMicroTime(d.keptSince)})
	}
	for _, r := range d.quarantined {
		if r.Name != d.live {
			out.Roles = append(out.Roles, r)
		}
	}
	return out
}
