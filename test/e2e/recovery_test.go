//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// TestControllerKilled: killed in the middle of a build, the watcher and the
// controller come back to the same result, from one run.
func TestControllerKilled(t *testing.T) {
	for _, program := range controlPlane {
		t.Run(program, func(t *testing.T) {
			tm := newTeam(t)
			code := tm.clone("hello")
			commit := code.push("First")
			code.watch()
			run := tm.waitRun("hello", commit)
			killSystem(t, program, true)

			tm.waitLive("hello", commit)
			tm.wantAnswer(tm.url("hello"), commit)
			tm.wantRuns("hello", 1)
			revision := tm.mustRevision("hello", commit)
			if err := want("the run behind the image", revision.Status.Build.Run, run.GetName()); err != nil {
				t.Error(err)
			}
		})
	}
}

// waitRun waits until a commit's Tekton run has a running pod.
func (tm *team) waitRun(app, commit string) (run unstructured.Unstructured) {
	tm.Helper()
	eventually(tm.T, built, fmt.Sprintf("%s of %s is being built", commit[:8], app), func() error {
		for _, run = range tm.runs(app) {
			if run.GetLabels()[v1alpha1.LabelRevision] != revisionName(app, commit) {
				continue
			}
			pod, err := buildPod(tm, run)
			if err != nil {
				return err
			}
			return want("the build pod's phase", pod.Status.Phase, corev1.PodRunning)
		}
		return fmt.Errorf("no run of it yet")
	})
	return run
}

// buildPod is the pod of a Tekton run.
func buildPod(tm *team, run unstructured.Unstructured) (*corev1.Pod, error) {
	name, _, err := unstructured.NestedString(run.Object, "status", "podName")
	if err != nil || name == "" {
		return nil, fmt.Errorf("run %s has no pod yet", run.GetName())
	}
	pod := &corev1.Pod{}
	return pod, kube.Get(tm.Context(), client.ObjectKey{Namespace: localcluster.BuildNamespace, Name: name}, pod)
}

// TestNewerPushCancelsBuild: the build of a commit that is no longer the head
// stops, and the newer one goes live.
func TestNewerPushCancelsBuild(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("hello")
	older := code.push("Older")
	code.watch()
	run := tm.waitRun("hello", older)

	code.edit("main.go", "Hello from Headway!", "Hello from the newer!")
	newer := code.push("Newer")
	eventually(t, soon, "the older build is cancelled", func() error {
		seen := run.DeepCopy()
		err := kube.Get(t.Context(), client.ObjectKeyFromObject(seen), seen)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		if status, _, _ := unstructured.NestedString(seen.Object, "spec", "status"); err == nil && status != "TaskRunCancelled" {
			return fmt.Errorf("run %s has spec.status %q", run.GetName(), status)
		}
		return nil
	})
	tm.waitLive("hello", newer)
	tm.wantAnswer(tm.url("hello"), "Hello from the newer!")

	// The older one is superseded, or collected already; it was never built.
	if revision, err := tm.revision("hello", older); err == nil {
		if err := condition(revision.Status.Conditions, v1alpha1.ConditionBuilt, metav1.ConditionFalse, v1alpha1.ReasonSuperseded); err != nil {
			t.Error(err)
		}
	}
}

// namesOf lists kind and name of what is in a list.
func namesOf(tm *team, list client.ObjectList) []string {
	tm.Helper()
	var names []string
	objects, err := meta.ExtractList(list)
	if err != nil {
		tm.Fatalf("reading a list: %v", err)
	}
	for _, object := range objects {
		names = append(names, fmt.Sprintf("%T %s", object, object.(client.Object).GetName()))
	}
	return names
}
