package activator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/h1"
	"github.com/headway-dev/headway/scaler/activator/inflight"
	"github.com/headway-dev/headway/scaler/activator/proxy"
	"github.com/headway-dev/headway/scaler/activator/table"
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
	plain   *h1.Server   // plain HTTP/1.1: nearly everything
	http    *http.Server // the rest
	rest    *handedOver
	running inflight.Set
	leaving atomic.Bool

	mu        sync.Mutex
	listeners []net.Listener
	conns     sync.WaitGroup
}

// NewServer builds the whole handler chain. Production, tests and the fuzz
// tests all use this one.
func NewServer(tables *atomic.Pointer[table.Table], access *accesslog.Log, logger *slog.Logger) *Server {
	s := &Server{rest: newHandedOver()}
	s.plain = &h1.Server{
		Tables: tables, Running: &s.running, Access: access, Logger: logger, HandOver: s.rest.give,
		HeaderTimeout: headerTimeout, KeepAlive: keepAlive, Leaving: &s.leaving,
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{
		Handler:           s.sayGoodbye(proxy.New(tables, access, &s.running, logger)),
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       keepAlive,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	return s
}

// sayGoodbye asks clients to open their next connection elsewhere once the
// server is leaving. Closing idle connections instead would hit requests that
// are on their way.
func (s *Server) sayGoodbye(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Serve accepts connections from l until Drain or Close.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.rest) }()
	err := s.accept(l)
	if restErr := <-served; !errors.Is(restErr, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", l.Addr(), restErr)
	}
	return err
}

func (s *Server) accept(l net.Listener) error {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.conns.Go(func() { s.plain.ServeConn(conn) })
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ECONNABORTED):
			time.Sleep(acceptPause) // until connections end
		default:
			s.Close()
			return fmt.Errorf("accepting on %s: %w", l.Addr(), err)
		}
	}
}

// acceptPause is how long no connection is accepted when the process has no
// file descriptor left.
const acceptPause = 5 * time.Millisecond

// Leave makes every response from now on end its connection.
func (s *Server) Leave() { s.leaving.Store(true) }

// Drain closes the listeners and waits for the requests in flight and for
// upgraded connections. Each gets the timeout of its revision as grace.
func (s *Server) Drain(ctx context.Context) error {
	s.Leave()
	s.closeListeners()
	s.plain.CloseIdle()
	var g errgroup.Group
	g.Go(func() error { return s.running.Drain(ctx) })
	g.Go(func() error { return s.http.Shutdown(ctx) })
	if err := g.Wait(); err != nil {
		s.Close()
		return fmt.Errorf("waiting for requests in flight: %w", err)
	}
	s.Close()
	return nil
}

// Close ends everything at once.
func (s *Server) Close() {
	s.Leave()
	s.closeListeners()
	_ = s.http.Close() // the sockets are all that is left of it
	s.plain.Close()
	s.conns.Wait()
}

func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		_ = l.Close() // a second time is fine
	}
}
