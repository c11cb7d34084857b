//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/test/localcluster"
)

// waitPods waits until a part of Headway has so many pods and no others.
func (tm *team) waitPods(name string, count int) (pods []corev1.Pod) {
	tm.Helper()
	eventually(tm.T, soon, fmt.Sprintf("%s has %d pods", name, count), func() error {
		pods = systemPods(tm.T, name)
		ready := 0
		for _, pod := range pods {
			if isReady(&pod) {
				ready++
			}
		}
		if len(pods) != count || ready != count {
			return fmt.Errorf("%d of %d are ready", ready, len(pods))
		}
		return nil
	})
	return pods
}

// scaleSystem sets the number of pods of a part of Headway, until restore is
// called or the test ends.
func (tm *team) scaleSystem(name string, count int32) (restore func()) {
	tm.Helper()
	set := func(count int32) (before int32) {
		ctx := context.Background() // the test's own may be over
		deployment := &appsv1.Deployment{}
		if err := kube.Get(ctx, client.ObjectKey{Namespace: localcluster.SystemNamespace, Name: name}, deployment); err != nil {
			tm.Fatalf("reading %s: %v", name, err)
		}
		before = *deployment.Spec.Replicas
		patch := client.MergeFrom(deployment.DeepCopy())
		deployment.Spec.Replicas = &count
		if err := kube.Patch(ctx, deployment, patch); err != nil {
			tm.Fatalf("scaling %s: %v", name, err)
		}
		tm.Logf("scaled %s from %d to %d", name, before, count)
		return before
	}
	before := set(count)
	restore = sync.OnceFunc(func() { set(before) })
	tm.Cleanup(restore)
	return restore
}

// systemPods are the pods of a part of Headway, those that are leaving included.
func systemPods(t *testing.T, name string) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	err := kube.List(t.Context(), &pods, client.InNamespace(localcluster.SystemNamespace), client.MatchingLabels{"app.kubernetes.io/name": name})
	if err != nil {
		t.Fatalf("listing the pods of %s: %v", name, err)
	}
	return pods.Items
}

// controlPlane are the programs that lead from a push to a Route.
var controlPlane = []string{"headway-watcher", "headway-controller"}

// killSystem ends pods of Headway itself at once, as a lost machine would; all
// of the name, or only one.
func killSystem(t *testing.T, name string, all bool) {
	t.Helper()
	pods := systemPods(t, name)
	if len(pods) == 0 {
		t.Fatalf("%s has no pods", name)
	}
	for i, pod := range pods {
		if i > 0 && !all {
			return
		}
		if err := kube.Delete(t.Context(), &pod, client.GracePeriodSeconds(0)); err != nil {
			t.Fatalf("killing %s: %v", pod.Name, err)
		}
		t.Logf("killed %s", pod.Name)
	}
}

// waitSystem waits until all pods of a part of Headway are ready again.
func (tm *team) waitSystem(name string) {
	tm.Helper()
	eventually(tm.T, soon, name+" is whole again", func() error {
		deployment := &appsv1.Deployment{}
		if err := kube.Get(tm.Context(), client.ObjectKey{Namespace: localcluster.SystemNamespace, Name: name}, deployment); err != nil {
			return err
		}
		return want("the number of ready pods", deployment.Status.ReadyReplicas, *deployment.Spec.Replicas)
	})
}
