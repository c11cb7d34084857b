//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestStandby follows a parked pod: it waits, refuses strangers, becomes the
// app as any other pod is, is replaced, and goes when nobody asks any more.
func TestStandby(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	revision := tm.startMeter("{idle: 5s, standby: 1}")
	ordinary := tm.look(nil)
	parked := tm.waitParked(revision)
	if ordinary.Hostname == parked.Name {
		t.Fatal("the parked pod answered before the first pod had gone")
	}
	for _, call := range []string{"", "wake", "wake AAAA", "wake " + strings.Repeat("A", 86) + "==", "GET / HTTP/1.1"} {
		if answer := tm.tell(parked, call); !strings.HasPrefix(answer, "no: ") {
			t.Errorf("the parked pod answers %q with %q", call, answer)
		}
	}
	if again := tm.waitParked(revision); again.UID != parked.UID || again.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("%s is parked now, after %s was told nonsense", again.Name, parked.Name)
	}

	begin := time.Now()
	woken := tm.look(nil)
	t.Logf("woken in %s", time.Since(begin).Round(time.Millisecond))
	if woken.Hostname != parked.Name {
		t.Errorf("%s answered, want the parked pod %s", woken.Hostname, parked.Name)
	}
	if diff := cmp.Diff(inCommon(ordinary), inCommon(woken)); diff != "" {
		t.Errorf("an app in a woken pod finds something else (-ordinary +woken):\n%s", diff)
	}
	tm.waitWoken(revision, parked.Name)
	next := tm.waitStandby(revision)
	if next.Name == parked.Name {
		t.Fatalf("%s is still parked", next.Name)
	}
	if running, _ := tm.podsOf(revision); len(running) != 2 {
		t.Errorf("the revision has %d pods, want one that runs and one that is parked", len(running))
	}

	if idle := tm.waitParked(revision); idle.Name != next.Name {
		t.Errorf("%s is parked when all is idle, want %s as before", idle.Name, next.Name)
	}
}

// TestStandbyCrashes: an app that crashes in a woken pod runs again, there or in
// the next parked one, and it is the app that gets SIGTERM when its pod goes.
func TestStandbyCrashes(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	revision := tm.startMeter("{idle: 4s, standby: 1}")
	tm.waitParked(revision)
	woken := tm.look(nil).Hostname
	tm.waitWoken(revision, woken)

	if err := tm.answers(tm.url("meter")+"crash", http.StatusBadGateway, ""); err != nil {
		t.Errorf("the app did not crash: %v", err)
	}
	eventually(t, soon, "the app runs again, and "+woken+" is not stuck", func() error {
		// A request may still meet the process that ends; and it wakes the next.
		if err := tm.answers(tm.url("meter"), http.StatusOK, ""); err != nil {
			return err
		}
		pod := &corev1.Pod{}
		if err := tm.get(woken, pod); err != nil {
			// Another pod was woken faster, and this one was one too many.
			return client.IgnoreNotFound(err)
		}
		if restarts := pod.Status.ContainerStatuses[0].RestartCount; restarts != 1 || !isReady(pod) {
			return fmt.Errorf("%d restarts, ready: %t", restarts, isReady(pod))
		}
		return nil
	})

	download := tm.startDownload(50)
	_, ready := tm.podsOf(revision)
	for _, pod := range ready {
		if err := kube.Delete(t.Context(), &pod); client.IgnoreNotFound(err) != nil {
			t.Fatalf("deleting %s: %v", pod.Name, err)
		}
	}
	if told := download.wait(t); !told {
		t.Error("SIGTERM did not reach the app")
	}
}

// TestStandbyRolls: new revisions with a standby take over under load, from a
// pod that was parked, and no request fails.
func TestStandbyRolls(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	const scale = "health: {settle: 5s}\nscale: {idle: 3s, standby: 1}" // until it has settled, the one before is kept
	code, revision := tm.startMeterAs(scale)
	tm.waitParked(revision)
	crowd := startCrowd(t, tm.url("meter")+"work?for=20ms", 10)
	for n := range 2 {
		code.write("headway.yaml", meterSpec(t, "meter", "env: {N: \""+strconv.Itoa(n)+"\"}\n"+scale))
		commit := code.push("Change " + strconv.Itoa(n))
		tm.waitLive("meter", commit)
		tm.waitStandby(revisionName("meter", commit))
	}
	crowd.wantNoneFailed(t)
	eventually(t, soon, "the first revision has no standby any more", func() error {
		return want("pods of "+revision, len(tm.standbyOf(revision)), 0)
	})
}

// TestStandbyWithoutAutoscaler: an activator wakes a parked pod itself. The
// autoscaler takes it over when it is back.
func TestStandbyWithoutAutoscaler(t *testing.T) {
	tm := newTeam(t)
	revision := tm.startMeter("{idle: 2s, standby: 1}")
	tm.waitParked(revision)
	restore := tm.scaleSystem("headway-autoscaler", 0)
	tm.waitPods("headway-autoscaler", 0)

	begin := time.Now()
	woken := tm.look(nil).Hostname
	t.Logf("woken in %s", time.Since(begin).Round(time.Millisecond))
	restore()
	tm.waitWoken(revision, woken)
	tm.waitSystem("headway-autoscaler")
}

// inCommon leaves out what is different in every pod, and the one mount of a
// parked pod.
func inCommon(s seen) seen {
	s.Hostname, s.Headers = "", nil
	s.Environment = maps.Clone(s.Environment)
	delete(s.Environment, "HOSTNAME")
	s.Mounts = maps.Clone(s.Mounts)
	delete(s.Mounts, v1alpha1.ParkPath)
	return s
}
