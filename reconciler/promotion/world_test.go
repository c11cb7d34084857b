package promotion

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/api/window"
)

// world is what the decisions of a scenario act on.
type world struct {
	t    *testing.T
	in   Input
	rate float64 // requests each second
	// slow are revisions whose pods do not come by themselves.
	slow map[string]bool
	// began and counts are what each trial's step has had.
	steps  map[string]int32
	counts map[string]float64
	wakes  time.Duration
	// What the process does not write any more.
	noStatus, noRoute bool
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, slow: map[string]bool{}, steps: map[string]int32{}, counts: map[string]float64{},
		in: Input{
			App: "shop", Production: Head{Ref: "refs/heads/main"}, Now: epoch,
			Revisions: map[string]Revision{}, Readings: map[string]Reading{},
		},
	}
}

// pass lets time pass: requests arrive, and pods come that were asked for.
func (w *world) pass(now time.Time) {
	seconds := now.Sub(w.in.Now).Seconds()
	w.in.Now = now
	for _, r := range w.in.Roles {
		w.counts[r.Name] += w.rate * seconds * float64(weight(w.in.Serving, r.Name)) / v1alpha1.Whole
		if rev, exists := w.in.Revisions[r.Name]; exists && !w.slow[r.Name] {
			rev.Carries = r.Coming
			w.in.Revisions[r.Name] = rev
		}
	}
}

// look decides, and carries out what was decided.
func (w *world) look() Decision {
	w.t.Helper()
	for _, head := range append([]*Head{&w.in.Production}, pointers(w.in.Shares)...) {
		head.Frozen = Freeze{}
		for _, text := range head.Rule.Freeze {
			parsed, err := window.Parse(text)
			if err != nil {
				w.t.Fatal(err)
			}
			if until, within := parsed.Until(w.in.Now); within {
				head.Frozen = Freeze{Until: until, Window: text}
			}
		}
	}
	for _, trial := range w.in.Trials {
		r := w.in.Readings[trial.Revision]
		r.Step, r.Requests = w.steps[trial.Revision], int64(w.counts[trial.Revision]+1e-6)
		w.in.Readings[trial.Revision] = r
	}
	d := Plan(w.in)
	checkDecision(w.t, w.in, d)
	if !w.noRoute {
		w.in.Serving = d.Traffic
	}
	if !w.noStatus {
		w.in.Roles, w.in.Trials, w.in.Commit = d.Roles, d.Trials, d.Commit
	}
	w.noRoute, w.noStatus = false, false
	w.wakes = d.Next
	for _, trial := range d.Trials {
		if step, known := w.steps[trial.Revision]; !known || step != trial.Step {
			w.steps[trial.Revision], w.counts[trial.Revision] = trial.Step, 0
		}
	}
	for name := range w.in.Readings {
		if !slices.ContainsFunc(d.Trials, func(t v1alpha1.Trial) bool { return t.Revision == name }) {
			delete(w.in.Readings, name)
			delete(w.steps, name)
		}
	}
	return d
}

func pointers(heads []Head) (out []*Head) {
	for i := range heads {
		out = append(out, &heads[i])
	}
	return out
}

// change is one command of a moment:
//
//	history c b a        the production ref's revisions, newest first
//	ready a b            revisions that can take requests, and exist
//	unready a b          revisions that exist and cannot
//	gone a               the revision is deleted
//	pin a, unpin         what headway.yaml pins
//	crash a              a container of it ends
//	answers a 9/100      100 answers, 9 of them bad
//	retry a              somebody asks for it again
//	settle a 10m         its health.settle; the default is 2m
//	same b a             b runs the same as a; "same b" ends that
//	served a             it was live before, and has not failed
//	died                 the process dies before it writes the status
//	unrouted             the process dies before it writes the Route
//	lost status|route    that is lost
//	rule WORDS           the rule of production, see rule
//	share beta s WORDS   the head of beta and its rule, see rule
//	unshare beta         the branch, or its rule, is gone
//	approve, promote     a tag says so of production's head; approve beta
//	hold, resume         what headway.yaml says
//	traffic 100          requests each second from now on
//	verdict a p95 failed TEXT
//	                     what a gate says of a
//	slow a               its pods do not come by themselves
//	carries a 25         its pods can carry so many percent
//	pods a 3             so many of its pods are ready
//	committed revert a PROBLEM
//	                     how a commit that was asked for went
//	requested a URL      a pull request asks for the branch to be moved to it
func (w *world) change(words []string) {
	in := &w.in
	arg := func(i int) string {
		if i >= len(words) {
			w.t.Fatalf("%q needs more words", words)
		}
		return words[i]
	}
	switch words[0] {
	case "history":
		if in.History = words[1:]; in.Production.Revision != arg(1) {
			in.Production.Revision, in.Production.Commit = arg(1), commit(arg(1))
			in.Production.Approved, in.Production.Promoted = false, false
		}
	case "pin":
		in.Pin = arg(1)
	case "unpin":
		in.Pin = ""
	case "hold", "resume":
		in.Hold = words[0] == "hold"
	case "traffic":
		w.rate = w.number(arg(1))
	case "died":
		w.noStatus = true
	case "unrouted":
		w.noRoute = true
	case "lost":
		if arg(1) == "route" {
			in.Serving = nil
		} else {
			in.Roles, in.Trials, in.Commit = nil, nil, nil
		}
	case "rule":
		in.Production.Rule = w.rule(words[1:])
	case "share":
		head := Head{Ref: "refs/heads/" + arg(1), Revision: arg(2), Commit: commit(arg(2)), Rule: w.rule(words[3:])}
		if i := w.shareOf(arg(1)); i >= 0 {
			in.Shares[i] = head
		} else {
			in.Shares = append(slices.Clone(in.Shares), head)
		}
	case "unshare":
		i := w.shareOf(arg(1))
		in.Shares = slices.Delete(slices.Clone(in.Shares), i, i+1)
	case "approve", "promote":
		head := &in.Production
		if len(words) > 1 {
			head = &in.Shares[w.shareOf(arg(1))]
		}
		head.Approved, head.Promoted = head.Approved || words[0] == "approve", head.Promoted || words[0] == "promote"
	case "committed":
		in.Committed = &v1alpha1.CommitResult{Action: v1alpha1.CommitAction(arg(1)), Revision: arg(2), Problem: strings.Join(words[3:], " ")}
	case "requested":
		in.Committed = &v1alpha1.CommitResult{Action: v1alpha1.CommitFastForward, Revision: arg(1), Commit: commit(arg(1)), Branch: "beta", Request: arg(2)}
	case "slow":
		w.slow[arg(1)] = true
	case "verdict":
		w.verdict(arg(1), v1alpha1.GateStatus{Name: arg(2), Verdict: v1alpha1.Verdict(arg(3)), Message: strings.Join(words[4:], " ")})
	case "gone":
		delete(in.Revisions, arg(1))
	default:
		w.changeRevision(words)
	}
}

func (w *world) changeRevision(words []string) {
	names := words[1:]
	if words[0] != "ready" && words[0] != "unready" {
		names = words[1:2]
	}
	for _, name := range names {
		rev, known := w.in.Revisions[name]
		if !known {
			rev.Settle, rev.Commit = 2*time.Minute, commit(name)
		}
		switch words[0] {
		case "ready", "unready":
			rev.Ready = words[0] == "ready"
		case "crash":
			rev.Evidence.Crash = &v1alpha1.Crash{SeenAt: metav1.NewMicroTime(w.in.Now), Message: "the app exited with code 1"}
		case "answers":
			bad, all, _ := strings.Cut(words[2], "/")
			rev.Evidence.Answers = Answers{All: uint64(w.number(all)), Bad: uint64(w.number(bad))}
		case "retry":
			rev.Retried += "again"
		case "same":
			rev.SameAs = strings.Join(words[2:], "")
		case "served":
			rev.Served = true
		case "settle":
			rev.Settle = w.duration(words[2])
		case "pods":
			rev.Pods = int32(w.number(words[2]))
		case "carries":
			rev.Carries = int32(100 * w.number(words[2]))
		default:
			w.t.Fatalf("unknown word %q", words[0])
		}
		w.in.Revisions[name] = rev
	}
}

// rule reads words with values: canary 1,5,25 and every 2m; ramp 20m; bluegreen
// 10m and keep 1h; weight 10; match yes; mirror 5; after 24h; min 200; budget 20;
// onfail hold; job, http; approve; and at the end freeze WINDOW.
func (w *world) rule(words []string) v1alpha1.Rule {
	r := v1alpha1.Rule{OnFail: v1alpha1.OnFailRollback, Gates: &v1alpha1.Gates{Errors: 10_000, MinRequests: 200}}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		value := func() string {
			v := words[0]
			words = words[1:]
			return v
		}
		switch word {
		case "instant":
			r.Gates = nil
		case "canary":
			r.Canary = &v1alpha1.Canary{Every: metav1.Duration{Duration: 2 * time.Minute}}
			for step := range strings.SplitSeq(value(), ",") {
				r.Canary.Steps = append(r.Canary.Steps, int32(100*w.number(step)))
			}
		case "every":
			r.Canary.Every.Duration = w.duration(value())
		case "ramp":
			r.Canary = &v1alpha1.Canary{Ramp: metav1.Duration{Duration: w.duration(value())}}
		case "bluegreen":
			r.BlueGreen = &v1alpha1.BlueGreen{Soak: metav1.Duration{Duration: w.duration(value())}}
		case "keep":
			r.BlueGreen.Keep.Duration = w.duration(value())
		case "weight":
			r.Weight = int32(100 * w.number(value()))
		case "match":
			r.Match = &v1alpha1.Match{Header: map[string]string{"X-Beta": value()}}
		case "mirror":
			r.Mirror = int32(100 * w.number(value()))
		case "after":
			r.Promote = &v1alpha1.PromoteTo{To: "main", After: metav1.Duration{Duration: w.duration(value())}}
		case "min":
			r.Gates.MinRequests = int64(w.number(value()))
		case "budget":
			r.Gates.Budget = int32(w.number(value()))
		case "onfail":
			r.OnFail = v1alpha1.OnFail(value())
		case "job":
			r.Gates.Job = []string{"smoke"}
		case "http":
			r.Gates.HTTP = "http://judge/"
		case "approve":
			r.Approve = true
		case "freeze":
			r.Freeze = []string{strings.Join(words, " ")}
			words = nil
		default:
			w.t.Fatalf("unknown word %q of a rule", word)
		}
	}
	return r
}

func (w *world) verdict(name string, g v1alpha1.GateStatus) {
	r := w.in.Readings[name]
	r.Gates = slices.DeleteFunc(slices.Clone(r.Gates), func(other v1alpha1.GateStatus) bool { return other.Name == g.Name })
	r.Gates = append(r.Gates, g)
	w.in.Readings[name] = r
}

func (w *world) shareOf(branch string) int {
	return slices.IndexFunc(w.in.Shares, func(h Head) bool { return h.Ref == "refs/heads/"+branch })
}

func commit(revision string) string { return strings.Repeat(revision, 8) }

func (w *world) number(s string) float64 {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}
