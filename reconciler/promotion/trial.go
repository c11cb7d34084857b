package promotion

import (
	"cmp"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// publish is how often numbers of a trial that change nothing are written.
	publish = 10 * time.Second
	// longestText is the API's limit of a trial's texts, in bytes.
	longestText = 1000
)

// trial is the trial of a candidate or share in the making.
type trial struct {
	v1alpha1.Trial
	in       *Input
	head     *Head
	revision Revision
	before   *v1alpha1.Trial // as the last decision left it; nil: it begins

	// What the checks ask for before it goes on.
	lasts   time.Duration // since Since
	carry   int32         // part of the traffic, in basis points
	crowded bool          // other shares leave no room for it

	anew   bool  // it begins, or its step does: no reading is about that yet
	part   int32 // of a candidate: its weight, out of what shares leave
	coming int32 // its pods are asked to carry
}

// begin goes on with the trial of a revision, or begins it.
func (d *deciding) begin(name string, head *Head) *trial {
	t := &trial{in: &d.Input, head: head, revision: d.Revisions[name]}
	for i := range d.Trials {
		if before := &d.Trials[i]; before.Revision == name && before.Ref == head.Ref {
			t.before, t.Trial = before, *before.DeepCopy()
			break
		}
	}
	t.Revision, t.Ref, t.Next, t.Waiting = name, head.Ref, nil, ""
	switch {
	case t.before == nil:
		t.Stable, t.Began = d.live, metav1.NewMicroTime(d.Now)
		t.stay(0)
	case t.Stable != d.live:
		t.beside(d.live)
	default:
		if reading, known := d.Readings[name]; known {
			t.Gates = reading.Gates
		}
	}
	if head.Rule.OnFail != v1alpha1.OnFailHold {
		t.Held = ""
	}
	return t
}

// beside has a trial go on beside another stable revision. The evidence so far
// says nothing of that.
func (t *trial) beside(stable string) {
	t.Stable, t.Gates, t.anew = stable, nil, true
}

// stay begins a step.
func (t *trial) stay(step int32) {
	t.Step, t.Since, t.Requests, t.anew = step, metav1.NewMicroTime(t.in.Now), 0, true
}

// count says how many requests the step has had, and needs.
func (t *trial) count(needed int64) {
	t.MinRequests = needed
	if reading, known := t.in.Readings[t.Revision]; known && !t.anew {
		if t.Requests = 0; reading.Step == t.Step {
			t.Requests = reading.Requests
		}
	}
}

// failure says why it fails; empty while it does not. It is asked in every
// state, also while it waits for a person.
func (t *trial) failure() string {
	for _, g := range t.Gates {
		if g.Verdict == v1alpha1.VerdictFailed {
			return cmp.Or(g.Message, "the gate "+g.Name+" has failed")
		}
	}
	if crash := t.revision.Evidence.Crash; crash != nil && crash.SeenAt.After(t.Began.Time) {
		return cmp.Or(crash.Message, "it crashed")
	}
	return ""
}

// judge holds a trial with doubts, where its rule says so.
func (d *deciding) judge(t *trial) {
	name := doubtful(t.Gates)
	if name == "" || t.Held != "" || t.head.Rule.OnFail != v1alpha1.OnFailHold {
		return
	}
	t.Held = condition.Shorten(cmp.Or(t.gate(name).Message, "the gate "+name+" has doubts"), longestText)
	d.tell(EventHeld, t.Revision, "stays at %s of the traffic: %s", v1alpha1.Percent(t.Weight), t.Held)
}

// waits notes what a trial waits for.
func (d *deciding) waits(t *trial, w wait) {
	t.Waiting = condition.Shorten(w.text, longestText)
	if !w.until.IsZero() {
		next := metav1.NewMicroTime(w.until)
		t.Next = &next
		d.wake(w.until)
	}
}

// fail takes a revision out of the traffic for good.
func (d *deciding) fail(name, why string) {
	if d.quarantine(name) < 0 {
		d.quarantined = append(d.quarantined, v1alpha1.RevisionRole{
			Name: name, Role: v1alpha1.RoleQuarantined, Since: metav1.NewMicroTime(d.Now), Message: why,
			Pinned: name == d.Pin, Retried: d.Revisions[name].Retried,
		})
		d.tell(EventRolledBack, name, "%s", why)
		d.failed = append(d.failed, name)
	}
}

// tell adds an event.
func (d *deciding) tell(reason EventReason, revision, format string, args ...any) {
	d.events = append(d.events, Event{reason, revision, fmt.Sprintf(format, args...)})
}

// wake has the decision taken anew at a time.
func (d *deciding) wake(at time.Time) {
	if in := at.Sub(d.Now); in > 0 && (d.next == 0 || in < d.next) {
		d.next = in
	}
}

// written is what the status says of the trial. Numbers that change nothing else
// are left as they are for a while: not every report is a write.
func (t *trial) written() v1alpha1.Trial {
	if t.before != nil && t.before.Checked != nil {
		t.Checked = t.before.Checked
		young := t.in.Now.Sub(t.Checked.Time) < publish
		if equality.Semantic.DeepEqual(t.before, &t.Trial) || young && equality.Semantic.DeepEqual(numberless(t.before), numberless(&t.Trial)) {
			return *t.before
		}
	}
	checked := metav1.NewMicroTime(t.in.Now)
	t.Checked = &checked
	return t.Trial
}

// numberless is a trial without what changes with every report.
func numberless(t *v1alpha1.Trial) v1alpha1.Trial {
	out := *t
	if out.Waiting == fewRequests(t) {
		out.Waiting = "requests"
	}
	out.Requests, out.Checked, out.Gates = 0, nil, nil
	for _, g := range t.Gates {
		out.Gates = append(out.Gates, v1alpha1.GateStatus{Name: g.Name, Verdict: g.Verdict})
	}
	return out
}
