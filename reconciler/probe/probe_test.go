package probe

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		begin := time.Now()
		p := newProber(func(context.Context, Target) bool { return time.Since(begin) > 300*time.Millisecond })
		var told atomic.Int32
		target := Target{ID: "c1"}
		ask := func() time.Duration {
			p.Ask(ctx, target, func() { told.Add(1) })
			return p.Answered(target.ID)
		}

		for range 2 {
			if ask() != 0 {
				t.Error("an answer counts before there is one")
			}
		}
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		if told.Load() != 1 {
			t.Errorf("notified %d times, want once", told.Load())
		}
		if left := ask(); left <= headStart-600*time.Millisecond || left > headStart {
			t.Errorf("the answer counts for %v", left)
		}
		time.Sleep(headStart)
		if ask() != 0 {
			t.Error("the answer still counts after the head start")
		}
		if told.Load() != 1 {
			t.Error("a container that had answered is asked again")
		}
		target.ID = "c2"
		if ask() != 0 {
			t.Error("the answer of a container counts for the next one")
		}
		synctest.Wait()
		if ask() == 0 {
			t.Error("the container that was started again is not asked")
		}
	})
}

// TestHold plays programs that answer for a while: whether the answer counts,
// and when it does.
func TestHold(t *testing.T) {
	const hold = 2 * time.Second
	for _, tc := range []struct {
		name    string
		answers func(age time.Duration) bool
		at      time.Duration // when it counts at the earliest; 0: never
	}{
		{"5 ms", func(age time.Duration) bool { return age < 5*time.Millisecond }, 0},
		{"300 ms", func(age time.Duration) bool { return age < 300*time.Millisecond }, 0},
		{"just too short", func(age time.Duration) bool { return age < hold-50*time.Millisecond }, 0},
		{"for good", func(time.Duration) bool { return true }, hold},
		{"late", func(age time.Duration) bool { return age > time.Second }, time.Second + hold},
		{"a miss starts the hold anew", func(age time.Duration) bool { return age < time.Second || age > 1200*time.Millisecond }, 1200*time.Millisecond + hold},
		{"every other second", func(age time.Duration) bool { return age/time.Second%2 == 0 }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			p := newProber(func(context.Context, Target) bool { return tc.answers(time.Since(begin)) })
			var at time.Duration
			p.Ask(t.Context(), Target{ID: "c", Hold: hold}, func() { at = time.Since(begin) })
			if !p.Since("c").IsZero() {
				t.Errorf("%s: it is said to answer before it has for long enough", tc.name)
			}
			time.Sleep(giveUp + hold + time.Second)
			synctest.Wait()
			if (at == 0) != (tc.at == 0) || at < tc.at || at > tc.at+3*lastPause {
				t.Errorf("%s: counts from %v on, want %v", tc.name, at, tc.at)
			}
			if since := p.Since("c"); since.IsZero() != (tc.at == 0) || tc.at != 0 && since.Sub(begin) > at-hold {
				t.Errorf("%s: answers since %v, which counts from %v on", tc.name, since, at)
			}
		})
	}
}

func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var probes atomic.Int32
		p := newProber(func(context.Context, Target) bool { probes.Add(1); return false })
		p.Ask(t.Context(), Target{ID: "c"}, func() { t.Error("notified without an answer") })
		time.Sleep(giveUp + time.Second)
		synctest.Wait()
		n := probes.Load()
		time.Sleep(time.Minute)
		if probes.Load() != n || n < 100 || n > 200 {
			t.Errorf("%d probes in %v, %d later", n, giveUp, probes.Load()-n)
		}
		time.Sleep(forgetAfter)
		p.Ask(t.Context(), Target{ID: "other"}, func() {})
		if len(p.seen) != 1 {
			t.Errorf("remembers %d containers, want 1", len(p.seen))
		}
	})
}
