//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const page = "public/index.html"

// TestRevert: a revert is live with the digest of back then, without a run. The
// version that it goes back to is kept still, and takes the traffic.
func TestRevert(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	code.write(page, "one\n")
	one := code.push("One")
	code.watch()
	tm.waitLive("static", one)
	code.write(page, "two\n")
	two := code.push("Two")
	tm.waitLive("static", two)
	tm.wantAnswer(tm.url("static"), "two")
	tm.wantRuns("static", 2)

	reverted := code.revert()
	tm.waitHead("static", reverted, reverted)
	tm.waitLive("static", one)
	tm.wantAnswer(tm.url("static"), "one")
	tm.wantRuns("static", 2)
	before, after := tm.mustRevision("static", one), tm.mustRevision("static", reverted)
	if err := want("the image", after.Status.Image, before.Status.Image); err != nil {
		t.Error(err)
	}
	if err := condition(after.Status.Conditions, v1alpha1.ConditionBuilt, metav1.ConditionTrue, v1alpha1.ReasonImageReused); err != nil {
		t.Error(err)
	}
}

// TestPin: a pinned commit takes all traffic, and gives it back with the pin.
func TestPin(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	code.write(page, "one\n")
	one := code.push("One")
	code.watch()
	tm.waitLive("static", one)
	code.write(page, "two\n")
	two := code.push("Two")
	tm.waitLive("static", two)

	code.write("headway.yaml", "name: static\npin: "+one[:10]+"\n")
	code.push("Pin the first")
	app := tm.waitLive("static", one)
	if err := condition(app.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonPinned); err != nil {
		t.Error(err)
	}
	tm.wantAnswer(tm.url("static"), "one")

	code.write(page, "three\n")
	three := code.push("Three, while pinned")
	eventually(t, built, "the third is ready beside the pinned one", func() error {
		revision, err := tm.revision("static", three)
		if err != nil {
			return err
		}
		return condition(revision.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRunning)
	})
	tm.waitLive("static", one)
	tm.wantAnswer(tm.url("static"), "one")

	code.write("headway.yaml", "name: static\n")
	code.push("Unpin")
	tm.waitLive("static", three)
	tm.wantAnswer(tm.url("static"), "three")
	tm.wantRuns("static", 3)
}

// TestMonorepo: a push builds the apps that it touches, and no other.
func TestMonorepo(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("monorepo")
	first := code.push("First")
	code.watch()
	tm.waitLive("greeter", first)
	tm.waitLive("clock", first)

	code.edit("services/greeter/main.go", "Good day, ", "Good evening, ")
	greeter := code.push("Touch one app")
	tm.waitLive("greeter", greeter)
	tm.wantAnswer(tm.url("greeter"), "Good evening, stranger!")
	tm.waitHead("clock", greeter, first)
	tm.wantRuns("greeter", 2)
	tm.wantRuns("clock", 1)

	code.edit("libs/words/words.go", "with kind regards", "with love")
	both := code.push("Touch the library")
	tm.waitLive("greeter", both)
	tm.waitLive("clock", both)
	tm.wantAnswer(tm.url("greeter"), "with love")
	tm.wantAnswer(tm.url("clock"), "with love")

	code.write("README.md", "Nothing that an app is built from.\n")
	neither := code.push("Touch neither")
	tm.waitHead("greeter", neither, both)
	tm.waitHead("clock", neither, both)
	tm.wantRuns("greeter", 3)
	tm.wantRuns("clock", 2)
}

// waitHead waits until an app has seen a commit of main, and wants it to run
// the revision of an earlier one.
func (tm *team) waitHead(app, commit, revision string) {
	tm.Helper()
	eventually(tm.T, soon, fmt.Sprintf("%s of main is known to %s", commit[:8], app), func() error {
		seen, err := tm.app(app)
		if err != nil {
			return err
		}
		for _, head := range seen.Spec.Heads {
			if head.Ref == "refs/heads/main" && head.Commit == commit {
				return want("its revision", head.Revision, revisionName(app, revision))
			}
		}
		return fmt.Errorf("the heads are %v", seen.Spec.Heads)
	})
}
