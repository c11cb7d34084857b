//go:build integration

package integration

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestMergeQueue: what a merge queue tries is built and starts no pod; when it is
// merged it goes live with that image.
func TestMergeQueue(t *testing.T) {
	const queued = "refs/heads/gh-readonly-queue/main/pr-7-0123456789012345678901234567890123456789"
	withRepository(t)
	s := newShop(t, "queued")
	s.revision("queued-1", "tree1")
	s.push("queued-1")
	s.build("queued-1", sha)
	s.start("queued-1")
	s.waitLive("queued-1")

	mustApply(t, in(reconciled, revision(fields{
		"metadata.name": "queued-2", "spec.app": s.name, "spec.ref": queued, "spec.source.key": "tree2", "spec.build.template": "static",
	})), watcher)
	mustApply(t, in(reconciled, app(fields{
		"metadata.name": s.name, "spec.history": []any{"queued-1"},
		"spec.heads": []any{head("refs/heads/main", "queued-1"), head(queued, "queued-2")},
	})), watcher)
	s.build("queued-2", "sha256:"+strings.Repeat("2", 64))
	run := s.run("queued-2").UID
	s.waitRevision("queued-2", "is built, and waits", func(status v1alpha1.RevisionStatus) bool {
		return status.State == v1alpha1.StateBuilt && meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady).Reason == v1alpha1.ReasonWaiting
	})
	eventually(t, "it is there to be built", func() error {
		app, err := get(t, reconciled, s.name, &v1alpha1.App{})
		if err == nil && app.Status.Role("queued-2") != v1alpha1.RoleBuilt {
			err = errors.New("its role is " + string(app.Status.Role("queued-2")))
		}
		return err
	})
	if _, err := get(t, reconciled, "queued-2", &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
		t.Errorf("it has pods: %v", err)
	}

	s.push("queued-2", "queued-1")
	s.start("queued-2")
	s.waitLive("queued-2")
	if s.run("queued-2").UID != run {
		t.Error("it was built again")
	}
}
