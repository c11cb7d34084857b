package activator

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/inflight"
	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/mirror"
	"github.com/headway-dev/headway/scaler/activator/proxy"
	"github.com/headway-dev/headway/scaler/activator/stats"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/activator/trace"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

const (
	// maxHeaderBytes of a request; Node.js allows 16 KiB, Go 1 MiB.
	maxHeaderBytes = 64 << 10
	// headerTimeout is from the first byte of a request to the end of its
	// head: a slow client must not hold a connection for nothing.
	headerTimeout = 10 * time.Second
	// keepAlive is above the 60 s that common load balancers keep idle
	// connections for, so that they close first and never run into a closing
	// one.
	keepAlive = 75 * time.Second
	// maxStreams of one HTTP/2 connection. A gRPC client puts all its calls
	// on one.
	maxStreams = 1000
)

// Server is the data path: everything between a listener and the pods. It
// needs no Kubernetes.
type Server struct {
	public   *front
	peers    *front // requests that other activators send on
	running  inflight.Set
	clients  wire.Watcher
	draining atomic.Bool
	answers  *stats.OwnAnswers
	budget   *bounds.Budget
	mirror   *mirror.Mirror
}

// NewServer builds the whole handler chain. Production, tests and the fuzz
// tests all use this one. A nil tracer is tracing that is off.
func NewServer(tables *atomic.Pointer[table.Table], tracer *trace.Tracer, access *accesslog.Log, logger *slog.Logger) *Server {
	return newServer(tables, tracer, access, logger, bounds.New())
}

func newServer(
	tables *atomic.Pointer[table.Table], tracer *trace.Tracer, access *accesslog.Log, logger *slog.Logger, budget *bounds.Budget,
) *Server {
	s := &Server{answers: stats.NewOwnAnswers(), budget: budget, mirror: mirror.New(proxy.SendCopy, logger)}
	shared := life.Front{
		Tables: tables, Running: &s.running, Clients: &s.clients, Access: access, Answers: s.answers, Tracer: tracer, Draining: &s.draining,
		Mirror: s.mirror, Budget: s.budget,
	}
	peers := shared
	peers.Peers = true
	s.public, s.peers = newFront(&shared, logger), newFront(&peers, logger)
	return s
}

// Serve accepts connections of clients from l until Drain or Close.
func (s *Server) Serve(l net.Listener) error { return s.public.serve(l) }

// ServePeers accepts connections of other activators from l until Drain or
// Close.
func (s *Server) ServePeers(l net.Listener) error { return s.peers.serve(l) }

// Leave makes every response from now on end its connection.
func (s *Server) Leave() { s.draining.Store(true) }

// Drain closes the listeners and waits for the requests in flight and for
// upgraded connections. Each gets the timeout of its revision as grace.
func (s *Server) Drain(ctx context.Context) error {
	s.Leave()
	var g errgroup.Group
	g.Go(func() error { return s.running.Drain(ctx) })
	g.Go(func() error { return s.public.drain(ctx) })
	g.Go(func() error { return s.peers.drain(ctx) })
	err := g.Wait()
	s.Close()
	if err != nil {
		return fmt.Errorf("waiting for requests in flight: %w", err)
	}
	return nil
}

// Close ends everything at once.
func (s *Server) Close() {
	s.Leave()
	s.public.close()
	s.peers.close()
	s.clients.Close()
	s.mirror.Close()
}
