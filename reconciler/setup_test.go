package reconciler

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestVersionOnly: what kubectl apply writes beside a Secret is a copy of it.
func TestVersionOnly(t *testing.T) {
	seen := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: "shop-db", Namespace: "team", UID: "u", ResourceVersion: "812", Labels: map[string]string{"password": "hunter2"},
		Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: `{"data":{"password":"aHVudGVyMg=="}}`},
	}}
	kept, err := versionOnly(seen)
	if err != nil {
		t.Fatal(err)
	}
	want := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "shop-db", Namespace: "team", UID: "u", ResourceVersion: "812"}}
	if diff := cmp.Diff(any(want), kept); diff != "" {
		t.Error(diff)
	}
	if _, err := versionOnly(&corev1.Secret{}); err == nil {
		t.Error("a Secret with its content may be watched")
	}
}

func TestSlimPodKeepsItsMark(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.AnnotationStartedWith: "m", "other": "x"}}}
	slimPod(pod)
	if diff := cmp.Diff(map[string]string{v1alpha1.AnnotationStartedWith: "m"}, pod.Annotations); diff != "" {
		t.Error(diff)
	}
}
