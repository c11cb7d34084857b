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

// standbyRevision makes a Revision that keeps parked pods.
func (s shop) standbyRevision(name, tree string, standby int64) {
	s.Helper()
	mustApply(s.T, in(reconciled, revision(fields{
		"metadata.name": name, "spec.app": s.name, "spec.source.key": tree, "spec.build.template": "static",
		"spec.scale.standby": standby,
	})), watcher)
}

// waitStandby waits for the Deployment of a revision's parked pods with so many
// replicas.
func (s shop) waitStandby(revision string, replicas int32) *appsv1.Deployment {
	s.Helper()
	standby := &appsv1.Deployment{}
	eventually(s.T, fmt.Sprintf("%d parked pods asked for %s", replicas, revision), func() error {
		*standby = appsv1.Deployment{}
		if _, err := get(s.T, reconciled, v1alpha1.StandbyName(revision), standby); err != nil {
			return err
		}
		if got := *standby.Spec.Replicas; got != replicas {
			return fmt.Errorf("%d are asked for", got)
		}
		return nil
	})
	return standby
}

// TestStandbyFollowsTraffic: parked pods are made for the revision that takes
// traffic, of what its other pods are made of, and go when it takes none.
func TestStandbyFollowsTraffic(t *testing.T) {
	s := newShop(t, "parks")
	s.standbyRevision("parks-1", "tree1", 2)
	s.push("parks-1")
	s.build("parks-1", sha)
	s.start("parks-1")
	s.waitLive("parks-1")
	standby := s.waitStandby("parks-1", 2)

	rev, err := get(t, reconciled, "parks-1", &v1alpha1.Revision{})
	if err != nil {
		t.Fatal(err)
	}
	if owner := metav1.GetControllerOf(standby); owner == nil || owner.UID != rev.UID {
		t.Errorf("the standby's owner is %v, so it will not go with the revision", owner)
	}
	pod := standby.Spec.Template.Spec
	if len(pod.Volumes) != 1 || pod.Volumes[0].Image == nil || pod.Volumes[0].Image.Reference != "registry.example.com/headway/park:1" {
		t.Errorf("volumes %+v", pod.Volumes)
	}
	if c := pod.Containers[0]; c.Command[0] != v1alpha1.ParkProgram || c.Args[0] != "/app" || c.StartupProbe != nil || c.Image != rev.Status.Image {
		t.Errorf("container %+v", c)
	}

	version := standby.ResourceVersion
	main, err := get(t, reconciled, "parks-1", &appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	s.meddle(main) // what has the reconciler look at everything once more
	if _, err := get(t, reconciled, standby.Name, standby); err != nil || standby.ResourceVersion != version {
		t.Errorf("the standby was written again: version %s, before %s, %v", standby.ResourceVersion, version, err)
	}
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 7}}
	if err := api.SubResource("scale").Update(t.Context(), standby, client.WithSubResourceBody(scale)); err != nil {
		t.Fatalf("scaling the standby by hand: %v", err)
	}
	s.waitStandby("parks-1", 2)

	s.standbyRevision("parks-2", "tree2", 1)
	s.push("parks-2", "parks-1")
	s.build("parks-2", strings.ReplaceAll(sha, "1", "2"))
	s.start("parks-2")
	s.waitLive("parks-2")
	s.waitStandby("parks-2", 1)
	s.waitStandby("parks-1", 0)
}

// TestWokenPodCounts: a parked pod is no pod of the revision, a woken one is,
// and goes with the revision.
func TestWokenPodCounts(t *testing.T) {
	s := newShop(t, "wakes")
	s.standbyRevision("wakes-1", "tree1", 1)
	s.push("wakes-1")
	s.build("wakes-1", sha)
	s.start("wakes-1")
	s.waitLive("wakes-1")
	s.waitStandby("wakes-1", 1)
	main, err := get(t, reconciled, "wakes-1", &appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	scale := &autoscalingv1.Scale{}
	if err := api.SubResource("scale").Update(t.Context(), main, client.WithSubResourceBody(scale), apply.Autoscaler); err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: "wakes-1"}}, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}

	pod := s.park("wakes-1")
	s.waitReady("wakes-1", v1alpha1.ReasonIdle, "no pod runs; a request starts one")

	rev, err := get(t, reconciled, "wakes-1", &v1alpha1.Revision{})
	if err != nil {
		t.Fatal(err)
	}
	before := pod.DeepCopy()
	pod.Labels[v1alpha1.LabelStandby] = v1alpha1.StandbyWoken
	pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(rev, v1alpha1.GroupVersion.WithKind("Revision"))}
	if err := api.Patch(t.Context(), pod, client.MergeFrom(before), apply.Autoscaler); err != nil {
		t.Fatal(err)
	}
	s.waitReady("wakes-1", v1alpha1.ReasonStarting, "a pod is starting")
	s.condition(pod, corev1.PodReady)
	s.waitReady("wakes-1", v1alpha1.ReasonRunning, "1 pod is ready")
	if err := api.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	s.waitReady("wakes-1", v1alpha1.ReasonIdle, "no pod runs; a request starts one")
}

// park plays the Deployment controller and the kubelet: a parked pod runs.
func (s shop) park(revision string) *corev1.Pod {
	s.Helper()
	standby, err := get(s.T, reconciled, v1alpha1.StandbyName(revision), &appsv1.Deployment{})
	if err != nil {
		s.Fatal(err)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: standby.Name, Labels: standby.Spec.Template.Labels},
		Spec:       standby.Spec.Template.Spec,
	}
	if err := api.Create(s.Context(), pod); err != nil {
		s.Fatalf("creating a parked pod: %v", err)
	}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "app", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}},
	}}
	if err := api.Status().Update(s.Context(), pod); err != nil {
		s.Fatalf("running a parked pod: %v", err)
	}
	return pod
}

// condition makes a condition of a pod true.
func (s shop) condition(pod *corev1.Pod, kind corev1.PodConditionType) {
	s.Helper()
	before := pod.DeepCopy()
	pod.Status.Conditions = []corev1.PodCondition{{Type: kind, Status: corev1.ConditionTrue}}
	if err := api.Status().Patch(s.Context(), pod, client.MergeFrom(before)); err != nil {
		s.Fatalf("making a pod %s: %v", kind, err)
	}
}

// waitReady waits until a revision is ready for a reason, in these words.
func (s shop) waitReady(revision, reason, message string) {
	s.Helper()
	eventually(s.T, revision+" is "+reason, func() error {
		rev, err := get(s.T, reconciled, revision, &v1alpha1.Revision{})
		if err != nil {
			return err
		}
		c := meta.FindStatusCondition(rev.Status.Conditions, v1alpha1.ConditionReady)
		if c == nil || c.Status != metav1.ConditionTrue || c.Reason != reason || c.Message != message {
			return fmt.Errorf("Ready is %+v", c)
		}
		return nil
	})
}
