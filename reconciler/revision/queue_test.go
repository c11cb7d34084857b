package revision

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestMergeQueueStartsNoPods: its revision is built, and starts when the commit
// is merged.
func TestMergeQueueStartsNoPods(t *testing.T) {
	queued := func(rev *v1alpha1.Revision) {
		rev.Spec.Ref = "refs/heads/gh-readonly-queue/main/pr-7-" + commitB
	}
	for _, tc := range []struct {
		name   string
		app    func(*v1alpha1.Revision) *v1alpha1.App
		starts bool
	}{
		{"its App says nothing yet", nil, false},
		{"it is in the queue", func(rev *v1alpha1.Revision) *v1alpha1.App {
			return appWith(rev, v1alpha1.RevisionRole{Role: v1alpha1.RoleBuilt})
		}, false},
		{"it is merged", func(rev *v1alpha1.Revision) *v1alpha1.App {
			return appWith(rev, v1alpha1.RevisionRole{Role: v1alpha1.RoleCandidate})
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rev := newRevision(commitA, queued)
			b := newBench(t, rev, goTask())
			if tc.app != nil {
				b = newBench(t, rev, goTask(), tc.app(rev))
			}
			b.found = digest
			got, _ := b.built(rev)
			var deployments appsv1.DeploymentList
			if err := b.Client.List(t.Context(), &deployments); err != nil {
				t.Fatal(err)
			}
			if starts := len(deployments.Items) > 0; starts != tc.starts || got.Status.Image == "" || (got.Status.URL != "") != tc.starts {
				t.Errorf("starts %v; image %q, URL %q", starts, got.Status.Image, got.Status.URL)
			}
			ready := condition.Get(got.Status.Conditions, v1alpha1.ConditionReady)
			if waits := ready.Reason == v1alpha1.ReasonWaiting; waits == tc.starts || got.Status.State != v1alpha1.StateBuilt {
				t.Errorf("%s, Ready = %+v", got.Status.State, ready)
			}
		})
	}
}
