//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-dev/headway/test/localcluster"
)

// TestShareIsTakenOver: the head of a branch waits for its approval, holds its
// share, and when that has done well main is moved to it. Nothing is built for
// that. Somebody looks on.
func TestShareIsTakenOver(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	rules := `beta: {weight: 10, approve: true, promote: {to: main, after: 1m}, gates: {minRequests: 50}}
  "feat/*": {match: {header: {X-Beta: "yes"}}}
  main: {canary: {steps: [50], every: 1s}, gates: {minRequests: 10}}`
	stable := code.pushRelease(rules, "")
	code.watch()
	tm.waitLive("dying", stable)
	load := startSteady(t, tm.url("dying"), canaryRate)
	screen := tm.startScreen("status", "dying", "--watch")

	feature := code.pushBranch("feat/x", func() { code.write("headway.yaml", dyingSpec(rules, "quietly nor")) })
	eventually(t, built, "requests that match go to the feature", func() error { return tm.answersWith("X-Beta", "yes", feature) })
	for _, value := range []string{"no", ""} {
		if err := tm.answersWith("X-Beta", value, stable); err != nil {
			t.Errorf("X-Beta: %q: %v", value, err)
		}
	}

	beta := code.pushBranch("beta", func() { code.write("headway.yaml", dyingSpec(rules, "quietly never")) })
	tm.waitTrial("dying", beta, "approv")
	if weight, _ := tm.weight("dying", beta); weight != 0 {
		t.Errorf("it has %d before it is approved", weight)
	}
	runs := len(tm.runs("dying"))
	tm.headwayIn(code, "approve", "dying", beta, "--yes")
	tm.waitWeight("dying", beta, 1000)
	eventually(t, built, "main is moved to beta", func() error {
		code.git("fetch", "-q", "origin")
		return want("main", code.git("rev-parse", "origin/"+mainBranch), beta)
	})
	tm.waitLive("dying", beta)
	eventually(t, soon, "the match goes on", func() error { return tm.answersWith("X-Beta", "yes", feature) })
	tm.wantRuns("dying", runs)
	if sum := load.finish(); sum.failed > 0 || sum.of[feature] > 0 || sum.of[beta] == 0 {
		t.Errorf("%d of %d answers are bad, %d of the feature, %d of beta: %v", sum.failed, sum.all, sum.of[feature], sum.of[beta], sum.last)
	}
	shown := screen.stop()
	for _, text := range []string{"Share of feat/x", "Share of beta", "waits for the approving tag", "at 10%", "errors", "of 100", "100% " + beta[:8]} {
		if !strings.Contains(shown, text) {
			t.Errorf("nobody who looked on has seen %q", text)
		}
	}
	if t.Failed() {
		t.Logf("%q", shown)
	}
}

// answersWith is an error unless the app answers a request with a header field as
// a commit does.
func (tm *team) answersWith(name, value, commit string) error {
	request, err := http.NewRequestWithContext(tm.Context(), http.MethodGet, tm.url("dying"), nil)
	if err != nil {
		return err
	}
	request.Header.Set(name, value)
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	answer, err := localcluster.Do(web, request)
	if err != nil {
		return err
	}
	if strings.TrimSpace(answer.Body) != commit {
		return errors.New(fmt.Sprint(answer.Status, " ", answer.Body))
	}
	return nil
}
