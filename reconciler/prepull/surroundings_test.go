package prepull

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// These tests are about clusters that are not as they should be.

// TestNoImageVolumes: an older cluster is asked once, and nobody is alarmed.
func TestNoImageVolumes(t *testing.T) {
	kind := schema.GroupKind{Kind: "Pod"}
	volume := field.NewPath("spec", "volumes").Index(0)
	for name, tc := range map[string]struct {
		refuse error
		drop   bool
		once   bool
	}{
		"refused": {refuse: apierrors.NewInvalid(kind, "x", field.ErrorList{
			field.Required(volume, "must specify a volume type"),
			field.NotFound(field.NewPath("spec", "containers").Index(0).Child("volumeMounts").Index(0).Child("name"), "image"),
		}), once: true},
		"dropped":      {drop: true, once: true},
		"of one image": {refuse: apierrors.NewInvalid(kind, "x", field.ErrorList{field.Required(volume.Child("image", "reference"), "")})},
		"of one quota": {refuse: apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "x", errors.New("exceeded quota"))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, newRevision("hello-1", digestA), newApp("hello-1"), newNode("1"), newNode("2"))
				w.refuse, w.drop = tc.refuse, tc.drop
				for range 120 {
					w.want("nothing stays")
					time.Sleep(time.Minute)
				}
				if tc.once != (w.creates == 1) || tc.once != (len(w.events.Events) == 0) {
					t.Errorf("%d tries, %d events", w.creates, len(w.events.Events))
				}
			})
		})
	}
}

// TestPodsOfOthers: a label makes no pull pod; what has only that is left alone
// and holds no place.
func TestPodsOfOthers(t *testing.T) {
	rev := newRevision("hello-1", digestA)
	podOn := func(n int) *corev1.Pod {
		node := newNode(fmt.Sprint(n))
		return podFor(Start{Target{Revision: rev}, Node{node.Name, idOf(node.UID)}}, "registry/park")
	}
	objects := []client.Object{rev, newApp("hello-1")}
	for n := range maxPulls {
		pod := podOn(n)
		pod.Name, pod.OwnerReferences = fmt.Sprint("stranger-", n), nil
		objects = append(objects, pod, newNode(fmt.Sprint(n)))
	}
	w := newWorld(t, objects...)
	if got := w.reconcile(); w.creates != maxPulls || w.writes != maxPulls || len(got) != 2*maxPulls {
		t.Errorf("%d pulls, %d writes, and then the pods %v", w.creates, w.writes, got)
	}
	for name, tc := range map[string]struct {
		change func(*corev1.Pod)
		want   bool
	}{
		"ours":                {func(*corev1.Pod) {}, true},
		"nobody's":            {func(p *corev1.Pod) { p.OwnerReferences = nil }, false},
		"not controlled":      {func(p *corev1.Pod) { p.OwnerReferences[0].Controller = nil }, false},
		"of an older one":     {func(p *corev1.Pod) { p.OwnerReferences[0].UID = "older" }, false},
		"of a ReplicaSet":     {func(p *corev1.Pod) { p.OwnerReferences[0].Name, p.OwnerReferences[0].UID = "hello-1-x", "x" }, false},
		"of another name":     {func(p *corev1.Pod) { p.Name += "-x" }, false},
		"of another node":     {func(p *corev1.Pod) { p.Annotations[annotationNode] = "x" }, false},
		"of another revision": {func(p *corev1.Pod) { p.Labels[labelPrepull] = "hello-2" }, false},
		"of a revision that is gone": {func(p *corev1.Pod) {
			p.Labels[labelPrepull], p.OwnerReferences[0].Name, p.Name = "gone", "gone", podName("gone", p.Annotations[annotationNode])
		}, false},
	} {
		pod := podOn(1)
		tc.change(pod)
		if got, err := w.r.ours(t.Context(), pod); got != tc.want || err != nil {
			t.Errorf("%s: ours = %v, %v", name, got, err)
		}
	}
}
