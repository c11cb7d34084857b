//go:build integration

package integration

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const autoscaler = client.FieldOwner("headway-autoscaler")

// scale plays the autoscaler.
func (s shop) scale(revision string, replicas int) {
	s.Helper()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: revision}}
	patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas))
	if err := api.SubResource("scale").Patch(s.Context(), d, patch, autoscaler, client.WithSubResourceBody(&autoscalingv1.Scale{})); err != nil {
		s.Fatalf("scaling %s: %v", revision, err)
	}
}

// stop plays the kubelet: a revision loses its pod.
func (s shop) stop(revision string) {
	s.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: revision}}
	if err := api.Delete(s.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		s.Fatalf("deleting a pod: %v", err)
	}
}

func (s shop) deployment(revision string) *appsv1.Deployment {
	s.Helper()
	d, err := get(s.T, reconciled, revision, &appsv1.Deployment{})
	if err != nil {
		s.Fatal(err)
	}
	return d
}

// waitReady waits until the revision's Ready is True for a reason.
func (s shop) waitReady(revision, reason string) {
	s.Helper()
	eventually(s.T, revision+" is "+reason, func() error {
		rev, err := get(s.T, reconciled, revision, &v1alpha1.Revision{})
		if err != nil {
			return err
		}
		if c := meta.FindStatusCondition(rev.Status.Conditions, v1alpha1.ConditionReady); c == nil || c.Status != metav1.ConditionTrue || c.Reason != reason {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
}

// live makes an app whose first revision serves.
func live(t *testing.T, name string) (shop, string) {
	t.Helper()
	s, first := newShop(t, name), name+"-1"
	s.revision(first, "tree1")
	s.push(first)
	s.build(first, sha)
	s.start(first)
	s.waitLive(first)
	return s, first
}

// rendered is the hash of what the controller applied last.
const rendered = "headway.dev/rendered"

// applyAgain has the controller apply the Deployment anew, and waits for it.
func (s shop) applyAgain(revision string, d *unstructured.Unstructured) {
	s.Helper()
	want := s.deployment(revision).Annotations[rendered]
	if err := unstructured.SetNestedField(d.Object, "older", "metadata", "annotations", rendered); err != nil {
		s.Fatal(err)
	}
	err := api.Apply(s.Context(), client.ApplyConfigurationFromUnstructured(d), controller, client.ForceOwnership)
	if err != nil {
		s.Fatalf("applying as an older controller: %v", err)
	}
	eventually(s.T, "the controller applies "+revision+" again", func() error {
		if got := s.deployment(revision).Annotations[rendered]; got != want {
			return fmt.Errorf("rendered %s, want %s", got, want)
		}
		return nil
	})
}

// asApplied is a Deployment as its controller applies it.
func asApplied(t *testing.T, d *appsv1.Deployment) *unstructured.Unstructured {
	t.Helper()
	d = d.DeepCopy()
	d.ObjectMeta = metav1.ObjectMeta{
		Name: d.Name, Namespace: d.Namespace, Labels: d.Labels, Annotations: d.Annotations, OwnerReferences: d.OwnerReferences,
	}
	d.Spec.Replicas = nil
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	delete(object, "status")
	u := &unstructured.Unstructured{Object: object}
	u.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	return u
}

// TestReplicasAreTheAutoscalers: the controller's applies leave the number of
// pods alone, whatever it is.
func TestReplicasAreTheAutoscalers(t *testing.T) {
	s, first := live(t, "scaled")
	if got := *s.deployment(first).Spec.Replicas; got != 1 {
		t.Errorf("a new Deployment asks for %d pods, want 1", got)
	}
	for _, replicas := range []int{5, 0} {
		s.scale(first, replicas)
		s.applyAgain(first, asApplied(t, s.deployment(first)))
		if got := *s.deployment(first).Spec.Replicas; int(got) != replicas {
			t.Errorf("%d pods after an apply, want %d", got, replicas)
		}
	}
}

// TestUpgradeKeepsReplicas: an older controller set the number of pods itself.
// When it stops to do so, the API server would put the default of 1 in place.
func TestUpgradeKeepsReplicas(t *testing.T) {
	s, first := live(t, "upgrade")
	older := asApplied(t, s.deployment(first))
	if err := unstructured.SetNestedField(older.Object, int64(3), "spec", "replicas"); err != nil {
		t.Fatal(err)
	}
	s.applyAgain(first, older)
	d := s.deployment(first)
	if *d.Spec.Replicas != 3 {
		t.Errorf("%d pods after the upgrade, want 3", *d.Spec.Replicas)
	}
	if !slices.ContainsFunc(d.ManagedFields, func(m metav1.ManagedFieldsEntry) bool { return m.Manager == string(autoscaler) }) {
		t.Error("the autoscaler does not own the number of pods")
	}
}

// TestIdleRevisionsTakeTraffic: an app without pods stays live, and going back
// to a revision without pods is a change of the Route.
func TestIdleRevisionsTakeTraffic(t *testing.T) {
	s, first := live(t, "idle")
	second := "idle-2"
	s.revision(second, "tree2")
	s.push(second, first)
	s.build(second, sha)
	s.start(second)
	s.waitLive(second)
	for _, name := range []string{first, second} {
		s.scale(name, 0)
		s.stop(name)
		s.waitReady(name, v1alpha1.ReasonIdle)
	}
	if app := s.waitLive(second); !meta.IsStatusConditionTrue(app.Status.Conditions, v1alpha1.ConditionReady) {
		t.Errorf("an idle app is %+v", app.Status.Conditions)
	}
	mustApply(t, in(reconciled, app(fields{
		"metadata.name": s.name, "spec.pin": first, "spec.history": []any{second, first},
		"spec.heads": []any{head("refs/heads/main", second)},
	})), watcher)
	s.waitLive(first)
	if got := *s.deployment(first).Spec.Replicas; got != 0 {
		t.Errorf("the rollback started %d pods", got)
	}
	s.scale(first, 1)
	s.waitReady(first, v1alpha1.ReasonStarting)
	s.start(first)
	s.waitReady(first, v1alpha1.ReasonRunning)
}
