//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// mainBranch is the production branch.
const mainBranch = "main"

// TestBranchCanary: the head of beta has its share until it is merged, which
// builds nothing, or until the branch is deleted.
func TestBranchCanary(t *testing.T) {
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	rules := "beta: {weight: 10}"
	stable := code.pushRelease(rules, "")
	code.watch()
	tm.waitLive("dying", stable)

	beta := code.pushBranch("beta", func() { code.write("headway.yaml", dyingSpec(rules, "quietly never")) })
	tm.waitWeight("dying", beta, 1000)
	share := tm.shareOf(beta, 20_000)
	if math.Abs(share-10) > 0.5 { // with a good split, one run in 50 is off by more
		t.Logf("beta had %.2f%%; once more", share)
		share = tm.shareOf(beta, 20_000)
	}
	t.Logf("beta had %.2f%% of 20,000 requests", share)
	if math.Abs(share-10) > 0.5 {
		t.Errorf("beta had %.2f%%, want 10%% +- 0.5", share)
	}

	runs := len(tm.runs("dying"))
	code.git("merge", "--ff-only", "beta")
	merged := code.pushHead()
	tm.waitLive("dying", merged)
	tm.wantRuns("dying", runs)

	other := code.pushBranch("beta", func() { code.write("headway.yaml", dyingSpec(rules, "quietly neither")) })
	tm.waitWeight("dying", other, 1000)
	code.git("push", "origin", "--delete", "beta")
	eventually(t, soon, "the share goes with its branch", func() error {
		app, err := tm.app("dying")
		if err != nil {
			return err
		}
		return want("the traffic", app.Status.TrafficSummary, "100% "+merged[:8])
	})
}

// TestTagReleases: with a rule for tags, the newest version serves; a branch has
// its URL only, and deleting a tag goes back.
func TestTagReleases(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	rules := `"v*": {instant: true}`
	first := code.pushRelease(rules, "")
	code.git("tag", "v1.9.0")
	code.git("push", "origin", "v1.9.0")
	code.watch()
	tm.waitLive("dying", first)

	second := code.pushRelease(rules, "quietly never")
	eventually(t, built, "main answers at its own URL", func() error {
		app, err := tm.app("dying")
		if err != nil {
			return err
		}
		for _, b := range app.Status.Branches {
			if b.Ref == "refs/heads/"+mainBranch && b.Revision == revisionName("dying", second) {
				return tm.answers(b.URL, 200, second)
			}
		}
		return errors.New("main has no URL")
	})
	tm.wantAnswer(tm.url("dying"), first)
	runs := len(tm.runs("dying"))
	code.git("tag", "v1.10.0")
	code.git("push", "origin", "v1.10.0")
	tm.waitLive("dying", second)
	code.git("push", "origin", "--delete", "v1.10.0")
	tm.waitLive("dying", first)
	tm.wantRuns("dying", runs)
}

// TestPeople: a canary waits for an approving tag, stops while a commit holds it,
// goes on when one says so, and is skipped to its end by a tag; all by commands.
func TestPeople(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	first := code.pushRelease("main: {instant: true}", "")
	code.watch()
	tm.waitLive("dying", first)

	rules := "main: {canary: {steps: [10, 50], every: 1s}, gates: {minRequests: 0}, approve: true}"
	second := code.pushRelease(rules, "quietly never")
	tm.waitTrial("dying", second, "approv")
	tm.headwayIn(code, "hold", "dying", "--yes")
	tm.headwayIn(code, "approve", "dying", second, "--yes")
	tm.waitTrial("dying", second, "hold")
	tm.headwayIn(code, "resume", "dying", "--yes")
	eventually(t, built, "it goes to 100%", func() error {
		app, err := tm.app("dying")
		if err != nil {
			return err
		}
		return want("the traffic", app.Status.TrafficSummary, "100% "+second[:8])
	})

	rules = "main: {canary: {steps: [10], every: 24h}}"
	third := code.pushRelease(rules, "quietly neither")
	tm.waitWeight("dying", third, 1000)
	tm.headwayIn(code, "promote", "dying", third, "--yes")
	tm.waitLive("dying", third)
	tm.headwayIn(code, "rollback", "dying", "--yes")
	tm.waitLive("dying", second)
}

// TestTwoRules: two apps of one repository go live by rules of their own.
func TestTwoRules(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	write := func(die string) {
		for name, rules := range map[string]string{"steps": "main: {canary: {steps: [20], every: 24h}}", "direct": "main: {instant: true}"} {
			code.write(name+"/headway.yaml", fmt.Sprintf("name: %s\npath: .\nenv: {DIE: %q}\nrelease: {%s}\n", name, die, rules))
		}
	}
	if err := os.Remove(filepath.Join(code.tree.Dir, "headway.yaml")); err != nil {
		t.Fatal(err)
	}
	write("")
	first := code.push("Two apps")
	code.watch()
	tm.waitLive("steps", first)
	tm.waitLive("direct", first)
	write("quietly never")
	second := code.push("Again")
	tm.waitLive("direct", second)
	tm.waitWeight("steps", second, 2000)
}

// waitTrial waits until a commit's revision is on trial and waits for something.
func (tm *team) waitTrial(app, commit, text string) (trial *v1alpha1.Trial) {
	tm.Helper()
	eventually(tm.T, built, fmt.Sprintf("%s waits: %s", commit[:8], text), func() error {
		seen, err := tm.app(app)
		if err != nil {
			return err
		}
		if trial = seen.Status.Trial(revisionName(app, commit)); trial == nil || !strings.Contains(trial.Waiting, text) {
			return fmt.Errorf("the trials are %+v", seen.Status.Trials)
		}
		return nil
	})
	return trial
}

// headwayIn runs the CLI in a work tree, as its user would.
func (tm *team) headwayIn(r *repository, arguments ...string) {
	tm.Helper()
	command := exec.CommandContext(tm.Context(), cli, append(arguments, "--namespace", tm.namespace)...)
	command.Dir = r.tree.Dir
	command.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com", "no_proxy=*")
	if out, err := command.CombinedOutput(); err != nil {
		tm.Fatalf("headway %s: %v\n%s", strings.Join(arguments, " "), err, out)
	} else {
		tm.Logf("headway %s: %s", strings.Join(arguments, " "), out)
	}
}

// pushBranch pushes a branch with one commit on top of main, and goes back to main.
func (r *repository) pushBranch(name string, change func()) string {
	r.Helper()
	r.git("checkout", "-q", "-B", name, mainBranch)
	change()
	if err := r.tree.Commit(r.Context(), "On "+name); err != nil {
		r.Fatal(err)
	}
	r.git("push", "-q", "-f", "origin", name)
	commit := r.git("rev-parse", "HEAD")[:40]
	r.git("checkout", "-q", mainBranch)
	r.Logf("pushed %s to %s", commit[:8], name)
	return commit
}

// shareOf is the part of so many requests that a commit answers, in percent.
func (tm *team) shareOf(commit string, requests int) float64 {
	tm.Helper()
	s := newSteady()
	var done sync.WaitGroup
	const workers = 16
	for range workers {
		done.Go(func() {
			web := localcluster.Browser()
			defer web.CloseIdleConnections()
			for range requests / workers {
				s.ask(web, tm.url("dying"))
			}
		})
	}
	done.Wait()
	if s.sum.failed > 0 {
		tm.Errorf("%d requests failed: %v", s.sum.failed, s.sum.last)
	}
	return 100 * float64(s.sum.of[commit]) / float64(s.sum.all)
}
