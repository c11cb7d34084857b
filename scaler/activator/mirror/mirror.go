// Package mirror sends copies of requests to a revision that users do not see
// yet, and throws its answers away.
//
// It promises that no request waits for its copy, that at most 64 copies are on
// their way, and that a fault of theirs stays here. It promises nobody a copy:
// one for which there is no place or no free pod is dropped. Requests that have
// a body, or that by their method may change something, have none.
package mirror

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/record"
)

// Header marks a copy; its value is 1. What a client sends in it is dropped.
const Header = "Headway-Mirror"

const (
	// most copies may be on their way.
	most = 64
	// longest is how long a copy may take, whatever the revision's timeout.
	longest = 30 * time.Second
)

// results are what headway_activator_mirrored_total counts apart.
const (
	answered = "answered"
	failed   = "failed" // the app did not answer, or not in time
	full     = "full"   // most were on their way
	noPod    = "no-pod" // none was free
)

// Copies reports whether requests with a method are copied.
func Copies(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// Send sends a request to the leased pod, releases the lease and throws the
// answer away.
type Send func(r *http.Request, rev *backend.Revision, lease backend.Lease) record.Outcome

// Mirror sends copies. It is a prometheus.Collector.
type Mirror struct {
	*prometheus.CounterVec
	send   Send
	logger *slog.Logger
	ctx    context.Context // ends what is on its way
	cancel context.CancelFunc

	mu     sync.Mutex
	flying int
	ended  sync.WaitGroup
}

// New makes a Mirror. Close it.
func New(send Send, logger *slog.Logger) *Mirror {
	m := &Mirror{send: send, logger: logger, CounterVec: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_activator_mirrored_total",
		Help: "Copies of requests by what became of them: answered, failed, full (too many are on their way), no-pod (none was free).",
	}, []string{"result"})}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Copy sends a copy to a revision if it can be done at once. request makes it,
// and is not called otherwise; nil is none to make.
func (m *Mirror) Copy(to *backend.Revision, request func() *http.Request) {
	if !m.enter() {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			m.panicked(p)
			m.leave(failed)
		}
	}()
	r := request()
	if r == nil {
		m.leave("")
		return
	}
	lease, ok := to.TryAcquire()
	if !ok {
		m.leave(noPod)
		return
	}
	r.Header.Set(Header, "1")
	go m.fly(r, to, lease)
}

// fly counts a copy like a request to a host of the revision itself.
func (m *Mirror) fly(r *http.Request, to *backend.Revision, lease backend.Lease) {
	result := failed
	defer func() {
		if p := recover(); p != nil {
			m.panicked(p)
		}
		m.leave(result)
	}()
	ctx, cancel := context.WithTimeout(m.ctx, min(to.Timeout, longest))
	defer cancel()
	to.Stats.Arrived(record.Direct, false)
	began := time.Now()
	o := m.send(r.WithContext(ctx), to, lease)
	o.Kind, o.Took = record.Direct, time.Since(began)
	to.Stats.Observe(o)
	if o.Own == "" {
		result = answered
	}
}

func (m *Mirror) enter() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() != nil {
		return false
	}
	if m.flying >= most {
		m.WithLabelValues(full).Inc()
		return false
	}
	m.flying++
	m.ended.Add(1)
	return true
}

func (m *Mirror) leave(result string) {
	if result != "" {
		m.WithLabelValues(result).Inc()
	}
	m.mu.Lock()
	m.flying--
	m.mu.Unlock()
	m.ended.Done()
}

func (m *Mirror) panicked(p any) {
	m.logger.Error("copy of a request panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

// Close ends the copies that are on their way. There are none afterwards.
func (m *Mirror) Close() {
	m.mu.Lock()
	m.cancel()
	m.mu.Unlock()
	m.ended.Wait()
}
