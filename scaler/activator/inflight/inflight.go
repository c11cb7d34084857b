// Package inflight knows the requests that run, upgraded connections
// included, so that a process that ends can give each its grace and then wait
// for all of them.
package inflight

import (
	"context"
	"sync"
	"time"

	"github.com/headway-dev/headway/scaler/activator/list"
)

// Set holds the requests in flight. The zero value is ready to use. Entering
// and leaving take constant time and allocate nothing.
type Set struct {
	mu       sync.Mutex
	members  list.List[*Member]
	draining bool
	empty    chan struct{} // closed when draining and empty
}

// Member is one request. It can be used again after it has left.
type Member struct {
	// Cancel ends the request. It may be called in any goroutine, and after
	// the request has left.
	Cancel func()

	grace time.Duration
	timer *time.Timer
	place list.Node[*Member]
}

// Enter adds m, which must not be in a set. When the set drains, m is
// cancelled after grace unless it has left before.
func (s *Set) Enter(m *Member, grace time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.grace, m.place.Value = grace, m
	s.members.PushFront(&m.place)
	if s.draining {
		m.timer = time.AfterFunc(grace, m.Cancel)
	}
}

// Leave removes m.
func (s *Set) Leave(m *Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members.Remove(&m.place)
	if m.timer != nil {
		m.timer.Stop()
		m.timer = nil
	}
	s.signal()
}

// signal ends Drain. Members may still enter and leave afterwards.
func (s *Set) signal() {
	if s.draining && s.members.Len() == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// Len is the number of members.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members.Len()
}

// Drain starts the grace of every member, and returns when all have left or
// ctx ends.
func (s *Set) Drain(ctx context.Context) error {
	empty := s.drain()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Set) drain() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.draining = true
		for at := s.members.First(); at != nil; at = at.Next() {
			m := at.Value
			m.timer = time.AfterFunc(m.grace, m.Cancel)
		}
	}
	empty := make(chan struct{})
	s.empty = empty
	s.signal()
	return empty
}
