package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
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

// What can be seen of a revision on its way. The API's own timestamps have
// whole seconds, so the moments are those at which a watch brought them.
const (
	eventRevision = "revision"  // the Revision exists
	eventRun      = "run"       // its Tekton run exists
	eventRunEnd   = "run ended" // the run has succeeded
	eventImage    = "image"     // the Revision has its image
	eventReady    = "ready"     // its pods are ready
)

// timeline records when events were first seen, by revision.
type timeline struct {
	mu   sync.Mutex
	seen map[string]map[string]time.Time
	// steps are those of a build that have ended, in their order.
	steps map[string][]step
	wake  chan struct{} // closed and replaced at every event
}

// step is a step of a build and when it began, to the millisecond.
type step struct {
	name string
	at   time.Time
}

// watch follows the namespace's revisions and builds until the context ends.
func watch(ctx context.Context, kube client.WithWatch, namespace string) (*timeline, error) {
	t := &timeline{
		seen:  map[string]map[string]time.Time{},
		steps: map[string][]step{},
		wake:  make(chan struct{}),
	}
	runs := &unstructured.UnstructuredList{}
	runs.SetGroupVersionKind(schema.GroupVersionKind{Group: "tekton.dev", Version: "v1", Kind: "TaskRunList"})
	builds := []client.ListOption{
		client.InNamespace(localcluster.BuildNamespace),
		client.MatchingLabels{v1alpha1.LabelNamespace: namespace},
	}
	for _, follow := range []struct {
		list  client.ObjectList
		where []client.ListOption
	}{
		{&v1alpha1.RevisionList{}, []client.ListOption{client.InNamespace(namespace)}},
		{runs, builds},
		{&corev1.PodList{}, builds},
	} {
		stream, err := kube.Watch(ctx, follow.list, follow.where...)
		if err != nil {
			return nil, fmt.Errorf("watching %T: %w", follow.list, err)
		}
		go func() {
			defer stream.Stop()
			for event := range stream.ResultChan() {
				t.note(event.Object, time.Now())
			}
		}()
	}
	return t, nil
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
	close(t.wake)
	t.wake = make(chan struct{})
}

func (t *timeline) first(revision, event string, now time.Time) {
	if t.seen[revision] == nil {
		t.seen[revision] = map[string]time.Time{}
	}
	if _, known := t.seen[revision][event]; !known {
		t.seen[revision][event] = now
	}
}

// wait returns when an event of a revision was first seen, once it was.
func (t *timeline) wait(ctx context.Context, revision, event string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		t.mu.Lock()
		at, known := t.seen[revision][event]
		wake := t.wake
		t.mu.Unlock()
		if known {
			return at, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("waiting for the %q of %s: %w", event, revision, ctx.Err())
		case <-wake:
		}
	}
}

// of copies all that is known of a revision.
func (t *timeline) of(revision string) (map[string]time.Time, []step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.seen[revision]), slices.Clone(t.steps[revision])
}

// succeeded says whether a Tekton run is done and well.
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
