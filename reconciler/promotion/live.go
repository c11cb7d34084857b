package promotion

import "time"

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
	d.fail(d.live, why)
	d.live, d.since, d.kept = d.kept, d.keptSince, ""
}

// advance makes a revision the live one. The one that it replaces is kept if it
// has served well for its time, or if nothing better is kept already.
func (d *deciding) advance(next string, healthy bool) {
	settled := d.settled()
	switch {
	case next == d.live && d.released():
		d.kept = ""
	case next != d.live && d.live != "" && healthy && (settled || d.kept == ""):
		d.kept, d.keptSince = d.live, d.since
	}
	if next != d.live {
		d.live, d.since = next, d.Now
		d.tell(EventPromoted, next, "takes the traffic")
	}
	if d.kept == d.live || d.released() {
		d.kept = ""
	}
}

// look has the decision taken anew when the live revision has settled, and when
// the one before may go.
func (d *deciding) look() {
	if d.live != "" {
		d.wake(d.since.Add(d.Revisions[d.live].Settle))
	}
	if d.kept != "" {
		d.wake(d.since.Add(d.keeps()))
	}
}

// settled reports whether the live revision has served for its time.
func (d *deciding) settled() bool { return d.Now.Sub(d.since) >= d.Revisions[d.live].Settle }

// released reports whether the one before needs its pods no more.
func (d *deciding) released() bool { return d.Now.Sub(d.since) >= d.keeps() }

// keeps is how long the one before keeps its pods.
func (d *deciding) keeps() time.Duration {
	settle := d.Revisions[d.live].Settle
	if rule := d.Production.Rule.BlueGreen; rule != nil {
		return max(settle, rule.Keep.Duration)
	}
	return settle
}
