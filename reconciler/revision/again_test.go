package revision

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

// away is a run that ended, so long after its start, because the registry was away.
func away(after time.Duration) func(*pipelines.TaskRun) {
	return func(r *pipelines.TaskRun) {
		status(`{status: {conditions: [{type: Succeeded, status: "False", reason: Failed}], podName: build-pod,
		  results: [{name: error, type: string, value: "pushing: connection refused"}],
		  steps: [{name: push, container: step-push, imageID: i, terminated: {exitCode: 75, reason: Error}}]}}`)(r)
		r.Status.CompletionTime = &metav1.Time{Time: start.Add(after)}
	}
}

// TestFailureThatMayPass: the build is tried again after a pause that grows, until
// patience is over; then it has failed like any other.
func TestFailureThatMayPass(t *testing.T) {
	key := keyFor(newRevision(commitA), goTemplate(), nil)
	failing := func(failures int32, since time.Duration) *v1alpha1.Revision {
		return newRevision(commitA, withBuilt(condition.Unknown(v1alpha1.ReasonTryingAgain, ""), v1alpha1.BuildStatus{
			Key: key, Failures: failures, FailingSince: &metav1.MicroTime{Time: start.Add(since)}}, ""))
	}
	for _, tc := range []struct {
		name     string
		rev      *v1alpha1.Revision
		now      time.Duration // after the run ended at start
		state    v1alpha1.RevisionState
		reason   string
		message  string // a part
		action   runAction
		again    time.Duration
		failures int32
	}{
		{"the first time", newRevision(commitA), time.Second, v1alpha1.StateQueued, v1alpha1.ReasonTryingAgain,
			`failed once at something that may pass, and is tried again at 05:06:12: step "push" failed with exit code 75: pushing: connection refused`, leaveRun, 4 * time.Second, 0},
		{"the pause is over", newRevision(commitA), 5 * time.Second, v1alpha1.StateQueued, v1alpha1.ReasonTryingAgain, "failed once", deleteRun, 0, 1},
		{"the third time", failing(2, -time.Minute), time.Second, v1alpha1.StateQueued, v1alpha1.ReasonTryingAgain, "failed 3 times", leaveRun, 19 * time.Second, 2},
		{"the longest pause", failing(2000, -time.Hour), time.Second, v1alpha1.StateQueued, v1alpha1.ReasonTryingAgain, "failed 2001 times", leaveRun, longestAgain - time.Second, 2000},
		{"for too long", failing(40, -patience), 0, v1alpha1.StateFailed, v1alpha1.ReasonBuildFailed, "connection refused", unequipRun, 0, 40},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := buildCase{rev: tc.rev, run: newRun(tc.rev, 0, away(0)), other: func(s *Seen) { s.BuildLog = []string{"x"} }}
			got := planBuild(c.seen(), start.Add(tc.now))
			if got.state != tc.state || got.built.Reason != tc.reason || !strings.Contains(got.built.Message, tc.message) {
				t.Errorf("%s: %+v", got.state, got.built)
			}
			if got.action != tc.action || got.again != tc.again || got.status.Failures != tc.failures || got.status.FailingSince == nil {
				t.Errorf("action %q, again in %s, status %+v", got.action, got.again, got.status)
			}
		})
	}
}

// TestTriedAgain: what was tried again is a build like any other, and a person who
// asks for a retry begins anew.
func TestTriedAgain(t *testing.T) {
	for retry, want := range map[string]int32{"": 3, "1": 0} {
		rev := newRevision(commitA, withBuilt(condition.Unknown(v1alpha1.ReasonTryingAgain, ""), v1alpha1.BuildStatus{
			Key: keyFor(newRevision(commitA), goTemplate(), nil), Failures: 3, FailingSince: &metav1.MicroTime{Time: start}}, ""))
		if retry != "" {
			annotated(v1alpha1.AnnotationRetriedAt, retry)(rev)
		}
		got := planBuild(buildCase{rev: rev}.seen(), start)
		if got.action != createRun || got.status.Failures != want || (got.status.FailingSince == nil) != (want == 0) {
			t.Errorf("retry %q: %s", retry, fmt.Sprintf("action %q, status %+v", got.action, got.status))
		}
	}
}
