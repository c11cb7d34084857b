package backend

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func wantCannotStart(t *testing.T, got result, reason string, after time.Duration) {
	t.Helper()
	var cannot *CannotStart
	if !errors.As(got.err, &cannot) || cannot.Reason != reason || got.took != after {
		t.Errorf("got %+v, want CannotStart %s after %s", got, reason, after)
	}
}

func TestNobodyWaitsForAPodThatWillNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edges := 0
		p := newPool(t, 0, silent)
		p.hooks.Waiting = func() { edges++ }
		early := request(t, p)
		time.Sleep(time.Second)
		p.fail("NotBuilt", 0)
		wantCannotStart(t, <-early, "NotBuilt", time.Second)
		wantCannotStart(t, <-request(t, p), "NotBuilt", 0)
		if got := p.Load(); got.Queued != 0 || got.InFlight != 0 || got.Arrived != 2 || got.Busy != time.Second {
			t.Errorf("load %+v, want two that arrived and a second of waiting", got)
		}

		p.fail("", 0)
		waits := request(t, p)
		time.Sleep(time.Minute)
		p.Update(readyPods(1))
		if got := <-waits; got.err != nil || got.took != time.Minute {
			t.Errorf("after it has healed: %+v, want a pod after a minute", got)
		}
	})
}

func TestGraceBeforeNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 0, silent)
		p.fail("StartFailed", 5*time.Second)
		waits := request(t, p)
		time.Sleep(3 * time.Second)
		p.fail("StartFailed", 5*time.Second) // told again: the time goes on
		late := request(t, p)
		wantCannotStart(t, <-waits, "StartFailed", 5*time.Second)
		wantCannotStart(t, <-late, "StartFailed", 2*time.Second)
		wantCannotStart(t, <-request(t, p), "StartFailed", 0)

		p.fail("", 0)
		p.fail("StartFailed", 5*time.Second)
		healed := request(t, p)
		time.Sleep(4 * time.Second)
		p.fail("", 0)
		time.Sleep(time.Minute)
		p.Update(readyPods(1))
		if got := <-healed; got.err != nil {
			t.Errorf("healed within the grace: %+v", got)
		}
	})
}

// TestConditionIsNotBelievedAgainstAPod: the condition may be older than the
// pod, or about another one.
func TestConditionIsNotBelievedAgainstAPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 1, answersAfter(2*time.Second), readyPods(1)...)
		p.fail("StartFailed", 0)
		lease := mustAcquire(t, p)
		waits := request(t, p) // for the limit
		time.Sleep(time.Second)
		lease.Unreachable() // and for the pod, which may have refused for a moment only
		other := request(t, p)
		if got := <-waits; got.err != nil {
			t.Errorf("got %+v, want the pod that answers again", got)
		}
		p.Update(nil) // now there is none
		wantCannotStart(t, <-other, "StartFailed", 1010*time.Millisecond)
		p.Update(readyPods(2)[1:])
		mustAcquire(t, p)
	})
}

func TestParkedPodIsNotWokenInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		p := d.pool(t, 0, parkedPod("a", 1))
		p.fail("ReferenceMissing", 0)
		wantCannotStart(t, <-request(t, p), "ReferenceMissing", 0)
		d.wantCalls(t)
	})
}

func TestCloseStopsTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 0, silent)
		p.fail("StartFailed", time.Hour)
		p.Close()
		p.fail("StartFailed", time.Hour)
		if p.failing.timer != nil && p.failing.timer.Stop() {
			t.Error("a timer was left")
		}
	})
}
