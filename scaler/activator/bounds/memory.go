package bounds

import (
	"context"
	"sync"
)

// Memory is what one connection holds of the bytes. All methods may be called
// concurrently.
type Memory struct {
	pool *Pool

	mu   sync.Mutex
	app  App
	held int64
	over bool // the connection has ended
}

// For charges what is held, and what will be, to an app.
func (m *Memory) For(app App) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.app != app && m.held > 0 {
		m.pool.Give(m.app, m.held)
		m.pool.Force(app, m.held)
	}
	m.app = app
}

// More takes n bytes, or none if the app's share has no room for them.
func (m *Memory) More(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over || !m.pool.TryTake(m.app, int64(n)) {
		return false
	}
	m.held += int64(n)
	return true
}

// Wait takes n bytes as soon as the app's share has room for them; an error is
// the cause of ctx's end.
func (m *Memory) Wait(ctx context.Context, n int) error {
	m.mu.Lock()
	app := m.app
	m.mu.Unlock()
	if err := m.pool.Take(ctx, app, int64(n)); err != nil {
		return err
	}
	m.note(n)
	return nil
}

// Need takes n bytes without which what was begun cannot go on.
func (m *Memory) Need(n int) {
	m.mu.Lock()
	app := m.app
	m.mu.Unlock()
	m.pool.Force(app, int64(n))
	m.note(n)
}

// note adds bytes that were taken.
func (m *Memory) note(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held += int64(n)
	if m.over {
		m.give(m.held)
	}
}

// Less gives n bytes back.
func (m *Memory) Less(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.give(min(int64(n), m.held))
}

// Free gives everything back, for good.
func (m *Memory) Free() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
	m.give(m.held)
}

func (m *Memory) give(n int64) {
	m.held -= n
	m.pool.Give(m.app, n)
}
