//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// labelPrepull names the revision on a pod that pulls its image.
const labelPrepull = "headway.dev/prepull"

// TestImageIsPulledOntoOtherNodes: a revision ran on one node; another gets its
// image once, one that joins later too, and a cordoned one does not.
func TestImageIsPulledOntoOtherNodes(t *testing.T) {
	newNode(t, "ran", false)
	newNode(t, "other", false)
	s := newShop(t, "pull")
	s.revision("pull-1", "tree1")
	s.push("pull-1")
	s.build("pull-1", sha)
	s.runOn("pull-1", "ran")
	s.start("pull-1")
	s.waitLive("pull-1")

	pod := s.waitPull("pull-1", "other")
	rev, err := get(t, reconciled, "pull-1", &v1alpha1.Revision{})
	if err != nil {
		t.Fatal(err)
	}
	if owner := metav1.GetControllerOf(&pod); owner == nil || owner.UID != rev.UID {
		t.Errorf("the pod's owner is %v", owner)
	}
	if image := pod.Spec.Volumes[0].Image; image == nil || image.Reference != rev.Status.Image {
		t.Errorf("the pod mounts %v, want %s", image, rev.Status.Image)
	}
	if pod.Labels[v1alpha1.LabelRevision] != "" {
		t.Error("the pod passes for one of the app's")
	}
	s.pulled(pod)
	eventually(t, "the pod is taken away", func() error {
		_, err := get(t, reconciled, pod.Name, &corev1.Pod{})
		if err == nil {
			err = errors.New("it is there still")
		}
		return client.IgnoreNotFound(err)
	})

	// Each look sees all nodes: one that pulled for "cordoned", or once more for
	// the first two, would have done so when "joined" gets its pod.
	newNode(t, "cordoned", true)
	newNode(t, "joined", false)
	s.waitPull("pull-1", "joined")
}

// newNode makes a node that is ready, as far as the API server knows.
func newNode(t *testing.T, name string, cordoned bool) {
	t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := api.Create(t.Context(), node); err != nil {
		t.Fatalf("creating node %s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := api.Delete(context.Background(), node); err != nil {
			t.Errorf("deleting node %s: %v", name, err)
		}
	})
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	if err := api.Status().Update(t.Context(), node); err != nil {
		t.Fatalf("making node %s ready: %v", name, err)
	}
	node.Spec.Taints, node.Spec.Unschedulable = nil, cordoned // admission has tainted it as not ready
	if err := api.Update(t.Context(), node); err != nil {
		t.Fatalf("opening node %s: %v", name, err)
	}
}

// runOn plays the kubelet of a node: a pod of the revision runs there.
func (s shop) runOn(revision, node string) {
	s.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: revision + "-" + node, Labels: map[string]string{
			v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelApp: s.name, v1alpha1.LabelRevision: revision,
		}},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "app", Image: digestOne}}},
	}
	if err := api.Create(s.Context(), pod); err != nil {
		s.Fatalf("creating a pod on %s: %v", node, err)
	}
	s.Cleanup(func() {
		if err := api.Delete(context.Background(), pod, client.GracePeriodSeconds(0)); err != nil {
			s.Errorf("deleting the pod on %s: %v", node, err)
		}
	})
	pod.Status.Phase = corev1.PodRunning
	if err := api.Status().Update(s.Context(), pod); err != nil {
		s.Fatalf("running a pod on %s: %v", node, err)
	}
}

// waitPull waits until one pod pulls the revision's image, onto the given node.
// The pods of what other tests have left, which hold the nodes, end at once.
func (s shop) waitPull(revision, node string) (pull corev1.Pod) {
	s.Helper()
	eventually(s.T, "the image of "+revision+" is pulled onto "+node, func() error {
		var pods corev1.PodList
		if err := api.List(s.Context(), &pods, client.InNamespace(reconciled), client.HasLabels{labelPrepull}); err != nil {
			return err
		}
		var nodes []string
		for _, pod := range pods.Items {
			if pod.Labels[labelPrepull] != revision {
				s.pulled(pod)
				continue
			}
			pull = pod
			nodes = append(nodes, pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchFields[0].Values...)
		}
		if !slices.Equal(nodes, []string{node}) {
			return fmt.Errorf("it is pulled onto %v", nodes)
		}
		return nil
	})
	return pull
}

// pulled plays the kubelet: a pull pod has ended well. It may be gone already.
func (s shop) pulled(pod corev1.Pod) {
	s.Helper()
	pod.Status.Phase = corev1.PodSucceeded
	if err := api.Status().Update(s.Context(), &pod); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		s.Fatalf("ending pod %s: %v", pod.Name, err)
	}
}
