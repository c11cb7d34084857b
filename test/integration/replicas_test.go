//go:build integration

package integration

import (
	"fmt"
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

// TestAutoscalerOwnsReplicas: the reconciler makes a Deployment with one pod and
// then leaves their number alone, whatever else of it changes.
func TestAutoscalerOwnsReplicas(t *testing.T) {
	s := newShop(t, "scaled")
	s.revision("scaled-1", "tree1")
	s.push("scaled-1")
	s.build("scaled-1", sha)
	s.start("scaled-1")
	s.waitLive("scaled-1")
	deployment, err := get(t, reconciled, "scaled-1", &appsv1.Deployment{})
	if err != nil || *deployment.Spec.Replicas != 1 {
		t.Fatalf("a new Deployment has %v pods, %v, want 1", deployment.Spec.Replicas, err)
	}
	for _, pods := range []int32{3, 0} {
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: pods}}
		if err := api.SubResource("scale").Update(t.Context(), deployment, client.WithSubResourceBody(scale), apply.Autoscaler); err != nil {
			t.Fatalf("scaling to %d: %v", pods, err)
		}
		s.meddle(deployment)
		if *deployment.Spec.Replicas != pods {
			t.Errorf("the reconciler made %d pods of %d", *deployment.Spec.Replicas, pods)
		}
	}
	if err := api.Delete(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: "scaled-1"}}, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the revision is idle", func() error {
		rev, err := get(t, reconciled, "scaled-1", &v1alpha1.Revision{})
		if err != nil {
			return err
		}
		ready := meta.FindStatusCondition(rev.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Status != metav1.ConditionTrue || ready.Reason != v1alpha1.ReasonIdle {
			return fmt.Errorf("Ready is %v", ready)
		}
		return nil
	})
	s.waitLive("scaled-1")
}

// meddle changes a Deployment by hand and waits until the reconciler has put it
// right; deployment is what there is then.
func (s shop) meddle(deployment *appsv1.Deployment) {
	s.Helper()
	meddled := deployment.DeepCopy()
	meddled.Spec.Template.Spec.Containers[0].Image = digestTwo
	if err := api.Patch(s.Context(), meddled, client.MergeFrom(deployment)); err != nil {
		s.Fatalf("changing the image: %v", err)
	}
	eventually(s.T, "the image is put right", func() error {
		if _, err := get(s.T, reconciled, deployment.Name, deployment); err != nil {
			return err
		}
		if image := deployment.Spec.Template.Spec.Containers[0].Image; image == digestTwo {
			return fmt.Errorf("it is still %s", image)
		}
		return nil
	})
}
