package promotion

import "github.com/headway-dev/headway/api/v1alpha1"

// try returns the revision that is live now: the wanted one, if that need not be
// tried, or else the one that is already, and the wanted one is the candidate.
// A pin is an order, and going back to what served well is no promotion.
func (d *deciding) try(wanted string) string {
	if wanted == d.live || wanted == d.Pin || wanted == d.kept || d.Revisions[wanted].Served {
		return wanted
	}
	t := d.begin(wanted, &d.Production)
	if d.live == "" {
		w := t.first(beforeFirst)
		if w.text == "" {
			return wanted
		}
		d.waits(t, w)
		d.candidate = t
		return ""
	}
	d.place(t, d.course(t))
	if why := t.failure(); why != "" {
		d.fail(wanted, why)
		return d.live
	}
	d.judge(t)
	d.candidate = t
	return d.live
}

// course of a candidate. One that follows a failing revision waits for no more
// pods than it has.
func (d *deciding) course(t *trial) course {
	return courseOf(&d.Production.Rule, t.revision.Pods < d.Revisions[d.live].Pods && d.failure() == "")
}

// place finds the step of a candidate from the weight that it has. The soak of
// blue-green has none: of that the trial knows.
func (d *deciding) place(t *trial, c course) {
	served, rest := d.served(t.Revision, t.Revision), d.rest()
	step, part := c.at(served, rest)
	if c.soak > 0 {
		step = min(t.Step, 1)
	}
	if step != t.Step || t.anew {
		t.stay(step)
	}
	t.part, t.Steps, t.Weight = part, c.steps(), served
}

// walk takes the steps that the candidate may take now, and reports whether it
// has taken the last one.
func (d *deciding) walk() bool {
	t := d.candidate
	if t == nil || d.live == "" {
		return false
	}
	c := d.course(t)
	rest := int32(v1alpha1.Whole)
	for _, share := range d.shares {
		rest -= share.Weight
	}
	promoted := t.head.Promoted && t.Revision == t.head.Revision
	for {
		checks, next := beforeStep, t.Step+1
		if promoted {
			checks, next = beforeAll, c.steps()+1
		}
		t.Weight = portion(t.part, rest)
		t.lasts, t.carry = c.lasts(t.Step), portion(c.carry(next), rest)
		t.coming = portion(c.coming(t.Step), rest)
		t.count(c.requests(t.Step))
		if w := t.first(checks); w.text != "" {
			if w.pods {
				t.coming = t.carry
			}
			d.waits(t, w)
			return false
		}
		if t.Step == 0 && t.head.Rule.Approve {
			d.approved(t)
		}
		if t.stay(next); next > c.steps() {
			return true
		}
		t.part = max(t.part, c.weight(next))
		if weight := c.weight(next); weight > 0 {
			d.tell(EventStepTaken, t.Revision, "takes %s of the traffic, step %d of %d", v1alpha1.Percent(portion(weight, rest)), next, t.Steps)
		} else {
			d.tell(EventStepTaken, t.Revision, "is checked for %s with pods for all of the traffic", c.soak)
		}
	}
}

// approved tells that a trial begins as a tag allows it.
func (d *deciding) approved(t *trial) {
	d.tell(EventApproved, t.Revision, "a tag approves commit %s", v1alpha1.Short(t.head.Commit))
}
