package trial

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
)

// traffic is a feed and what activators report to it.
type traffic struct {
	*Feed
	now    time.Time
	counts map[string]*gate.Measured
}

func newTraffic() *traffic {
	w := &traffic{now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), counts: map[string]*gate.Measured{first.Name: {}, next.Name: {}}}
	w.Feed = New(func(revision types.NamespacedName) Measured { return Measured{Split: *w.counts[revision.Name]} })
	w.clock = func() time.Time { return w.now }
	return w
}

// report has requests come for the candidate and for stable, of which so many are
// answered badly, and says whether the reconciler is woken.
func (w *traffic) report(candidate, bad, stable uint64) bool {
	w.now = w.now.Add(100 * time.Millisecond)
	c, s := w.counts[next.Name], w.counts[first.Name]
	c.Arrived, c.Bad, s.Arrived = c.Arrived+candidate, c.Bad+bad, s.Arrived+stable
	w.Changed(next)
	w.Changed(first)
	return woken(w.Feed)
}

// evidence about the candidate so far.
func (w *traffic) evidence() gate.Evidence {
	if r := w.judged(next); r != nil {
		return r.gates.Evidence()
	}
	return gate.Evidence{}
}

// canary is the run of most tests: 5% for next, beside first.
func canary(w *traffic) Run {
	return Run{
		Revision: next.Name, Stable: first.Name, Began: w.now, Step: 2, Weight: 500, StableWeight: 9500,
		Settings: gate.Settings{Errors: 0.01, Against: true, MinRequests: 20, Alpha: 0.01, Margin: 1.25, Timeout: 30 * time.Second},
	}
}

func TestRunWakes(t *testing.T) {
	w := newTraffic()
	w.counts[next.Name].Arrived, w.counts[next.Name].Bad = 1000, 1000 // of times before
	w.Begin(shop, []Run{canary(w)})
	for i := range 9 {
		if w.report(2, 0, 40) {
			t.Errorf("report %d wakes, and says nothing new", i)
		}
	}
	if !w.report(2, 0, 40) {
		t.Error("enough requests have come, and nobody hears of it")
	}
	quiet := 0
	for !w.report(2, 0, 40) {
		if quiet++; quiet > 60 {
			t.Fatal("nobody hears of requests")
		}
	}
	if quiet < 45 {
		t.Errorf("news after %d reports, want about 5 s", quiet)
	}
	for range 100 {
		if w.report(0, 0, 0) {
			t.Error("woken, and no request came")
		}
	}
}

func TestFailureInsists(t *testing.T) {
	w := newTraffic()
	w.Begin(shop, []Run{canary(w)})
	failed := func() bool {
		return w.evidence().Verdict(canary(w).Settings).State == gate.Failed
	}
	wakes := 0
	for reports := 0; !failed(); reports++ {
		if w.report(5, 5, 95) {
			wakes++
		}
		if reports > 5 {
			t.Fatal("a candidate that always fails is not found")
		}
	}
	if wakes == 0 {
		t.Error("it has failed, and nobody hears of it")
	}
	again := 0
	for range 20 {
		if w.report(0, 0, 10) {
			again++
		}
	}
	if again < 5 {
		t.Errorf("a failure that nobody acts on is told of %d times in 2 s", again)
	}
	w.Follow(shop, nil)
	if w.report(5, 5, 95) {
		t.Error("the run has ended, and wakes")
	}
	if _, known := w.Reading(next); known || len(w.apps)+len(w.of) > 0 {
		t.Errorf("%d apps and %d revisions are remembered", len(w.apps), len(w.of))
	}
}

func TestStepsAndRestart(t *testing.T) {
	w := newTraffic()
	r := canary(w)
	w.Begin(shop, []Run{r})
	w.report(12, 1, 100)
	w.Begin(shop, []Run{r}) // what goes on is not begun again
	if e := w.evidence(); e.Step.Requests != 12 || e.Bad != 1 {
		t.Errorf("%+v, want 12 requests and 1 bad answer", e)
	}
	r.Step, r.Weight = 3, 2500
	w.Follow(shop, []Run{r})
	w.report(3, 0, 100)
	e := w.evidence()
	want := promotion.Reading{Gates: e.Status(r.Settings), Requests: 3, Step: 3}
	if got, known := w.Reading(next); !known || !cmp.Equal(got, want) {
		t.Errorf("reading %+v, want %+v", got, want)
	}
	if e.Step.Requests != 3 || e.Errors.Candidate.Requests != 15 {
		t.Errorf("in the next step %+v, want 3 requests of 15", e)
	}
	restarted := newTraffic()
	restarted.counts[next.Name].Arrived = 500 // that the new process has heard of
	r.Kept = e
	restarted.Begin(shop, []Run{r})
	restarted.report(2, 0, 100)
	if e := restarted.evidence(); e.Step.Requests != 5 || e.Errors.Candidate.Requests != 17 {
		t.Errorf("after a restart %+v, want 5 requests of 17", e)
	}
	r.Settings.Errors, r.Settings.Against, r.Kept = 0.001, false, gate.Evidence{}
	restarted.Follow(shop, []Run{r})
	restarted.report(1, 0, 100)
	if e := restarted.evidence(); e.Step.Requests != 6 || e.Errors.Candidate.Requests != 1 {
		t.Errorf("with other settings %+v, want 6 requests, 1 of them judged by them", e)
	}
	r.Began = r.Began.Add(time.Hour)
	restarted.Follow(shop, []Run{r})
	if e := restarted.evidence(); e.Step.Requests != 0 {
		t.Errorf("a new trial begins with %+v", e)
	}
	restarted.Forget(shop)
	if len(restarted.apps)+len(restarted.of) > 0 {
		t.Error("an app that is gone is remembered")
	}
}
