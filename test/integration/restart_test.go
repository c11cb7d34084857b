//go:build integration

package integration

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestPodsFollowTheirSecrets: a Secret or ConfigMap that a variable comes from
// is watched, and its change replaces the pods; so does a restart that somebody
// asks for. The number of pods stays the autoscaler's.
func TestPodsFollowTheirSecrets(t *testing.T) {
	s := newShop(t, "rotates")
	db := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: "rotates-db"}, StringData: map[string]string{"url": "one"}}
	flags := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: "rotates-flags"}, Data: map[string]string{"all": "one"}}
	for _, o := range []client.Object{db, flags} {
		if err := api.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	mustApply(t, in(reconciled, revision(fields{
		"metadata.name": "rotates-1", "spec.app": "rotates", "spec.source.key": "tree1", "spec.build.template": "static",
		"spec.env": []any{
			map[string]any{"name": "DB", "secret": map[string]any{"name": "rotates-db", "key": "url"}},
			map[string]any{"name": "FLAGS", "config": map[string]any{"name": "rotates-flags", "key": "all"}},
		},
	})), watcher)
	s.push("rotates-1")
	s.build("rotates-1", sha)
	s.start("rotates-1")
	s.waitLive("rotates-1")

	mark := s.waitMark("rotates-1", "")
	first, err := get(t, reconciled, "rotates-1", &appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	if first.Generation != 1 {
		t.Errorf("the Deployment is in generation %d, want the first: nothing has changed since it was made", first.Generation)
	}

	db.StringData = map[string]string{"url": "two"}
	if err := api.Update(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	mark = s.waitMark("rotates-1", mark)
	s.waitReady("rotates-1", v1alpha1.ReasonRunning, fmt.Sprintf(
		"1 pod is ready; pods are being restarted: Secret %q changed to version %s", db.Name, db.ResourceVersion))

	app, err := get(t, reconciled, "rotates", &v1alpha1.App{})
	if err != nil {
		t.Fatal(err)
	}
	before := app.DeepCopy()
	app.Annotations = map[string]string{v1alpha1.AnnotationRestartedAt: "2026-05-04T12:00:00.5Z", v1alpha1.AnnotationRestartedBy: "ada"}
	if err := api.Patch(t.Context(), app, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	s.waitMark("rotates-1", mark)
	s.waitReady("rotates-1", v1alpha1.ReasonRunning, "1 pod is ready; pods are being restarted: asked for by ada at 2026-05-04T12:00:00Z")

	// Within the minute after a restart nothing happens without being asked for.
	flags.Data["all"] = "two"
	if err := api.Update(t.Context(), flags); err != nil {
		t.Fatal(err)
	}
	s.waitReady("rotates-1", v1alpha1.ReasonRunning, "1 pod is ready; pods are being restarted: asked for by ada at 2026-05-04T12:00:00Z")
	last, err := get(t, reconciled, "rotates-1", &appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	if *last.Spec.Replicas != 1 {
		t.Errorf("%d pods are asked for", *last.Spec.Replicas)
	}
	rev, err := get(t, reconciled, "rotates-1", &v1alpha1.Revision{})
	if err != nil || time.Since(rev.Status.StartedWith.Since.Time) > time.Minute {
		t.Errorf("restarted %v, %v", rev.Status.StartedWith.Since, err)
	}
}

// waitMark waits until new pods of a revision are started with something else
// than what last is the mark of.
func (s shop) waitMark(revision, last string) string {
	s.Helper()
	var mark string
	eventually(s.T, "new pods of "+revision, func() error {
		d, err := get(s.T, reconciled, revision, &appsv1.Deployment{})
		if err != nil {
			return err
		}
		if mark = d.Spec.Template.Annotations[v1alpha1.AnnotationStartedWith]; mark == last {
			return fmt.Errorf("the mark is still %q", mark)
		}
		return nil
	})
	return mark
}
