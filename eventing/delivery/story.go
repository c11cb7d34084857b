package delivery

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/retry"
	"github.com/headway-dev/headway/eventing/story"
)

// Remember has f told of every attempt that is worth it, from Run on; f must not
// wait for anything. It is called before Run.
func (d *Dispatcher) Remember(f func(story.Attempt)) {
	d.remember = func(t story.Attempt) {
		if t.Number > 0 {
			f(t)
		}
	}
}

// verdicts are what follows from attempts, as the story has it.
var verdicts = map[retry.Verdict]story.Verdict{retry.Done: story.Delivered, retry.Again: story.Again, retry.GiveUp: story.Dead}

// story is what there is to say of an attempt that has ended; without a Number it
// is not worth it.
func (a attempt) story(o retry.Outcome, d retry.Decision, ended time.Time) story.Attempt {
	verdict, number := verdicts[d.Verdict], int(a.entry.Attempts)
	changed := number > 1 && a.entry.Status != uint16(o.Status) // a.entry has the status of the attempt before
	if !story.Worth(number, verdict, changed) {
		return story.Attempt{}
	}
	t := story.Attempt{
		Channel: a.lane.channel.Name(), Seq: a.item.seq, Subscription: a.sub.Name, Run: a.runName(), Number: number, At: a.began, Took: ended.Sub(a.began),
		Status: o.Status, Said: o.String(), Revision: o.Revision, Verdict: verdict,
	}
	switch verdict {
	case story.Again:
		t.Next = d.At
	case story.Dead:
		t.Reason, t.DeadLetter = d.Reason, a.sub.Spec.DeadLetter
	case story.Delivered:
	}
	return t
}

// Standing is where a subscription is with one event of its channel.
type Standing struct {
	// Known: there is such a subscription at work.
	Known bool
	// Done: it is done with the event, in one way or another.
	Done bool
	// Retry is what is recorded if it is to be tried again; zero: it is not.
	Retry cursor.Entry
	// Before is how many events before this one it is not done with, at most.
	Before uint64
	// HeldUntil is until when the target is left alone; zero: it is not.
	HeldUntil time.Time
}

// Standing returns where a subscription is with an event.
func (d *Dispatcher) Standing(name types.NamespacedName, seq uint64) (st Standing) {
	d.mu.Lock()
	s := d.subs[name]
	d.mu.Unlock()
	if s == nil {
		return st
	}
	s.settle()
	s.mu.Lock()
	st.Known = !s.removed
	s.mu.Unlock()
	_, _, st.HeldUntil = s.gate.state()
	st.Done = s.place.NextOpen(seq) != seq
	st.Retry, _ = s.place.Entry(seq)
	if counts := s.place.Counts(); seq > counts.Floor+1 {
		st.Before = seq - 1 - counts.Floor
	}
	return st
}
