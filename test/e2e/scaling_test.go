//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/test/localcluster"
)

// TestScale follows one app from no pod to several and back: asleep when idle,
// woken by one request, by a hundred at once, grown under load.
func TestScale(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	revision := tm.startMeter("{idle: 5s, concurrency: 2, max: 5}")
	tm.waitAsleep(revision)

	begin := time.Now()
	tm.wantOne(tm.url("meter") + "work?for=0s")
	t.Logf("woken by one request in %s", time.Since(begin).Round(time.Millisecond))
	tm.waitAsleep(revision)

	if answers := startHundred(tm.url("meter") + "work?for=10ms").wantNoneFailed(t); len(answers) != 100 {
		t.Errorf("%d answers, want 100", len(answers))
	}

	crowd := startCrowd(t, tm.url("meter")+"work?for=200ms", 10)
	tm.waitReady(revision, 3)
	crowd.wantNoneFailed(t)
	tm.waitAsleep(revision)
}

// wantOne asks a URL once; the answer may take as long as a pod to start.
func (tm *team) wantOne(url string) {
	tm.Helper()
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	got, err := localcluster.Fetch(tm.Context(), web, url)
	if err != nil || got.Status != 200 {
		tm.Fatalf("%s answers %d %q, %v", url, got.Status, got.Body, err)
	}
}

// TestPodsDeletedUnderLoad: a pod that is taken away loses no request.
func TestPodsDeletedUnderLoad(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	revision := tm.startMeter("{min: 2, max: 2}")
	tm.waitReady(revision, 2)
	crowd := startCrowd(t, tm.url("meter")+"work?for=50ms", 10)
	for range 3 {
		running, _ := tm.podsOf(revision)
		if err := kube.Delete(t.Context(), &running[0]); client.IgnoreNotFound(err) != nil {
			t.Fatalf("deleting a pod: %v", err)
		}
		tm.waitReady(revision, 2)
	}
	crowd.wantNoneFailed(t)
}

// TestAutoscalerKilled: what runs goes on running, and nothing is taken away
// from an app under load by an autoscaler that has just begun.
func TestAutoscalerKilled(t *testing.T) {
	tm := newTeam(t)
	revision := tm.startMeter("{concurrency: 2, min: 1, max: 4}")
	crowd := startCrowd(t, tm.url("meter")+"work?for=200ms", 8)
	tm.waitReady(revision, 3)
	_, before := tm.podsOf(revision)
	killSystem(t, "headway-autoscaler", true)
	for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(200 * time.Millisecond) {
		if running, _ := tm.podsOf(revision); len(running) < len(before) {
			t.Fatalf("%d pods are left of %d", len(running), len(before))
		}
	}
	crowd.wantNoneFailed(t)
	tm.waitSystem("headway-autoscaler")
}

// TestActivatorKilled: clients lose at most the connections that the killed
// activator held.
func TestActivatorKilled(t *testing.T) {
	const people = 20
	tm := newTeam(t)
	revision := tm.startMeter("{min: 1}")
	tm.waitReady(revision, 1)
	crowd := startCrowd(t, tm.url("meter")+"work?for=20ms", people)
	time.Sleep(2 * time.Second)
	killSystem(t, "headway-activator", false)
	time.Sleep(5 * time.Second)
	answers, failed := crowd.finish()
	t.Logf("%d answers, %d failed", len(answers), len(failed))
	for _, err := range failed {
		t.Log(err)
	}
	if len(failed) > people {
		t.Errorf("%d requests failed, more than the %d connections there were", len(failed), people)
	}
	tm.waitSystem("headway-activator")
}

// TestActivatorProcessKilled: under load the processes of all activators are killed
// at once, again and again. Their parents hold the ports, so that only requests
// fail that a killed process had accepted.
func TestActivatorProcessKilled(t *testing.T) {
	const kills, rate, most = 3, 300, 10
	tm := newTeam(t)
	revision := tm.startMeter("{min: 1}")
	tm.waitReady(revision, 1)
	asked := startLoad(t, tm.url("meter"), rate)
	for range kills {
		time.Sleep(12 * time.Second) // a crash after a life of 10 s is none of a row
		if killProgram(t, "/headway/activator") == 0 {
			t.Fatal("no activator was killed")
		}
	}
	time.Sleep(5 * time.Second)
	answers, failed := asked.finish()
	t.Logf("%d answers, %d failed at %d kills of all activators", len(answers), len(failed), kills)
	for _, err := range failed {
		t.Log(err)
		if strings.Contains(err.Error(), "connection refused") {
			t.Errorf("a connection was refused: %v", err)
		}
	}
	if len(failed) > most*kills {
		t.Errorf("%d requests failed at %d kills, more than %d each", len(failed), kills, most)
	}
	tm.waitSystem("headway-activator")
}
