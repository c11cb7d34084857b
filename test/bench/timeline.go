package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// What can be seen of a revision on its way.
const (
	eventRevision = "revision"  // the Revision exists
	eventRun      = "run"       // its Tekton run exists
	eventRunEnd   = "run ended" // the run has succeeded
	eventImage    = "image"     // the Revision has its image
	eventReady    = "ready"     // its pods are ready
)

// timeline has the events of revisions.
type timeline struct {
	moments
	// steps are those of a build that have ended, in their order.
	steps map[string][]step
}

// step is a step of a build and when it began, to the millisecond.
type step struct {
	name string
	at   time.Time
}

// watch follows the namespace's revisions and builds until the context ends.
func watch(ctx context.Context, kube client.WithWatch, namespace string) (*timeline, error) {
	t := &timeline{moments: newMoments(), steps: map[string][]step{}}
	runs := &unstructured.UnstructuredList{}
	runs.SetGroupVersionKind(schema.GroupVersionKind{Group: "tekton.dev", Version: "v1", Kind: "TaskRunList"})
	builds := []client.ListOption{
		client.InNamespace(localcluster.BuildNamespace),
		client.MatchingLabels{v1alpha1.LabelNamespace: namespace},
	}
	return t, follow(ctx, kube, t.note, []followed{
		{&v1alpha1.RevisionList{}, []client.ListOption{client.InNamespace(namespace)}},
		{runs, builds},
		{&corev1.PodList{}, builds},
	})
}

// note records what an object shows.
func (t *timeline) note(object runtime.Object, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch o := object.(type) {
	case *v1alpha1.Revision:
		t.first(o.Name, eventRevision, now)
		if o.Status.Image != "" {
			t.first(o.Name, eventImage, now)
		}
		if meta.IsStatusConditionTrue(o.Status.Conditions, v1alpha1.ConditionReady) {
			t.first(o.Name, eventReady, now)
		}
	case *unstructured.Unstructured:
		revision := o.GetLabels()[v1alpha1.LabelRevision]
		t.first(revision, eventRun, now)
		if succeeded(o) {
			t.first(revision, eventRunEnd, now)
		}
	case *corev1.Pod:
		steps := stepStarts(o)
		if len(steps) > len(t.steps[o.Labels[v1alpha1.LabelRevision]]) {
			t.steps[o.Labels[v1alpha1.LabelRevision]] = steps
		}
	}
	t.changed()
}

// built are the steps of a revision's build.
func (t *timeline) built(revision string) []step {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.steps[revision])
}

// succeeded reports whether a Tekton run is done and well.
func succeeded(run *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(run.Object, "status", "conditions")
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == "Succeeded" {
			return c["status"] == string(metav1.ConditionTrue)
		}
	}
	return false
}

// stepStarts reads when the steps of a build pod began. Tekton's entrypoint
// leaves the time in each container's termination message, with milliseconds.
func stepStarts(pod *corev1.Pod) []step {
	var starts []step
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Terminated == nil {
			continue
		}
		var results []struct{ Key, Value string }
		if json.Unmarshal([]byte(c.State.Terminated.Message), &results) != nil {
			continue // a step that wrote something else
		}
		for _, result := range results {
			if at, err := time.Parse("2006-01-02T15:04:05.000Z07:00", result.Value); result.Key == "StartedAt" && err == nil {
				starts = append(starts, step{strings.TrimPrefix(c.Name, "step-"), at})
			}
		}
	}
	slices.SortFunc(starts, func(a, b step) int { return a.at.Compare(b.at) })
	return starts
}
