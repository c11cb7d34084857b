//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// meter is the image of testdata/meter; the first test that needs it builds it.
var meter struct {
	sync.Mutex
	image string
}

func meterImage(t *testing.T) string {
	t.Helper()
	meter.Lock()
	defer meter.Unlock()
	if meter.image == "" {
		tm := newTeam(t)
		code := tm.cloneFrom(filepath.Join("testdata", "meter"))
		commit := code.push("First")
		code.watch()
		tm.waitLive("meter", commit)
		meter.image = tm.mustRevision("meter", commit).Status.Image
	}
	return meter.image
}

// startMeter runs meter with the given scale section and returns its revision.
func (tm *team) startMeter(scale string) string {
	tm.Helper()
	code := tm.cloneFrom(filepath.Join("testdata", "meter"))
	code.write("headway.yaml", fmt.Sprintf("name: meter\nimage: %s\nscale: %s\n", meterImage(tm.T), scale))
	commit := code.push("First")
	code.watch()
	tm.waitLive("meter", commit)
	return revisionName("meter", commit)
}

// podsOf are the pods of a revision that are not on their way out.
func (tm *team) podsOf(revision string) (running, ready []corev1.Pod) {
	tm.Helper()
	var list corev1.PodList
	err := kube.List(tm.Context(), &list, client.InNamespace(tm.namespace), client.MatchingLabels{v1alpha1.LabelRevision: revision})
	if err != nil {
		tm.Fatalf("listing pods: %v", err)
	}
	for _, pod := range list.Items {
		if pod.DeletionTimestamp != nil {
			continue
		}
		running = append(running, pod)
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				ready = append(ready, pod)
			}
		}
	}
	return running, ready
}

// waitReady waits until a revision has at least so many ready pods.
func (tm *team) waitReady(revision string, count int) {
	tm.Helper()
	eventually(tm.T, built, fmt.Sprintf("%d pods of %s are ready", count, revision), func() error {
		if _, ready := tm.podsOf(revision); len(ready) < count {
			return fmt.Errorf("%d are ready", len(ready))
		}
		return nil
	})
}

// waitAsleep waits until a revision has no pods, and says so.
func (tm *team) waitAsleep(revision string) {
	tm.Helper()
	eventually(tm.T, cleanedUp, revision+" sleeps", func() error {
		deployment := &appsv1.Deployment{}
		if err := tm.get(revision, deployment); err != nil {
			return err
		}
		if err := want("spec.replicas", *deployment.Spec.Replicas, 0); err != nil {
			return err
		}
		var pods corev1.PodList // also those that are leaving
		if err := kube.List(tm.Context(), &pods, client.InNamespace(tm.namespace), client.MatchingLabels{v1alpha1.LabelRevision: revision}); err != nil {
			return err
		}
		if err := want("the number of pods", len(pods.Items), 0); err != nil {
			return err
		}
		seen := &v1alpha1.Revision{}
		if err := tm.get(revision, seen); err != nil {
			return err
		}
		return condition(seen.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonIdle)
	})
}

// killSystem ends pods of Headway itself at once, as a lost machine would; all
// of the name, or only one.
func killSystem(t *testing.T, name string, all bool) {
	t.Helper()
	var pods corev1.PodList
	err := kube.List(t.Context(), &pods, client.InNamespace(localcluster.SystemNamespace), client.MatchingLabels{"app.kubernetes.io/name": name})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("finding %s: %d pods, %v", name, len(pods.Items), err)
	}
	for i, pod := range pods.Items {
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
