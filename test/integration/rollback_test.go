//go:build integration

package integration

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestRollbackToIdle: going back to a revision without pods is a change of the
// Route and starts none; the first request does.
func TestRollbackToIdle(t *testing.T) {
	s := newShop(t, "back")
	history := []string{}
	for i, name := range []string{"back-1", "back-2"} {
		s.revision(name, fmt.Sprint("tree", i))
		history = append([]string{name}, history...)
		s.push(history...)
		s.build(name, strings.ReplaceAll(sha, "1", fmt.Sprint(i+1)))
		s.start(name)
		s.waitLive(name)
	}
	s.sleep("back-1")
	mustApply(t, in(reconciled, app(fields{
		"metadata.name": s.name, "spec.pin": "back-1", "spec.history": []any{"back-2", "back-1"},
		"spec.heads": []any{head("refs/heads/main", "back-2")},
	})), watcher)
	app := s.waitLive("back-1")
	eventually(t, "the app says that it is pinned", func() (err error) {
		if app, err = get(t, reconciled, s.name, app); err != nil {
			return err
		}
		if c := meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionReady); c == nil || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonPinned {
			return fmt.Errorf("Ready is %v", c)
		}
		return nil
	})
	deployment, err := get(t, reconciled, "back-1", &appsv1.Deployment{})
	if err != nil || *deployment.Spec.Replicas != 0 {
		t.Errorf("the rollback made %d pods, %v", *deployment.Spec.Replicas, err)
	}
}

// sleep plays the autoscaler and the kubelet: a revision loses its pod.
func (s shop) sleep(revision string) {
	s.Helper()
	deployment, err := get(s.T, reconciled, revision, &appsv1.Deployment{})
	if err != nil {
		s.Fatal(err)
	}
	err = api.SubResource("scale").Update(s.Context(), deployment, client.WithSubResourceBody(&autoscalingv1.Scale{}), apply.Autoscaler)
	if err != nil {
		s.Fatalf("scaling to zero: %v", err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: revision}}
	if err := api.Delete(s.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		s.Fatalf("deleting the pod: %v", err)
	}
	eventually(s.T, revision+" is idle", func() error {
		rev, err := get(s.T, reconciled, revision, &v1alpha1.Revision{})
		if err != nil {
			return err
		}
		if c := meta.FindStatusCondition(rev.Status.Conditions, v1alpha1.ConditionReady); c == nil || c.Reason != v1alpha1.ReasonIdle {
			return fmt.Errorf("Ready is %v", c)
		}
		return nil
	})
}
