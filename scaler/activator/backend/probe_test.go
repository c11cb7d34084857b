package backend

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// answersAfter is a probe of an application that comes up after a while.
func answersAfter(d time.Duration) Probe {
	up := time.Now().Add(d)
	return func(context.Context, string) error {
		if time.Now().Before(up) {
			return errors.New("connection refused")
		}
		return nil
	}
}

func TestWaitingRequestGoesWhenTheApplicationAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const start = 337 * time.Millisecond
		p := newPool(t, 0, answersAfter(start))
		began := time.Now()
		done := make(chan time.Duration)
		for range 100 {
			go func() {
				if _, err := p.Acquire(t.Context()); err != nil {
					t.Error(err)
				}
				done <- time.Since(began)
			}()
		}
		synctest.Wait()
		time.Sleep(50 * time.Millisecond)
		// The pod has an address, and the kubelet has not called it ready.
		p.Update([]Endpoint{{UID: "1", Addr: "10.0.0.1:80"}})
		for range 100 {
			if took := <-done; took < start || took > start+waitedBackoff {
				t.Fatalf("went after %s, want within %s of %s", took, waitedBackoff, start)
			}
		}
	})
}

func TestStartingPodIsLeftAloneWhileNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		probes := 0
		p := newPool(t, 0, func(context.Context, string) error { probes++; return nil }, Endpoint{UID: "1", Addr: "10.0.0.1:80"})
		time.Sleep(time.Minute)
		if probes != 0 {
			t.Errorf("%d probes though nobody waits", probes)
		}
		if got := p.Load().Open; got != 0 {
			t.Errorf("%d pods open, want 0", got)
		}
	})
}

func TestUnreachablePodIsAvoidedUntilItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pods := readyPods(2)
		p := newPool(t, 0, answersAfter(10*time.Second), pods...)
		bad := mustAcquire(t, p)
		bad.Unreachable()
		for range 5 {
			p.Update(pods) // the kubelet still says Ready
			if l := mustAcquire(t, p); l.Pod == bad.Pod {
				t.Fatal("a request went to the pod that refuses connections")
			}
		}
		time.Sleep(12 * time.Second)
		if l := mustAcquire(t, p); l.Pod != bad.Pod {
			t.Error("the pod answers again and gets no request")
		}
	})
}

func TestLonelyUnreachablePodIsProbedFastWhenSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const up = 20*time.Second + 123*time.Millisecond
		p := newPool(t, 0, answersAfter(up), readyPods(1)...)
		mustAcquire(t, p).Unreachable()
		began := time.Now()
		time.Sleep(up - 100*time.Millisecond) // probes have slowed down to one per second
		if _, err := p.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > up+waitedBackoff {
			t.Errorf("went %s after the application was up", took-up)
		}
	})
}
