package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// moments records when events of revisions and Deployments were first seen. The
// API's own timestamps have whole seconds, so these are the moments at which a
// watch brought them.
type moments struct {
	mu   sync.Mutex
	seen map[string]map[string]time.Time // revision or Deployment, event
	wake chan struct{}                   // closed and replaced when something changes
	// steps are those of a revision's build that have ended, in their order.
	steps map[string][]step
	// addresses are those of the pods of Deployments.
	addresses map[string]string
}

// watch follows a namespace and its builds until the context ends.
func watch(ctx context.Context, kube client.WithWatch, namespace string) (*moments, error) {
	m := newMoments()
	runs := &unstructured.UnstructuredList{}
	runs.SetGroupVersionKind(schema.GroupVersionKind{Group: "tekton.dev", Version: "v1", Kind: "TaskRunList"})
	inside := []client.ListOption{client.InNamespace(namespace)}
	builds := []client.ListOption{
		client.InNamespace(localcluster.BuildNamespace),
		client.MatchingLabels{v1alpha1.LabelNamespace: namespace},
	}
	for _, followed := range []struct {
		list  client.ObjectList
		where []client.ListOption
	}{
		{&v1alpha1.RevisionList{}, inside}, {runs, builds}, {&corev1.PodList{}, builds},
		{&appsv1.DeploymentList{}, inside}, {&corev1.PodList{}, inside},
	} {
		stream, err := kube.Watch(ctx, followed.list, followed.where...)
		if err != nil {
			return nil, fmt.Errorf("watching %T: %w", followed.list, err)
		}
		go func() {
			defer stream.Stop()
			for event := range stream.ResultChan() {
				m.note(event.Object, time.Now())
			}
		}()
	}
	return m, nil
}

func newMoments() *moments {
	return &moments{
		seen: map[string]map[string]time.Time{}, wake: make(chan struct{}),
		steps: map[string][]step{}, addresses: map[string]string{},
	}
}

// note records what an object shows, and wakes those that wait.
func (m *moments) note(object runtime.Object, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch o := object.(type) {
	case *v1alpha1.Revision:
		m.noteRevision(o, now)
	case *unstructured.Unstructured:
		m.noteRun(o, now)
	case *appsv1.Deployment:
		m.noteDeployment(o, now)
	case *corev1.Pod:
		if o.Namespace == localcluster.BuildNamespace {
			m.noteBuild(o)
		} else {
			m.notePod(o, now)
		}
	}
	close(m.wake)
	m.wake = make(chan struct{})
}

// first records an event if it is the first of its kind. The caller has mu.
func (m *moments) first(thing, event string, now time.Time) {
	if m.seen[thing] == nil {
		m.seen[thing] = map[string]time.Time{}
	}
	if _, known := m.seen[thing][event]; !known {
		m.seen[thing][event] = now
	}
}

// wait returns when an event was first seen, once it was.
func (m *moments) wait(ctx context.Context, thing, event string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		m.mu.Lock()
		at, known := m.seen[thing][event]
		wake := m.wake
		m.mu.Unlock()
		if known {
			return at, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("waiting for the %q of %s: %w", event, thing, ctx.Err())
		case <-wake:
		}
	}
}

// forget makes the next events of a thing its first ones.
func (m *moments) forget(thing string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, thing)
}

// of copies all that was seen of a thing.
func (m *moments) of(thing string) map[string]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.seen[thing])
}

// way is what was measured once, in parts that add up to the whole.
type way struct {
	took  time.Duration
	parts []part
}

// part is one stretch of a way.
type part struct {
	name string
	took time.Duration
}

// figures are how long each of several ways took, and the median of each of their
// parts, in a unit.
func figures(ways []way, unit func(time.Duration) float64) (took []float64, parts map[string]any) {
	each := map[string][]float64{}
	for _, w := range ways {
		took = append(took, unit(w.took))
		for _, p := range w.parts {
			each[p.name] = append(each[p.name], unit(p.took))
		}
	}
	parts = map[string]any{}
	for name, values := range each {
		parts[name] = round(median(values))
	}
	return took, parts
}

// cutter cuts a way at moments, in parts that add up to the whole.
type cutter struct {
	last  time.Time
	parts []part
}

// until ends a part. A moment before the last cut makes it empty: a watch and
// another clock may disagree a little.
func (c *cutter) until(name string, at time.Time) {
	at = time.UnixMilli(max(at.UnixMilli(), c.last.UnixMilli()))
	c.parts = append(c.parts, part{name, at.Sub(time.UnixMilli(c.last.UnixMilli()))})
	c.last = at
}

// untilSeen ends a part at an event, if that was seen.
func (c *cutter) untilSeen(name string, events map[string]time.Time, event string) {
	if at, seen := events[event]; seen {
		c.until(name, at)
	}
}
