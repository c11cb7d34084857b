// Package inflight knows the requests that run, upgraded connections
// included, so that a process that ends can give each its grace and then wait
// for all of them.
package inflight

import (
	"context"
	"sync"
	"time"
)

// Set holds the requests in flight. The zero value is ready to use.
type Set struct {
	mu       sync.Mutex
	members  map[*Member]struct{}
	draining bool
	empty    chan struct{} // closed when draining and empty
}

// Member is one request, or one connection with its requests.
type Member struct {
	set    *Set
	cancel func()
	grace  time.Duration
	timer  *time.Timer
}

// Enter adds a request. When the set drains, cancel is called after grace
// unless the member has left before.
func (s *Set) Enter(grace time.Duration, cancel func()) *Member {
	m := &Member{set: s, cancel: cancel, grace: grace}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.members == nil {
		s.members = map[*Member]struct{}{}
	}
	s.members[m] = struct{}{}
	if s.draining {
		m.timer = time.AfterFunc(grace, cancel)
	}
	return m
}

// Leave removes the request. Further calls do nothing.
func (m *Member) Leave() {
	s := m.set
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, in := s.members[m]; !in {
		return
	}
	delete(s.members, m)
	if m.timer != nil {
		m.timer.Stop()
	}
	s.signal()
}

func (s *Set) signal() {
	if s.draining && len(s.members) == 0 {
		select {
		case <-s.empty:
		default:
			close(s.empty)
		}
	}
}

// Len is the number of members.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.members)
}

// Drain starts the grace of every member, and returns when all have left or
// ctx ends.
func (s *Set) Drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		s.empty = make(chan struct{})
		for m := range s.members {
			m.timer = time.AfterFunc(m.grace, m.cancel)
		}
		s.signal()
	}
	s.mu.Unlock()
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
