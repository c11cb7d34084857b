//go:build integration

package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// installed applies the manifests of a file under deploy/base until the test ends.
func installed(t *testing.T, file string) {
	t.Helper()
	objects, err := manifests(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		create(t, o)
		t.Cleanup(func() {
			if err := api.Delete(context.Background(), o); client.IgnoreNotFound(err) != nil {
				t.Errorf("deleting %s %s: %v", o.GetKind(), o.GetName(), err)
			}
		})
	}
}

// installAutoscaler applies what holds the autoscaler to its rights, and returns
// a namespace.
func installAutoscaler(t *testing.T) string {
	t.Helper()
	installed(t, "autoscaler-rbac.yaml")
	installed(t, "autoscaler-policy.yaml")
	return namespace(t)
}

// asAutoscaler is a client with the rights of the autoscaler's service account.
func asAutoscaler(t *testing.T) client.Client {
	t.Helper()
	c, err := clientAs("headway-autoscaler")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAutoscalerMayChangeOnlyTheScalingOfRevisions asks the real API server with
// the manifests that are installed.
func TestAutoscalerMayChangeOnlyTheScalingOfRevisions(t *testing.T) {
	ns, autoscaler := installAutoscaler(t), asAutoscaler(t)
	rev := in(ns, revision(nil))
	create(t, rev)
	patch := func(change string) error {
		return autoscaler.Status().Patch(t.Context(), rev.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(change)))
	}
	const (
		scaling = `{"status":{"scaling":{"from":0,"to":1,"reason":"a request woke it","at":"2026-01-01T00:00:00.000000Z"}}}`
	)
	tries := 0
	eventually(t, "the policy is in force", func() error {
		tries++
		if err := patch(fmt.Sprintf(`{"status":{"url":"http://%d"}}`, tries)); err == nil || !strings.Contains(err.Error(), "may change only scaling") {
			return fmt.Errorf("its URL: %w", err)
		}
		return nil
	})
	if err := patch(scaling); err != nil {
		t.Errorf("scaling on an empty status: %v", err)
	}
	set(rev, fields{"status.everReady": true, "status.replicas": int64(1)})
	rev.SetResourceVersion("")
	if err := api.Status().Patch(t.Context(), rev, client.Merge); err != nil {
		t.Fatalf("by the administrator: %v", err)
	}
	if err := patch(strings.Replace(scaling, `"to":1`, `"to":2`, 1)); err != nil {
		t.Errorf("scaling beside other fields: %v", err)
	}
	for name, change := range map[string]string{
		"another value": `{"status":{"everReady":false}}`, "another field": `{"status":{"url":"http://x"}}`, "a field less": `{"status":{"everReady":null}}`,
	} {
		if err := patch(change); !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if err := autoscaler.Patch(t.Context(), rev.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`))); !apierrors.IsForbidden(err) {
		t.Errorf("its labels: %v, want a refusal", err)
	}
}

// TestAutoscalerMayChangeOnlyTheMetadataOfRevisionsPods asks the real API server
// with the manifests that are installed.
func TestAutoscalerMayChangeOnlyTheMetadataOfRevisionsPods(t *testing.T) {
	ns, autoscaler := installAutoscaler(t), asAutoscaler(t)
	pod := func(name string, labels map[string]string) {
		t.Helper()
		err := api.Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	pod("app", map[string]string{v1alpha1.LabelRevision: "shop-1a2b3c4d"})
	pod("build", map[string]string{v1alpha1.LabelRevision: "shop-1a2b3c4d", v1alpha1.LabelBuildKey: "k"})
	pod("labelled", map[string]string{"app": "database"})
	pod("bare", nil)

	patch := func(c client.Client, name, change string) error {
		return c.Patch(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}},
			client.RawPatch(types.StrategicMergePatchType, []byte(change)))
	}
	remove := func(name string) error {
		return autoscaler.Delete(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}})
	}
	const (
		metadata = `{"metadata":{"labels":{"headway.dev/standby":"woken"},"annotations":{"controller.kubernetes.io/pod-deletion-cost":"-1000"},
			"ownerReferences":[{"apiVersion":"headway.dev/v1alpha1","kind":"Revision","name":"shop-1a2b3c4d","uid":"0000","controller":true}]}}`
		image     = `{"spec":{"containers":[{"name":"app","image":"other"}]}}`
		notOurs   = "may only change and delete the pods of a revision"
		notItsRun = "not what it runs"
	)
	eventually(t, "the policy is in force", func() error {
		if err := patch(autoscaler, "bare", metadata); err == nil || !strings.Contains(err.Error(), notOurs) {
			return fmt.Errorf("a pod without labels: %w", err)
		}
		return nil
	})
	for _, tc := range []struct {
		name string
		err  error
		want string // empty: it may
	}{
		{"the metadata of a revision's pod", patch(autoscaler, "app", metadata), ""},
		{"its image", patch(autoscaler, "app", image), notItsRun},
		{"both", patch(autoscaler, "app", `{"metadata":{"labels":{"a":"b"}},`+image[1:]), notItsRun},
		{"a build pod", patch(autoscaler, "build", metadata), notOurs},
		{"a pod of somebody else", patch(autoscaler, "labelled", metadata), notOurs},
		{"a label that makes it one", patch(autoscaler, "labelled", `{"metadata":{"labels":{"headway.dev/revision":"shop-1a2b3c4d"}}}`), notOurs},
		{"the end of a pod of somebody else", remove("labelled"), notOurs},
		{"the end of a pod without labels", remove("bare"), notOurs},
		{"the end of a build pod", remove("build"), notOurs},
		{"an image by the administrator", patch(api, "labelled", image), ""},
		{"the end of a revision's pod", remove("app"), ""},
	} {
		switch {
		case tc.want == "" && tc.err != nil:
			t.Errorf("%s: %v", tc.name, tc.err)
		case tc.want != "" && (!apierrors.IsForbidden(tc.err) || !strings.Contains(tc.err.Error(), tc.want)):
			t.Errorf("%s: %v, want a refusal with %q", tc.name, tc.err, tc.want)
		}
	}
}
