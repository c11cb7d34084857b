//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// rate is the load of these tests, in requests a second.
const rate = 1000

// mostBad is how many bad answers a version that dies may cost: those that its pod
// had in hand when it died, which are one of each client at most, and once more if
// its container was started again before the kubelet told. Requests that find no
// pod wait for the one before.
const mostBad = 2 * clients

// TestDyingVersions pushes versions that die, beside one that serves, under
// load: none takes production down, whenever it dies.
func TestDyingVersions(t *testing.T) {
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	good := code.push("Serve")
	code.watch()
	tm.waitLive("dying", good)
	load := startSteady(t, tm.url("dying"), rate)

	for _, die := range []string{"after 5ms", "after 50ms", "after 300ms", "quietly 300ms"} {
		before := load.count()
		bad := code.pushDying(die)
		tm.waitNeverLive("dying", good, bad)
		if after := load.count(); after.failed > before.failed || after.of[bad] > 0 {
			t.Errorf("%s: %d answers are bad, %d come from it", die, after.failed-before.failed, after.of[bad])
		} else {
			t.Logf("%s: 0 of %d answers are bad, none comes from it", die, after.all-before.all)
		}
	}
	for _, die := range []string{"after 3s", "request", "answering 500", "memory 10s", "after 30s"} {
		before := load.count()
		bad := code.pushDying(die)
		tm.waitRolledBack("dying", good, bad)
		time.Sleep(time.Second) // what was under way comes to its end
		after := load.count()
		t.Logf("%s: %d of %d answers are bad, %d come from it", die, after.failed-before.failed, after.all-before.all, after.of[bad])
		most := mostBad
		if die == "answering 500" {
			most = rate // the activators report ten times a second
		}
		if after.failed-before.failed > most {
			t.Errorf("%s: %d answers are bad, want at most %d: %v", die, after.failed-before.failed, most, after.last)
		}
	}
	killSystem(t, "headway-controller", true)
	tm.waitSystem("headway-controller")
	time.Sleep(5 * time.Second) // in which the quarantined one would come back
	app, err := tm.app("dying")
	if err != nil {
		t.Fatal(err)
	}
	if err := want("the live revision", app.Status.Live, revisionName("dying", good)); err != nil {
		t.Errorf("after a restart of the controller: %v", err)
	}

	before := load.count()
	told := code.pushDying("told")
	tm.waitLive("dying", told)
	last := code.pushDying("")
	tm.waitLive("dying", last)
	time.Sleep(2 * time.Second)
	if after := load.count(); after.failed > before.failed {
		t.Errorf("two versions that live: %d answers are bad: %v", after.failed-before.failed, after.last)
	}
	load.finish()
}

// pushDying pushes a version that dies as it is told; see testdata/dying.
func (r *repository) pushDying(die string) string {
	r.Helper()
	r.write("headway.yaml", fmt.Sprintf("name: dying\nenv: {DIE: %q}\nresources: {memory: 64Mi}\n", die))
	return r.push("Die " + die)
}

// waitNeverLive waits until a version has failed to start, without any traffic.
func (tm *team) waitNeverLive(name, good, bad string) {
	tm.Helper()
	eventually(tm.T, built, "it fails to start", func() error {
		app, err := tm.app(name)
		if err != nil {
			return err
		}
		if err := want("the live revision", app.Status.Live, revisionName(name, good)); err != nil {
			tm.Fatalf("a version that dies is live: %v", err)
		}
		revision, err := tm.revision(name, bad)
		if err != nil {
			return err
		}
		return condition(revision.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonStartFailed)
	})
}

// waitRolledBack waits until a version has been live, has failed, and has given
// the traffic back.
func (tm *team) waitRolledBack(name, good, bad string) {
	tm.Helper()
	eventually(tm.T, built, "it gives the traffic back", func() error {
		app, err := tm.app(name)
		if err != nil {
			return err
		}
		if err := condition(app.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRolledBack); err != nil {
			return err
		}
		if err := want("the role", app.Status.Role(revisionName(name, bad)), v1alpha1.RoleQuarantined); err != nil {
			return err
		}
		return want("the live revision", app.Status.Live, revisionName(name, good))
	})
}
