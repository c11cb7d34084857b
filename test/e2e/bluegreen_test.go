//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// atOnce is how long traffic may take to move to a version that is warm, from the
// end of the push on. It is the promise of a second, and room for a busy machine.
const atOnce = 3 * time.Second

// TestBlueGreen: a version that was checked takes all of the traffic at once. The
// one before stays warm, although nobody asks it and it has settled long since,
// and takes everything back at once, and so does the other one then.
func TestBlueGreen(t *testing.T) {
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	push := func(die string) string {
		code.write("headway.yaml", fmt.Sprintf("name: dying\nenv: {DIE: %q}\nresources: {memory: 64Mi}\nscale: {idle: 2s}\n"+
			"health: {hold: 1s, settle: 2s}\nrelease:\n  main: {bluegreen: {soak: 5s, keep: 1h}}\n", die))
		return code.push("Die " + die)
	}
	first := push("")
	code.watch()
	tm.waitLive("dying", first)
	load := startSteady(t, tm.url("dying"), canaryRate)

	second := push("quietly never")
	soak := tm.waitTrial("dying", second, "until")
	weights := tm.weightsUntilLive("dying", second)
	if want := []int32{0, v1alpha1.Whole}; !slices.Equal(weights, want) {
		t.Errorf("its weights were %v, want %v", weights, want)
	}
	app, err := tm.app("dying")
	if err != nil {
		t.Fatal(err)
	}
	if took := app.Status.LiveSince.Sub(soak.Since.Time); took < 5*time.Second || took > 5*time.Second+moment {
		t.Errorf("its soak of 5 s took %s", took)
	}
	time.Sleep(10 * time.Second) // several times settle, and idle
	if _, warm := tm.podsOf(revisionName("dying", first)); len(warm) == 0 {
		t.Error("the version before has no pod")
	}
	if app, err = tm.app("dying"); err != nil {
		t.Fatal(err)
	}
	if role := app.Status.Role(revisionName("dying", first)); role != v1alpha1.RoleKept {
		t.Errorf("the version before is %s", role)
	}

	moved := func(how string, from, to string, move func()) {
		t.Helper()
		begun := time.Now()
		move()
		pushed := time.Now()
		tm.waitWeight("dying", to, v1alpha1.Whole)
		time.Sleep(3 * time.Second) // in which requests to the other one would show, and it settles
		sum := load.count()
		took := sum.until[from].Sub(pushed)
		t.Logf("%s: the push took %s, and %s later nobody asked %s any more; %d of %d answers were bad so far",
			how, pushed.Sub(begun).Round(time.Millisecond), took.Round(time.Millisecond), from[:8], sum.failed, sum.all)
		if took > atOnce {
			t.Errorf("%s: traffic moved %s after the push, want %s at most", how, took, atOnce)
		}
	}
	moved("headway rollback", second, first, func() { tm.headwayIn(code, "rollback", "dying", "--yes") })
	moved("headway resume", first, second, func() { tm.headwayIn(code, "resume", "dying", "--yes") })
	moved("a revert", second, first, func() {
		code.git("checkout", "-q", first, "--", "headway.yaml")
		code.push("Go back to the first")
	})
	if sum := load.finish(); sum.failed > 0 || sum.of[first] == 0 || sum.of[second] == 0 {
		t.Errorf("%d of %d answers are bad: %v", sum.failed, sum.all, sum.last)
	}
}
