package feedback

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// TestLifeOfARequest: 6 writes for each pushed commit, the URL first, and nothing
// that nobody needs.
func TestLifeOfARequest(t *testing.T) {
	w := newWorld(t)
	one, two := sha("1a"), sha("2b")
	w.push(12, one, "shop")
	w.wrote("status 1a1a1a1a pending headway/preview/shop: about to be built")
	w.set("shop-pr-12-1a1a1a1a", v1alpha1.ConditionBuilt, metav1.ConditionUnknown, v1alpha1.ReasonBuilding, "step 1")
	w.wrote()
	w.built("shop-pr-12-1a1a1a1a")
	w.wrote("status 1a1a1a1a success headway/build/shop: built")
	w.serves("shop-pr-12", "shop-pr-12-1a1a1a1a")
	w.wrote("status 1a1a1a1a success headway/preview/shop: ready", "deploy preview/pr-12-shop 1a1a1a1a", "comment 12 new")
	for range 3 {
		w.now = w.now.Add(2 * time.Hour)
		w.wrote()
	}

	w.push(12, two, "shop")
	w.wrote("status 2b2b2b2b pending headway/preview/shop: about to be built")
	w.built("shop-pr-12-2b2b2b2b")
	w.serves("shop-pr-12", "shop-pr-12-2b2b2b2b")
	w.wrote("status 2b2b2b2b success headway/preview/shop: ready", "deploy preview/pr-12-shop 2b2b2b2b", "comment 12 changed",
		"status 2b2b2b2b success headway/build/shop: built")

	w.close(12)
	w.wrote("retire preview/pr-12-shop") // the App is on its way out
	w.removeApps()
	w.wrote("comment 12 changed")
	if w.forge.comments[12] != gone || len(w.forge.environments) != 0 {
		t.Errorf("left are %q and %v", w.forge.comments[12], w.forge.environments)
	}
	w.wrote()
	if m := w.r.memoryOf(w.repo); len(m.commits)+len(m.comments)+len(m.environments) != 0 {
		t.Errorf("remembered are %+v", m)
	}
}

// TestImageBesideProduction: what the comment says of the image and its start takes
// no write of its own, whatever is deployed to production meanwhile, also after a
// restart. Each push compares with what is live by then.
func TestImageBesideProduction(t *testing.T) {
	w := newWorld(t)
	w.production("shop", sha("7b"), sha("8c"))
	w.app("shop").Status.Live = "shop-7b7b7b7b"
	deployed := func(revision string) {
		w.app("shop").Status.Live = revision
		w.wrote()
		w.restart()
		w.wrote()
	}
	says := func(want string) {
		t.Helper()
		if got := w.forge.comments[12]; !strings.Contains(got, "\nImage of `shop`: "+want+".\n") || strings.Count(got, imageOf) != 1 {
			t.Errorf("the comment is %q, want %q", got, want)
		}
	}
	push := func(commit, verb string) {
		t.Helper()
		revision := "shop-pr-12-" + v1alpha1.Short(commit)
		about := "status " + v1alpha1.Short(commit)
		w.push(12, commit, "shop")
		w.wrote(about + " pending headway/preview/shop: about to be built")
		w.built(revision)
		w.revision(revision).Status.ImageConfig = &v1alpha1.ImageConfig{SizeBytes: 12_000_000}
		w.wrote(about + " success headway/build/shop: built")
		w.measured(revision, 12, 8*time.Second)
		w.serves("shop-pr-12", revision)
		// Six writes, a deployment is two of them.
		w.wrote(about+" success headway/preview/shop: ready", "deploy preview/pr-12-shop "+v1alpha1.Short(commit), "comment 12 "+verb)
	}
	push(sha("1a"), "new")
	says("12.0 MB (production: 10.0 MB, +2.00 MB), starts in about 8s (production: in about 5s)")
	deployed("shop-8c8c8c8c")
	deployed("")
	says("12.0 MB (production: 10.0 MB, +2.00 MB), starts in about 8s (production: in about 5s)")
	deployed("shop-8c8c8c8c")
	push(sha("2b"), "changed")
	says("12.0 MB (production: 11.0 MB, +1.00 MB), starts in about 8s (production: in about 5s)")
	w.revision("shop-pr-12-2b2b2b2b").Status.SameAs = "shop-pr-12-1a1a1a1a"
	w.wrote()
}

// TestClosedWhileItBuilds: what is pending ends.
func TestClosedWhileItBuilds(t *testing.T) {
	w := newWorld(t)
	w.push(12, sha("1a"), "shop")
	w.wrote("status 1a1a1a1a pending headway/preview/shop: about to be built")
	w.close(12)
	w.removeApps()
	w.wrote("retire preview/pr-12-shop", "status 1a1a1a1a success headway/preview/shop: "+notNeeded)
	w.wrote()
}

// TestRestart: what is there is read once, and nothing is written; what has
// changed meanwhile is.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	w.push(12, sha("1a"), "shop")
	w.look()
	w.built("shop-pr-12-1a1a1a1a")
	w.serves("shop-pr-12", "shop-pr-12-1a1a1a1a")
	w.look()
	w.forge.reads, w.forge.writes = nil, nil
	w.restart()
	w.wrote()
	w.wrote()
	if got := strings.Join(w.forge.reads, ", "); got != "statuses 1a1a1a1a, comment 12" {
		t.Errorf("read: %s", got)
	}
	w.restart()
	w.push(12, sha("2b"), "shop")
	w.built("shop-pr-12-2b2b2b2b")
	w.serves("shop-pr-12", "shop-pr-12-2b2b2b2b")
	w.wrote("status 2b2b2b2b success headway/preview/shop: ready", "deploy preview/pr-12-shop 2b2b2b2b", "comment 12 changed",
		"status 2b2b2b2b success headway/build/shop: built")

	// A request that is closed after a restart.
	w.restart()
	w.look()
	w.close(12)
	w.removeApps()
	w.wrote("retire preview/pr-12-shop", "comment 12 changed")
}

// TestForgeAway: nothing but the newest state is told when it is back, and it is
// asked no more often than it says.
func TestForgeAway(t *testing.T) {
	w := newWorld(t)
	calls := 0
	w.forge.refuse = func(string) error {
		calls++
		return &forge.Error{Reason: v1alpha1.ReasonRateLimited, Message: "not now", RetryAfter: 10 * time.Minute}
	}
	for i := range 60 {
		w.push(12, sha(fmt.Sprintf("%02x", i+16)), "shop")
		if again := w.look().RequeueAfter; again != 10*time.Minute {
			t.Fatalf("again after %v", again)
		}
	}
	if calls > 60 {
		t.Errorf("%d calls, want one per look", calls)
	}
	w.push(13, sha("aa"), "shop")
	w.look()
	w.close(13)
	last := "shop-pr-12-4b4b4b4b"
	w.built(last)
	w.serves("shop-pr-12", last)
	w.facts.Apps = w.facts.Apps[:1]
	w.forge.refuse = nil
	w.wrote("status 4b4b4b4b success headway/preview/shop: ready", "deploy preview/pr-12-shop 4b4b4b4b", "retire preview/pr-13-shop",
		"comment 12 new", "status 4b4b4b4b success headway/build/shop: built")
}

// TestAskedAgain: when the forge says, or after a minute.
func TestAskedAgain(t *testing.T) {
	for said, want := range map[time.Duration]time.Duration{0: againAfter, 7 * time.Second: 7 * time.Second, time.Hour: time.Hour} {
		w := newWorld(t)
		w.forge.refuse = func(string) error { return &forge.Error{Reason: v1alpha1.ReasonUnreachable, RetryAfter: said} }
		w.push(12, sha("1a"), "shop")
		if again := w.look().RequeueAfter; again != want {
			t.Errorf("after %v: again after %v, want %v", said, again, want)
		}
	}
}

// TestManyApps: 50 apps in one request are told within the bound.
func TestManyApps(t *testing.T) {
	w := newWorld(t)
	var apps []string
	for i := range 50 {
		apps = append(apps, fmt.Sprintf("app%d", i))
	}
	w.push(12, sha("1a"), apps...)
	w.look()
	for i, name := range apps {
		revision := name + "-pr-12-1a1a1a1a"
		if i == 7 {
			w.set(revision, v1alpha1.ConditionBuilt, metav1.ConditionFalse, v1alpha1.ReasonBuildFailed, "it does not compile")
		} else {
			w.built(revision)
		}
		w.look()
		if i != 7 {
			w.serves(name+"-pr-12", revision)
		}
		w.look()
	}
	if n := len(w.forge.writes); n > maxWrites {
		t.Errorf("%d writes: %q", n, w.forge.writes)
	}
	got := w.forge.statuses[sha("1a")]
	if s := got["headway/preview"]; s.State != forge.Failure || s.Description != "1 of 50 apps failed; app7: not built: it does not compile" {
		t.Errorf("the status is %+v", s)
	}
	if n := strings.Count(w.forge.comments[12], "| ready |"); n != 49 || len(w.forge.comments[12]) > 60_000 {
		t.Errorf("%d apps are ready in the comment of %d bytes", n, len(w.forge.comments[12]))
	}
}

// TestTwoApps have statuses of their own, within the bound.
func TestTwoApps(t *testing.T) {
	w := newWorld(t)
	w.push(12, sha("1a"), "a", "b")
	w.wrote("status 1a1a1a1a pending headway/preview/a: about to be built")
	for _, name := range []string{"a", "b"} {
		w.built(name + "-pr-12-1a1a1a1a")
		w.wrote("status 1a1a1a1a success headway/build/" + name + ": built")
		w.serves(name+"-pr-12", name+"-pr-12-1a1a1a1a")
		want := []string{"status 1a1a1a1a success headway/preview/" + name + ": ready"}
		if name == "b" {
			want = append(want, "comment 12 new")
		}
		w.wrote(want...)
	}
}

// TestFork waits without any red, and its approval leaves nothing pending.
func TestFork(t *testing.T) {
	w := newWorld(t)
	r := v1alpha1.RequestStatus{Number: 12, Commit: sha("1a"), State: v1alpha1.RequestApproval, Fork: true,
		Message: `waiting for the approval of 1a1a1a1a by somebody who may write: comment "/headway approve 1a1a1a1a"`}
	w.request(r)
	w.wrote("status 1a1a1a1a pending headway/preview: " + r.Message)
	w.wrote()
	w.push(12, sha("1a"), "shop")
	w.built("shop-pr-12-1a1a1a1a")
	w.serves("shop-pr-12", "shop-pr-12-1a1a1a1a")
	w.wrote("status 1a1a1a1a success headway/preview/shop: ready", "comment 12 new",
		"status 1a1a1a1a success headway/build/shop: built", "status 1a1a1a1a success headway/preview: "+notNeeded)
	w.now = w.now.Add(span) // the deployment did not fit beside the wait
	w.wrote("deploy preview/pr-12-shop 1a1a1a1a")

	r.Commit, r.Message = sha("2b"), "waiting for the approval of 2b2b2b2b"
	w.removeApps()
	w.request(r)
	w.wrote("retire preview/pr-12-shop", "comment 12 changed", "status 2b2b2b2b pending headway/preview: "+r.Message)
}

// TestUntouched: no comment where no app is touched; one that is there is told.
func TestUntouched(t *testing.T) {
	w := newWorld(t)
	r := v1alpha1.RequestStatus{Number: 12, Commit: sha("1a"), State: v1alpha1.RequestUntouched, Message: "it changes no app"}
	w.request(r)
	w.wrote()
	w.forge.comments[12] = marker + "\nold\n"
	w.restart()
	w.wrote("comment 12 changed")
	if !strings.Contains(w.forge.comments[12], "`it changes no app`") {
		t.Errorf("the comment is %q", w.forge.comments[12])
	}
	w.forge.comments[12] = "<!-- of somebody else -->"
	w.restart()
	w.wrote()
}

// TestRetry: a person who asks for the same commit anew has all writes again.
func TestRetry(t *testing.T) {
	w := newWorld(t)
	name := "shop-pr-12-1a1a1a1a"
	w.push(12, sha("1a"), "shop")
	w.look()
	w.set(name, v1alpha1.ConditionBuilt, metav1.ConditionFalse, v1alpha1.ReasonBuildFailed, "no network")
	w.look()
	w.forge.writes = nil
	w.revision(name).Annotations = map[string]string{v1alpha1.AnnotationRetriedAt: "1"}
	w.set(name, v1alpha1.ConditionBuilt, metav1.ConditionUnknown, v1alpha1.ReasonBuilding, "")
	w.wrote("status 1a1a1a1a pending headway/preview/shop: being built")
	w.built(name)
	w.serves("shop-pr-12", name)
	w.wrote("status 1a1a1a1a success headway/preview/shop: ready", "deploy preview/pr-12-shop 1a1a1a1a", "comment 12 changed",
		"status 1a1a1a1a success headway/build/shop: built")
}

// TestNumbersThatChange: a failure is told once, although its words go on changing.
func TestNumbersThatChange(t *testing.T) {
	w := newWorld(t)
	w.push(12, sha("1a"), "shop")
	w.built("shop-pr-12-1a1a1a1a")
	for i := range 20 {
		w.set("shop-pr-12-1a1a1a1a", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonStartFailed, fmt.Sprintf("ended %d times", i))
		w.look()
	}
	if n := len(w.forge.statuses[sha("1a")]); n != 2 || strings.Count(strings.Join(w.forge.writes, "\n"), "status ") != 2 {
		t.Errorf("written: %q", w.forge.writes)
	}
}

// TestFlapping: a preview that fails and heals all the time is told of within the
// bound, and is right in the end.
func TestFlapping(t *testing.T) {
	w := newWorld(t)
	name := "shop-pr-12-1a1a1a1a"
	w.push(12, sha("1a"), "shop")
	w.built(name)
	w.serves("shop-pr-12", name)
	for i := range 20 {
		status := []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionTrue}[i%2]
		w.set(name, v1alpha1.ConditionReady, status, "Reason", fmt.Sprint("crash ", i))
		w.look()
	}
	if n := len(w.forge.writes); n > maxWrites {
		t.Errorf("%d writes: %q", n, w.forge.writes)
	}
	w.now = w.now.Add(span)
	w.look()
	if s := w.forge.statuses[sha("1a")]["headway/preview/shop"]; s.State != forge.Success {
		t.Errorf("the status is %+v", s)
	}
	if !strings.Contains(w.forge.comments[12], "| ready |") {
		t.Errorf("the comment is %q", w.forge.comments[12])
	}
}

// TestCanary: the first steps and the end are told.
func TestCanary(t *testing.T) {
	w := newWorld(t)
	rule := v1alpha1.Rule{Refs: "main", Canary: &v1alpha1.Canary{}}
	for i := range 20 {
		rule.Canary.Steps = append(rule.Canary.Steps, int32(i+1)*400)
	}
	w.facts.Apps = []v1alpha1.App{{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: v1alpha1.AppSpec{
		ProductionRef: "refs/heads/main", History: []string{"shop-2b2b2b2b", "shop-1a1a1a1a"}, Release: []v1alpha1.Rule{rule}},
		Status: v1alpha1.AppStatus{Live: "shop-1a1a1a1a"}}}
	for _, digits := range []string{"1a", "2b"} {
		w.facts.Revisions = append(w.facts.Revisions, v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: "shop-" + v1alpha1.Short(sha(digits))},
			Spec: v1alpha1.RevisionSpec{App: "shop", Commit: sha(digits)}})
	}
	w.wrote("status 2b2b2b2b pending headway/build/shop: about to be built") // nothing of the one before
	w.built("shop-2b2b2b2b")
	app := w.app("shop")
	for step := range 20 {
		for requests := range 3 { // numbers that change with each report
			app.Status.Trials = []v1alpha1.Trial{{Revision: "shop-2b2b2b2b", Ref: "refs/heads/main", Step: int32(step) + 1, Steps: 20, Weight: int32(step+1) * 400,
				Waiting: fmt.Sprintf("%d of 200 requests", requests), Requests: int64(requests), MinRequests: 200}}
			w.look()
		}
	}
	app.Status.Trials, app.Status.Live = nil, "shop-2b2b2b2b"
	w.wrote("status 2b2b2b2b success headway/build/shop: built",
		"status 2b2b2b2b pending headway/promotion/shop: 4% of the traffic, step 1 of 20; waits for 200 requests",
		"status 2b2b2b2b pending headway/promotion/shop: 8% of the traffic, step 2 of 20; waits for 200 requests",
		"status 2b2b2b2b pending headway/promotion/shop: 12% of the traffic, step 3 of 20; waits for 200 requests",
		"status 2b2b2b2b success headway/promotion/shop: live")
	// It fails while it settles, with nobody watching.
	w.restart()
	app.Status.Revisions = []v1alpha1.RevisionRole{{Name: "shop-2b2b2b2b", Role: v1alpha1.RoleQuarantined, Message: "40 of 200 requests failed"}}
	app.Status.Live = "shop-1a1a1a1a"
	w.wrote("status 2b2b2b2b failure headway/promotion/shop: rolled back: 40 of 200 requests failed")
}

// TestReplacedInProduction: a commit that another one has overtaken does not stay
// pending, also after a restart.
func TestReplacedInProduction(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t)
		w.facts.Apps = []v1alpha1.App{{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: v1alpha1.AppSpec{ProductionRef: "refs/heads/main", History: []string{"shop-1a1a1a1a"}}}}
		for _, digits := range []string{"1a", "2b"} {
			w.facts.Revisions = append(w.facts.Revisions, v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: "shop-" + v1alpha1.Short(sha(digits))},
				Spec: v1alpha1.RevisionSpec{App: "shop", Commit: sha(digits)}})
		}
		w.wrote("status 1a1a1a1a pending headway/build/shop: about to be built")
		w.app("shop").Spec.History = []string{"shop-2b2b2b2b", "shop-1a1a1a1a"}
		w.set("shop-1a1a1a1a", v1alpha1.ConditionBuilt, metav1.ConditionFalse, v1alpha1.ReasonSuperseded, "")
		if restart {
			w.restart()
		}
		w.wrote("status 1a1a1a1a success headway/build/shop: "+notNeeded, "status 2b2b2b2b pending headway/build/shop: about to be built")
	}
}

// TestRightMissing: what the forge does not take keeps nothing else from being
// told, and is tried again later.
func TestRightMissing(t *testing.T) {
	w := newWorld(t)
	w.forge.refuse = func(call string) error {
		if strings.HasPrefix(call, "deploy") || strings.HasPrefix(call, "comment") {
			return forge.Errorf(v1alpha1.ReasonRightMissing, "may not")
		}
		return nil
	}
	w.push(12, sha("1a"), "shop")
	w.built("shop-pr-12-1a1a1a1a")
	w.serves("shop-pr-12", "shop-pr-12-1a1a1a1a")
	w.wrote("status 1a1a1a1a success headway/preview/shop: ready", "status 1a1a1a1a success headway/build/shop: built")
	w.wrote()
	w.forge.refuse = nil
	w.now = w.now.Add(leaveOut)
	w.wrote("comment 12 new")
	w.now = w.now.Add(span) // what was refused counts
	w.wrote("deploy preview/pr-12-shop 1a1a1a1a")
}

// TestRepositoryGoes: its last words are tried once.
func TestRepositoryGoes(t *testing.T) {
	w := newWorld(t)
	w.push(12, sha("1a"), "shop")
	w.built("shop-pr-12-1a1a1a1a")
	w.serves("shop-pr-12", "shop-pr-12-1a1a1a1a")
	w.look()
	w.forge.writes = nil
	deleted := metav1.NewTime(w.now)
	w.repo.DeletionTimestamp = &deleted
	w.wrote("retire preview/pr-12-shop", "comment 12 changed")
	w.repo = nil
	w.wrote()
	if len(w.r.memories) != 0 {
		t.Errorf("remembered are %v", w.r.memories)
	}
}

// TestWithoutForge: nothing is asked.
func TestWithoutForge(t *testing.T) {
	w := newWorld(t)
	w.push(12, sha("1a"), "shop")
	w.look()
	w.repo.Spec.Forge = nil
	w.forge.reads, w.forge.writes = nil, nil
	w.wrote()
	if len(w.forge.reads)+len(w.r.memories) != 0 {
		t.Errorf("read: %q, remembered %v", w.forge.reads, w.r.memories)
	}
}
