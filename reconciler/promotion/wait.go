package promotion

import (
	"fmt"
	"slices"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// wait is why a trial does not go on, in words that say how that ends. The zero
// value is that it goes on.
type wait struct {
	text string
	// until is when time alone ends it; zero: it does not.
	until time.Time
	// pods is true where they alone are missing.
	pods bool
}

// check is one thing that has to hold before a trial goes on.
type check func(*trial) wait

// What has to hold. The first one that does not is what people read, so what
// takes a person stands before what takes time, and pods are only asked for when
// all else holds.
var (
	// beforeStep of a candidate.
	beforeStep = []check{ready, hold, freeze, approval, decision, answers, doubt, duration, requests, pods}
	// beforeAll is for a candidate that a tag promotes: that skips its steps.
	beforeAll = []check{ready, hold, freeze, pods}
	// beforeFirst is for the first version that is live: there is nothing that
	// it could be worse than.
	beforeFirst = []check{approval}
	// beforeShare of the head of a branch.
	beforeShare = []check{ready, room, hold, freeze, approval, answers, pods}
	// beforeMerge moves a branch forward to a share's head.
	beforeMerge = []check{hold, freeze, decision, answers, doubt, duration, requests}
	// beforeMergeNow is for a share that a tag promotes.
	beforeMergeNow = []check{hold, freeze}
)

// first returns the first of the checks that does not hold.
func (t *trial) first(checks []check) wait {
	for _, check := range checks {
		if w := check(t); w.text != "" {
			return w
		}
	}
	return wait{}
}

func ready(t *trial) wait {
	if t.revision.Ready {
		return wait{}
	}
	return wait{text: "for its pods to be ready"}
}

func hold(t *trial) wait {
	if !t.in.Hold {
		return wait{}
	}
	return wait{text: "for hold to be taken out of headway.yaml"}
}

func freeze(t *trial) wait {
	until := t.head.Frozen.Until
	if !until.After(t.in.Now) {
		return wait{}
	}
	return wait{text: fmt.Sprintf("frozen until %s by %q", until.Format("Mon 2006-01-02 15:04 MST"), t.head.Frozen.Window), until: until}
}

// approval is asked for once, before the first step.
func approval(t *trial) wait {
	ours := t.Revision == t.head.Revision
	if !t.head.Rule.Approve || t.Step > 0 || ours && (t.head.Approved || t.head.Promoted) {
		return wait{}
	}
	if t.head.Revision == "" {
		return wait{text: fmt.Sprintf("for %s: it is gone, and only its head can be approved", v1alpha1.ShortRef(t.head.Ref))}
	}
	if !ours {
		return wait{text: fmt.Sprintf("for commit %s, the head of %s: only that can be approved", v1alpha1.Short(t.head.Commit), v1alpha1.ShortRef(t.head.Ref))}
	}
	commit := v1alpha1.Short(t.head.Commit)
	tag := fmt.Sprintf("headway/approve/%s/%s", t.in.App, commit)
	return wait{text: fmt.Sprintf("for the approving tag: git tag %s %s && git push origin %s", tag, commit, tag)}
}

// decision is that of a person, where doubts once stopped it for good.
func decision(t *trial) wait {
	if t.Held == "" {
		return wait{}
	}
	return wait{text: "for a person: headway promote goes on, headway rollback goes back, so does a newer commit"}
}

// asked are the gates that ask somebody. They must say yes before each step.
var asked = []struct {
	name    string
	is      func(*v1alpha1.Gates) bool
	waiting string
}{
	{"job", func(g *v1alpha1.Gates) bool { return len(g.Job) > 0 }, "for its job to succeed"},
	{"http", func(g *v1alpha1.Gates) bool { return g.HTTP != "" }, "for the http gate to say yes"},
	{"prometheus", func(g *v1alpha1.Gates) bool { return g.Prometheus != nil }, "for the prometheus gate to have a value within its bound"},
}

func answers(t *trial) wait {
	gates := t.head.Rule.Gates
	for _, a := range asked {
		if gates == nil || !a.is(gates) {
			continue
		}
		g := t.gate(a.name)
		if g == nil {
			return wait{text: a.waiting}
		}
		if g.Verdict != v1alpha1.VerdictPassing {
			return wait{text: a.waiting + ": " + g.Message}
		}
	}
	return wait{}
}

func (t *trial) gate(name string) *v1alpha1.GateStatus {
	if i := slices.IndexFunc(t.Gates, func(g v1alpha1.GateStatus) bool { return g.Name == name }); i >= 0 {
		return &t.Gates[i]
	}
	return nil
}

func doubt(t *trial) wait {
	if name := doubtful(t.Gates); name != "" {
		return wait{text: fmt.Sprintf("for the evidence about %s to clear it, or to be enough to fail it", name)}
	}
	return wait{}
}

// doubtful names the first gate whose evidence is; empty: none is.
func doubtful(gates []v1alpha1.GateStatus) string {
	for _, g := range gates {
		if g.Verdict == v1alpha1.VerdictDoubtful {
			return g.Name
		}
	}
	return ""
}

func duration(t *trial) wait {
	until := t.Since.Add(t.lasts)
	if !until.After(t.in.Now) {
		return wait{}
	}
	layout := "15:04:05 MST"
	if until.Sub(t.in.Now) > 12*time.Hour {
		layout = "Mon 2006-01-02 15:04 MST"
	}
	return wait{text: "until " + until.UTC().Format(layout), until: until}
}

func requests(t *trial) wait {
	if t.Requests >= t.MinRequests {
		return wait{}
	}
	return wait{text: fewRequests(&t.Trial)}
}

// fewRequests is the one wait whose words change with every report.
func fewRequests(t *v1alpha1.Trial) string {
	return fmt.Sprintf("%d of %d requests", t.Requests, t.MinRequests)
}

func pods(t *trial) wait {
	if t.revision.Carries >= t.carry {
		return wait{}
	}
	return wait{text: fmt.Sprintf("for pods that can carry %s of the traffic", v1alpha1.Percent(t.carry)), pods: true}
}

func room(t *trial) wait {
	if !t.crowded {
		return wait{}
	}
	return wait{text: fmt.Sprintf("for branches before it to be merged or deleted: all of them together get %s of the traffic at most, and at most %d get any",
		v1alpha1.Percent(maxShared), maxShares)}
}
