package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// moments records when events of things were first seen. The API's own
// timestamps have whole seconds, so these are the moments at which a watch
// brought them.
type moments struct {
	mu   sync.Mutex
	seen map[string]map[string]time.Time // thing, event
	wake chan struct{}                   // closed and replaced when something changes
}

func newMoments() moments {
	return moments{seen: map[string]map[string]time.Time{}, wake: make(chan struct{})}
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

// changed wakes those that wait. The caller has mu.
func (m *moments) changed() {
	close(m.wake)
	m.wake = make(chan struct{})
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

// followed is what a watch follows.
type followed struct {
	list  client.ObjectList
	where []client.ListOption
}

// follow notes each object that comes or changes, until the context ends.
func follow(ctx context.Context, kube client.WithWatch, note func(runtime.Object, time.Time), all []followed) error {
	for _, f := range all {
		stream, err := kube.Watch(ctx, f.list, f.where...)
		if err != nil {
			return fmt.Errorf("watching %T: %w", f.list, err)
		}
		go func() {
			defer stream.Stop()
			for event := range stream.ResultChan() {
				note(event.Object, time.Now())
			}
		}()
	}
	return nil
}

// part is one stretch of a way.
type part struct {
	name string
	took time.Duration
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
