package backend

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-dev/headway/scaler/park"
)

func TestOldestParkedPodIsWokenOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		p := d.pool(t, 0, parkedPod("b", 2), parkedPod("d", 1), parkedPod("c", 1), parkedPod("a", 3))
		time.Sleep(time.Hour)
		d.wantCalls(t) // nobody waits
		var results []<-chan result
		for range 100 {
			results = append(results, request(t, p))
		}
		for _, r := range results {
			got := <-r
			if got.err != nil || got.pod != "pod-c" {
				t.Fatalf("got %+v, want pod-c: the oldest, and the first by name", got)
			}
			if most := d.latency + d.start + wokenStep; got.took > most {
				t.Fatalf("went after %s, want at most %s", got.took, most)
			}
		}
		time.Sleep(time.Minute)
		d.wantCalls(t, "c")
		for _, ip := range []string{"a", "b", "d"} {
			if d.wasProbed(ip) {
				t.Errorf("the parked pod %s was probed", ip)
			}
		}
	})
}

func TestNextPodIsWokenIfOneCannotBe(t *testing.T) {
	deny := func() error { return fmt.Errorf("waking: %w", park.ErrDenied) }
	for name, answer := range map[string]func() error{
		"denied":      deny,
		"unreachable": func() error { return errors.New("i/o timeout") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDormitory()
				d.answers["a"] = answer
				p := d.pool(t, 0, parkedPod("a", 1), parkedPod("b", 2))
				if got := <-request(t, p); got.pod != "pod-b" || got.took > 20*time.Millisecond {
					t.Errorf("got %+v, want pod-b at once", got)
				}
				time.Sleep(time.Minute)
				d.wantCalls(t, "a", "b")
			})
		})
	}
}

func TestUnreachablePodIsCalledAgainWithPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, began := newDormitory(), time.Now()
		var at []time.Duration
		d.latency = 0
		d.answers["a"] = func() error {
			at = append(at, time.Since(began))
			if len(at) == 9 {
				return nil
			}
			return errors.New("no route to host")
		}
		p := d.pool(t, 0, parkedPod("a", 1))
		if got := <-request(t, p); got.pod != "pod-a" {
			t.Errorf("got %+v", got)
		}
		if got := fmt.Sprint(at); got != "[0s 100ms 300ms 700ms 1.5s 3.1s 6.3s 11.3s 16.3s]" {
			t.Errorf("called at %s", got)
		}
	})
}

func TestEachUnreachablePodHasItsOwnPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		d.answers["a"] = func() error { return errors.New("no route to host") }
		failed := false
		d.answers["b"] = func() error {
			if failed {
				return nil
			}
			failed = true
			return errors.New("no route to host")
		}
		p := d.pool(t, 0, parkedPod("a", 1))
		waits, began := request(t, p), time.Now()
		time.Sleep(20 * time.Second)
		p.Update([]Endpoint{parkedPod("a", 1), parkedPod("b", 2)})
		if got := <-waits; got.pod != "pod-b" || time.Since(began) > 20*time.Second+2*firstRetry {
			t.Errorf("got %+v, want pod-b after one pause of %s", got, firstRetry)
		}
	})
}

func TestDeniedPodIsNotCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		d.answers["a"] = func() error { return park.ErrDenied }
		p := d.pool(t, 0, parkedPod("a", 1))
		waits := request(t, p)
		time.Sleep(time.Minute)
		request(t, p)
		d.wantCalls(t, "a")
		p.Update([]Endpoint{parkedPod("a", 1), parkedPod("b", 2)}) // made in its place
		if got := <-waits; got.pod != "pod-b" {
			t.Errorf("got %+v, want pod-b", got)
		}
	})
}

// TestRefusedCallMeansAwake: another one was faster, so the pod is about to
// answer, and no second one is needed.
func TestRefusedCallMeansAwake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		d.start = 2500 * time.Millisecond
		d.answers["a"] = func() error { return fmt.Errorf("waking: %w", park.ErrRefused) }
		d.wake("a") // by another activator
		p := d.pool(t, 0, parkedPod("a", 1), parkedPod("b", 2))
		if got := <-request(t, p); got.pod != "pod-a" || got.took > d.start+waitedBackoff {
			t.Errorf("got %+v, want pod-a after %s", got, d.start)
		}
		d.wantCalls(t, "a", "a", "a") // a second apart, in case it was not there yet
	})
}

func TestPodThatTheAutoscalerWokeIsAskedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		pod := parkedPod("a", 1)
		p := d.pool(t, 0, pod)
		p.hooks.Waker = nil
		waits := request(t, p)
		time.Sleep(time.Second)
		if d.wasProbed("a") {
			t.Error("a parked pod was probed")
		}
		d.wake("a")
		woken := *pod.Standby
		woken.Parked = false
		pod.Standby = &woken
		p.Update([]Endpoint{pod})
		if got := <-waits; got.pod != "pod-a" || got.took > time.Second+d.start+waitedBackoff {
			t.Errorf("got %+v", got)
		}
	})
}

func TestParkedPodGetsNoRequestUntilItIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		pods := []Endpoint{parkedPod("a", 1), {UID: "1", Name: "ordinary", Addr: "z:80", Ready: true}}
		p := d.pool(t, 0, pods...)
		d.wake("a") // something listens there, whatever it may be
		time.Sleep(time.Second)
		for range 10 {
			if l := mustAcquire(t, p); l.Pod.Name != "ordinary" {
				t.Fatal("a request went to a parked pod")
			}
		}
		d.wantCalls(t) // a pod is open
		pods[0].Ready = true
		p.Update(pods)
		if l := mustAcquire(t, p); l.Pod.Name != "pod-a" {
			t.Errorf("%s got the request, want the pod that the kubelet calls ready", l.Pod.Name)
		}
	})
}

// TestRestartedContainerIsWokenAgain: the application crashed, and its
// container waits parked again.
func TestRestartedContainerIsWokenAgain(t *testing.T) {
	for name, readyBefore := range map[string]bool{"ready before": true, "known by a probe only": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDormitory()
				pod := parkedPod("a", 1)
				p := d.pool(t, 0, pod)
				<-request(t, p)
				pod.Ready = readyBefore
				p.Update([]Endpoint{pod})

				d.crash("a")
				crashed := *pod.Standby
				crashed.Runs = false
				pod.Ready, pod.Standby = false, &crashed
				p.Update([]Endpoint{pod})
				if !readyBefore { // somebody has to find out
					mustAcquire(t, p).Unreachable()
				}
				waits := request(t, p)
				time.Sleep(10 * time.Second)
				d.wantCalls(t, "a") // it does not run

				again := crashed
				again.Runs, again.Container = true, "second"
				pod.Standby = &again
				p.Update([]Endpoint{pod})
				if got := <-waits; got.pod != "pod-a" || got.took > 10*time.Second+d.latency+d.start+wokenStep {
					t.Errorf("got %+v", got)
				}
				d.wantCalls(t, "a", "a")
			})
		})
	}
}

func TestContainerThatDoesNotRunIsNotCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		creating := parkedPod("a", 1)
		creating.Standby.Runs, creating.Standby.Container = false, ""
		draining := parkedPod("b", 1)
		draining.Draining = true
		p := d.pool(t, 0, creating, draining)
		waits := request(t, p)
		time.Sleep(time.Second)
		d.wantCalls(t)
		p.Update([]Endpoint{parkedPod("a", 1), draining})
		if got := <-waits; got.pod != "pod-a" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestOnlyTheKeeperWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		p := d.pool(t, 3)
		p.share()
		waits := request(t, p)
		p.Update([]Endpoint{parkedPod("a", 1)})
		time.Sleep(time.Second)
		d.wantCalls(t) // another one may keep it
		p.keep(nil)
		if got := <-waits; got.pod != "pod-a" {
			t.Errorf("got %+v", got)
		}

		p = d.pool(t, 3, parkedPod("b", 1))
		p.leave()
		if got := <-request(t, p); !errors.Is(got.err, errMoved) {
			t.Errorf("got %+v, want to be sent on", got)
		}
		d.wantCalls(t, "a")
	})
}

func TestLimitHoldsForAWokenPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		p := d.pool(t, 2, parkedPod("a", 1), parkedPod("b", 2))
		var results []<-chan result
		for range 5 {
			results = append(results, request(t, p))
		}
		time.Sleep(time.Minute)
		results = append(results, request(t, p))
		if got := p.Load(); got.InFlight != 2 || got.Queued != 4 {
			t.Errorf("load %+v, want 2 in flight and 4 that wait", got)
		}
		d.wantCalls(t, "a") // a pod is open; more of them are the autoscaler's business
		for _, r := range results[:2] {
			if got := <-r; got.pod != "pod-a" {
				t.Errorf("got %+v", got)
			}
		}
		p.Close()
		for _, r := range results[2:] {
			if got := <-r; !errors.Is(got.err, ErrClosed) {
				t.Errorf("got %+v", got)
			}
		}
	})
}

// Who tells of a wake call may wait for a log that nobody reads; requests do not
// wait with him.
func TestTellingOfAWakeCallHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		p := d.pool(t, 0, parkedPod("a", 1))
		told, read := make(chan error, 1), make(chan struct{})
		p.hooks.Woke = func(_ *Pod, err error) { told <- err; <-read }
		waits := request(t, p)
		if err := <-told; err != nil {
			t.Fatal(err)
		}
		if got := <-waits; got.pod != "pod-a" {
			t.Errorf("got %+v", got)
		}
		close(read)
	})
}

func TestCloseEndsTheWakeCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDormitory()
		d.latency = time.Hour
		p := d.pool(t, 0, parkedPod("a", 1), parkedPod("b", 2))
		p.hooks.Woke = func(_ *Pod, err error) { t.Errorf("told of a call that was given up: %v", err) }
		waits, began := request(t, p), time.Now()
		p.Close()
		if got := <-waits; !errors.Is(got.err, ErrClosed) {
			t.Errorf("got %+v", got)
		}
		synctest.Wait()
		d.wantCalls(t, "a")
		if time.Since(began) > 0 {
			t.Error("Close waited for the call")
		}
	})
}
