//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// TestBuildPodHoldsNoSecrets: what a build runs is the pusher's, so its pod has
// neither a service-account token nor git credentials, and is the only one.
func TestBuildPodHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	commit := code.push("First")
	code.watch()
	tm.waitLive("static", commit)

	var pods corev1.PodList
	err := kube.List(t.Context(), &pods, client.InNamespace(localcluster.BuildNamespace), client.MatchingLabels{v1alpha1.LabelNamespace: tm.namespace})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("one build has %d pods, want 1 (%v)", len(pods.Items), err)
	}
	pod := pods.Items[0]
	if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
		t.Error("automountServiceAccountToken is not false")
	}
	for _, volume := range pod.Spec.Volumes {
		if volume.Secret != nil || volume.Projected != nil {
			t.Errorf("volume %s is a secret or a projection: %+v", volume.Name, volume.VolumeSource)
		}
		if volume.HostPath != nil {
			t.Errorf("volume %s is the host's %s", volume.Name, volume.HostPath.Path)
		}
	}
	text, err := yaml.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), cluster.GitPassword) || strings.Contains(string(text), "secretKeyRef") || strings.Contains(string(text), "secretRef") {
		t.Error("the pod names a secret")
	}
	var secrets corev1.SecretList
	if err := kube.List(t.Context(), &secrets, client.InNamespace(localcluster.BuildNamespace)); err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		if of := secret.Labels[v1alpha1.LabelNamespace]; of != "" && of != tm.namespace {
			continue // a team that gave it to its builds, for modules
		}
		for key, value := range secret.Data {
			if strings.Contains(string(value), cluster.GitPassword) {
				t.Errorf("%s of Secret %s in the build namespace is the git password", key, secret.Name)
			}
		}
	}
}

// TestOwnTemplate: a Task with the template label is a build template.
func TestOwnTemplate(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	task := &unstructured.Unstructured{}
	task.SetGroupVersionKind(schema.GroupVersionKind{Group: "tekton.dev", Version: "v1", Kind: "Task"})
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: localcluster.BuildNamespace, Name: tm.taskOf("static")}, task); err != nil {
		t.Fatalf("reading the static template: %v", err)
	}
	own := task.DeepCopy()
	own.Object["metadata"] = map[string]any{}
	own.SetNamespace(localcluster.BuildNamespace)
	own.SetName(tm.namespace)
	own.SetLabels(map[string]string{v1alpha1.LabelTemplate: tm.namespace})
	tm.create(own)
	t.Cleanup(func() {
		if err := kube.Delete(context.Background(), own); err != nil {
			t.Errorf("deleting the template: %v", err)
		}
	})

	code := tm.clone("static")
	code.write("headway.yaml", "name: static\nbuild: {with: "+tm.namespace+", args: {dir: public}}\n")
	commit := code.push("First")
	code.watch()
	tm.waitLive("static", commit)
	tm.wantAnswer(tm.url("static"), "<")

	code.write("headway.yaml", "name: static\nbuild: {with: "+tm.namespace+", args: {dri: public}}\n")
	mistaken := code.push("Mistype an argument")
	eventually(t, soon, "the wrong argument is told", func() error {
		revision, err := tm.revision("static", mistaken)
		if err != nil {
			return err
		}
		if err := condition(revision.Status.Conditions, v1alpha1.ConditionBuilt, metav1.ConditionFalse, v1alpha1.ReasonInvalidArgs); err != nil {
			return err
		}
		if said := message(revision.Status.Conditions, v1alpha1.ConditionBuilt); !strings.Contains(said, "dri") || !strings.Contains(said, "dir") {
			return fmt.Errorf("the message has not both names: %q", said)
		}
		return nil
	})
	tm.waitLive("static", commit)
}

// taskOf finds the Task that is a template.
func (tm *team) taskOf(template string) string {
	tm.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "tekton.dev", Version: "v1", Kind: "TaskList"})
	err := kube.List(tm.Context(), list, client.InNamespace(localcluster.BuildNamespace), client.MatchingLabels{v1alpha1.LabelTemplate: template})
	if err != nil || len(list.Items) != 1 {
		tm.Fatalf("finding template %s: %d Tasks, %v", template, len(list.Items), err)
	}
	return list.Items[0].GetName()
}
