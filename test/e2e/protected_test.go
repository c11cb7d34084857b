//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestRevertOfProtectedBranch: where the forge lets nobody push to main, the revert
// of a version that failed is a request.
func TestRevertOfProtectedBranch(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGiteaFrom(filepath.Join("testdata", "dying"))
	rules := "main: {canary: {steps: [50], every: 1h}, onFail: revert}"
	good := code.pushRelease(rules, "")
	code.watchForge()
	tm.waitLive("dying", good)
	load := startSteady(t, tm.url("dying"), canaryRate)
	defer load.finish()
	bad := code.pushRelease(rules, "answering 500")
	code.call(code.owner, http.MethodPost, code.path("branch_protections"), map[string]any{"rule_name": mainBranch, "enable_push": false}, nil)
	tm.waitQuarantined("dying", good, bad)

	type request struct {
		Number int64  `json:"number"`
		Body   string `json:"body"`
		URL    string `json:"html_url"`
	}
	var opened request
	eventually(t, soon, "the revert is a request", func() error {
		var requests []request
		code.call(code.owner, http.MethodGet, code.path("pulls?state=all"), nil, &requests)
		if len(requests) != 1 {
			return fmt.Errorf("there are %d requests", len(requests))
		}
		opened = requests[0]
		app, err := tm.app("dying")
		if err != nil {
			return err
		}
		if app.Spec.Committed == nil || app.Spec.Committed.Request != opened.URL {
			return fmt.Errorf("spec.committed is %+v, want the request %s", app.Spec.Committed, opened.URL)
		}
		return nil
	})
	if !strings.Contains(opened.Body, bad[:8]) {
		t.Errorf("it does not say what is reverted: %s", opened.Body)
	}
	code.waitStatus(bad, "headway/promotion/dying", "failure")
	runs := len(tm.runs("dying"))
	code.call(code.owner, http.MethodPatch, code.path("branch_protections/"+mainBranch), map[string]any{"enable_push": true}, nil)
	merged := code.merge(opened.Number, "merge")
	eventually(t, soon, "the merged revert serves", func() error {
		app, err := tm.app("dying")
		if err != nil {
			return err
		}
		revision, err := tm.revision("dying", merged)
		if err != nil {
			return err
		}
		if app.Status.Live != revision.Name && revision.Status.SameAs != app.Status.Live {
			return errors.New("live is " + app.Status.Live)
		}
		return nil
	})
	tm.wantRuns("dying", runs)
}
