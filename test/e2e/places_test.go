//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestMostPreviews: of twelve requests the oldest ten have previews, the others
// are told that they wait, and move up.
func TestMostPreviews(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGitea("static")
	code.write("headway.yaml", withPreviews("preview: true"))
	code.watchForge()
	tm.waitLive("static", code.push("Production"))
	alone := tm.left()
	heads := map[int64]string{}
	for n := range 12 {
		branch := fmt.Sprintf("door-%d", n)
		// One tree, and so one build.
		head := code.pushBranch(branch, func() { code.write(page, "twelve doors\n") })
		heads[code.open(code.owner, branch, branch)] = head
	}
	for number := range int64(10) {
		code.waitPreview(number+1, heads[number+1], "twelve doors")
	}
	for number := int64(11); number <= 12; number++ {
		code.waitState(number, heads[number], v1alpha1.RequestWaiting, "waiting for a place: 10 of 10 previews are taken")
		code.waitStatus(heads[number], "headway/preview", "pending")
	}
	tm.wantRuns("static", 2)
	code.setState(3, "closed")
	url := code.waitPreview(11, heads[11], "twelve doors").Status.URL
	code.waitState(12, heads[12], v1alpha1.RequestWaiting)

	// Without the key there are none.
	code.write("headway.yaml", withPreviews("preview: {enabled: false}"))
	code.push("No previews")
	code.waitGone(11, url, alone)
}

// TestPreviewsSurviveKills: a watcher and a controller that are killed while
// requests are opened, built, shown and closed leave each as it should be, and
// nothing behind.
func TestPreviewsSurviveKills(t *testing.T) {
	tm := newTeam(t)
	code := tm.cloneToGitea("static")
	code.write("headway.yaml", withPreviews("preview: true"))
	code.watchForge()
	tm.waitLive("static", code.push("Production"))
	alone := tm.left()
	open := func(branch string) (number int64, head string) {
		head = code.pushBranch(branch, func() { code.write(page, branch+"\n") })
		return code.open(code.owner, branch, branch), head
	}
	shown, head := open("shown")
	code.waitPreview(shown, head, "shown")
	closed, head := open("closed")
	code.waitPreview(closed, head, "closed")
	building, _ := open("building")
	eventually(t, soon, "it builds", func() error {
		if n := len(tm.runs("")); n < 4 {
			return fmt.Errorf("there are %d builds", n)
		}
		return nil
	})
	abandoned, _ := open("abandoned")
	eventually(t, soon, "it builds as well", func() error {
		if n := len(tm.runs("")); n < 5 {
			return fmt.Errorf("there are %d builds", n)
		}
		return nil
	})
	code.setState(closed, "closed")
	for _, program := range controlPlane {
		killSystem(t, program, true)
	}
	code.setState(abandoned, "closed")
	opened, openedHead := open("opened")
	for _, program := range controlPlane {
		tm.waitSystem(program)
	}
	code.waitNoPreview(closed)
	code.waitNoPreview(abandoned)
	buildingHead := code.git("rev-parse", "building")
	code.waitPreview(building, buildingHead, "building")
	url := code.waitPreview(opened, openedHead, "opened").Status.URL
	for _, number := range []int64{shown, building, opened} {
		eventually(t, soon, fmt.Sprintf("#%d has one comment", number), func() error {
			return want("the number of comments", len(code.comments(number)), 1)
		})
	}

	for _, number := range []int64{shown, building, opened} {
		code.setState(number, "closed")
	}
	time.Sleep(100 * time.Millisecond) // in the middle of it
	for _, program := range controlPlane {
		killSystem(t, program, true)
	}
	for _, program := range controlPlane {
		tm.waitSystem(program)
	}
	code.waitGone(opened, url, alone)
}
