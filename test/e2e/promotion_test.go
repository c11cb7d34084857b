//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// canaryRate is the load of the tests of promotion, in requests a second.
const canaryRate = 200

// TestCanary: under load, a good version goes step by step to all of the traffic
// and no request fails; a pin in the middle of the next one ends it at once.
func TestCanary(t *testing.T) {
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	rules := "main: {canary: {steps: [1, 5, 25, 50], every: 3s}, gates: {minRequests: 10}}"
	first := code.pushRelease(rules, "")
	code.watch()
	tm.waitLive("dying", first)
	load := startSteady(t, tm.url("dying"), canaryRate)

	second := code.pushRelease(rules, "quietly never")
	weights := tm.weightsUntilLive("dying", second)
	if want := []int32{0, 100, 500, 2500, 5000, v1alpha1.Whole}; !slices.Equal(weights, want) {
		t.Errorf("its weights were %v, want %v", weights, want)
	}
	app, err := tm.app("dying")
	if err != nil {
		t.Fatal(err)
	}
	if len(app.Status.Trials) > 0 {
		t.Errorf("trials are left: %+v", app.Status.Trials)
	}
	if err := want("the newest deployment", app.Status.Deployments[0].Revision, revisionName("dying", second)); err != nil {
		t.Error(err)
	}

	slow := "main: {canary: {steps: [10], every: 1h}}"
	third := code.pushRelease(slow, "quietly neither")
	tm.waitWeight("dying", third, 1000)
	code.write("headway.yaml", dyingSpec(slow, "quietly neither")+"pin: "+second+"\n")
	code.push("Pin the second")
	tm.waitWeight("dying", third, 0)
	tm.waitLive("dying", second)
	if tally := load.finish(); tally.failed > 0 || tally.of[third] == 0 {
		t.Errorf("%d of %d answers are bad, %d come from the third: %v", tally.failed, tally.all, tally.of[third], tally.last)
	}
}

// TestCanaryThatFails: versions that fail at their first step are at 0% at once,
// users see few bad answers, and no restart tries them again.
func TestCanaryThatFails(t *testing.T) {
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	rules := "main: {canary: {steps: [5, 50], every: 1h}, gates: {p95: 300ms}}"
	good := code.pushRelease(rules, "")
	code.watch()
	tm.waitLive("dying", good)
	load := startSteady(t, tm.url("dying"), canaryRate)
	// Slow answers are no errors; the others cost what came until the alarm.
	for _, tt := range []struct {
		die  string
		most int
	}{{"answering 500", 20}, {"slowly 1s", 0}} {
		before := load.count()
		bad := code.pushRelease(rules, tt.die)
		tm.waitQuarantined("dying", good, bad)
		time.Sleep(2 * time.Second) // what was under way comes to its end
		after := load.count()
		t.Logf("%s: %d of %d answers are bad, %d come from it", tt.die, after.failed-before.failed, after.all-before.all, after.of[bad])
		if after.failed-before.failed > tt.most || after.of[bad] == 0 {
			t.Errorf("%s: %d answers are bad, want at most %d; %d come from it, want some", tt.die, after.failed-before.failed, tt.most, after.of[bad])
		}
		killSystem(t, "headway-controller", true)
		tm.waitSystem("headway-controller")
		time.Sleep(5 * time.Second) // in which the quarantined one would come back
		if again := load.count(); again.of[bad] > after.of[bad] {
			t.Errorf("%s: %d answers come from it after a restart of the controller", tt.die, again.of[bad]-after.of[bad])
		}
		tm.waitQuarantined("dying", good, bad)
	}

	rules = "main: {canary: {steps: [25], every: 1h}}"
	bad := code.pushRelease(rules, "told")
	tm.waitWeight("dying", bad, 2500)
	revision := tm.mustRevision("dying", bad)
	_ = tm.answers(revision.Status.URL+"/die", 0, "") // it dies of that
	tm.waitQuarantined("dying", good, bad)
	load.finish()
}

// TestSmokeTest: a job in a version's own image decides before the first user
// whether the version gets any.
func TestSmokeTest(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	good := code.pushRelease("main: {instant: true}", "")
	code.watch()
	tm.waitLive("dying", good)
	load := startSteady(t, tm.url("dying"), canaryRate)

	rules := "main: {canary: {steps: [50], every: 1s}, gates: {minRequests: 0, job: [/app/app, smoke]}}"
	bad := code.pushRelease(rules, "answering 500")
	tm.waitQuarantined("dying", good, bad)
	app, err := tm.app("dying")
	if err != nil {
		t.Fatal(err)
	}
	if why := app.Status.Revision(revisionName("dying", bad)).Message; !strings.Contains(why, "smoke test: status 500") {
		t.Errorf("it failed for another reason: %s", why)
	}
	better := code.pushRelease(rules, "quietly never")
	tm.waitLive("dying", better)
	if tally := load.finish(); tally.failed > 0 || tally.of[better] == 0 {
		t.Errorf("%d of %d answers are bad, %d come from the one that passed: %v", tally.failed, tally.all, tally.of[better], tally.last)
	}
}

// TestRevertCommit: a version that fails is reverted in git, and the revert is live
// without a build.
func TestRevertCommit(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	rules := "main: {canary: {steps: [50], every: 1h}, onFail: revert}"
	good := code.pushRelease(rules, "")
	code.watch()
	tm.waitLive("dying", good)
	load := startSteady(t, tm.url("dying"), canaryRate)
	defer load.finish()
	bad := code.pushRelease(rules, "answering 500")
	tm.waitQuarantined("dying", good, bad)
	runs := len(tm.runs("dying"))
	var head string
	eventually(t, soon, "the revert is pushed", func() error {
		code.git("fetch", "-q", "origin")
		head = strings.TrimSpace(code.git("rev-parse", "origin/"+mainBranch))
		if head == bad {
			return errors.New("main still has the bad commit")
		}
		return nil
	})
	text := code.git("log", "-1", "--format=%ae%n%B", head)
	for _, part := range []string{"headway@noreply\n", "Headway-Reverts: " + bad, "Headway-App: dying"} {
		if !strings.Contains(text, part) {
			t.Errorf("the commit does not say %q:\n%s", part, text)
		}
	}
	if diff := code.git("diff", "--stat", good, head); strings.TrimSpace(diff) != "" {
		t.Errorf("it differs from the good commit:\n%s", diff)
	}
	eventually(t, soon, "the revert is what serves", func() error {
		app, err := tm.app("dying")
		if err != nil {
			return err
		}
		if app.Spec.Committed == nil || app.Spec.Committed.Commit != head {
			return fmt.Errorf("spec.committed is %+v, want %s", app.Spec.Committed, head)
		}
		revision, err := tm.revision("dying", head)
		if err == nil && app.Status.Live != revision.Name && revision.Status.SameAs != app.Status.Live {
			return fmt.Errorf("live is %s", app.Status.Live)
		}
		return want("live", app.Status.TrafficSummary[:4], "100%")
	})
	tm.wantRuns("dying", runs)
}

// pushRelease pushes testdata/dying with rules and a way to die.
func (r *repository) pushRelease(rules, die string) string {
	r.Helper()
	r.write("headway.yaml", dyingSpec(rules, die))
	return r.push("Die " + die)
}

func dyingSpec(rules, die string) string {
	return fmt.Sprintf("name: dying\nenv: {DIE: %q}\nresources: {memory: 64Mi}\nhealth: {hold: 1s, settle: 1m}\nrelease:\n  %s\n", die, rules)
}

// weight of a commit's revision; 0 if the App does not know it.
func (tm *team) weight(app, commit string) (int32, *v1alpha1.App) {
	seen, err := tm.app(app)
	if err != nil {
		return 0, seen
	}
	if role := seen.Status.Revision(revisionName(app, commit)); role != nil {
		return role.Weight, seen
	}
	return 0, seen
}

// waitWeight waits until a commit's revision has a weight, in basis points.
func (tm *team) waitWeight(app, commit string, weight int32) {
	tm.Helper()
	eventually(tm.T, built, fmt.Sprintf("%s of %s has %s", commit[:8], app, v1alpha1.Percent(weight)), func() error {
		got, seen := tm.weight(app, commit)
		if got != weight {
			return fmt.Errorf("it has %s: %+v", v1alpha1.Percent(got), seen.Status.Trials)
		}
		return nil
	})
}

// weightsUntilLive are the weights that a commit's revision has until it has all.
func (tm *team) weightsUntilLive(app, commit string) (weights []int32) {
	tm.Helper()
	weights = []int32{0}
	eventually(tm.T, built, commit[:8]+" goes to 100%", func() error {
		got, seen := tm.weight(app, commit)
		if got != weights[len(weights)-1] {
			weights = append(weights, got)
			tm.Logf("%s has %s", commit[:8], v1alpha1.Percent(got))
		}
		if got != v1alpha1.Whole {
			return fmt.Errorf("it has %s: %+v", v1alpha1.Percent(got), seen.Status.Trials)
		}
		return nil
	})
	return weights
}

// waitQuarantined waits until a commit's revision has failed while it was on
// trial, and the good one has all of the traffic.
func (tm *team) waitQuarantined(name, good, bad string) {
	tm.Helper()
	eventually(tm.T, built, bad[:8]+" fails", func() error {
		app, err := tm.app(name)
		if err != nil {
			return err
		}
		if app.Status.Live == revisionName(name, bad) {
			tm.Fatalf("%s is live", bad[:8])
		}
		if err := want("the role", app.Status.Role(revisionName(name, bad)), v1alpha1.RoleQuarantined); err != nil {
			return fmt.Errorf("%w: %+v", err, app.Status.Trials)
		}
		return want("the traffic", app.Status.TrafficSummary, "100% "+good[:8])
	})
}
