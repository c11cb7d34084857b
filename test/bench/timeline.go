package main

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// What can be seen of a revision on its way.
const (
	eventRevision = "revision"  // the Revision exists
	eventRun      = "run"       // its Tekton run exists
	eventRunEnd   = "run ended" // the run has succeeded
	eventImage    = "image"     // the Revision has its image
	eventReady    = "ready"     // its pods are ready
)

// step is a step of a build and when it began, to the millisecond.
type step struct {
	name string
	at   time.Time
}

func (m *moments) noteRevision(o *v1alpha1.Revision, now time.Time) {
	m.first(o.Name, eventRevision, now)
	if o.Status.Image != "" {
		m.first(o.Name, eventImage, now)
	}
	if meta.IsStatusConditionTrue(o.Status.Conditions, v1alpha1.ConditionReady) {
		m.first(o.Name, eventReady, now)
	}
}

func (m *moments) noteRun(o *unstructured.Unstructured, now time.Time) {
	revision := o.GetLabels()[v1alpha1.LabelRevision]
	m.first(revision, eventRun, now)
	if succeeded(o) {
		m.first(revision, eventRunEnd, now)
	}
}

func (m *moments) noteBuild(o *corev1.Pod) {
	revision, steps := o.Labels[v1alpha1.LabelRevision], stepStarts(o)
	if len(steps) > len(m.steps[revision]) {
		m.steps[revision] = steps
	}
}

// built are the steps of a revision's build.
func (m *moments) built(revision string) []step {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.steps[revision])
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
