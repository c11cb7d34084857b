package activator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/h1"
	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/proxy"
)

// front serves the connections of one kind of client.
type front struct {
	plain *h1.Server   // plain HTTP/1.1: nearly everything
	http  *http.Server // the rest
	rest  *handedOver

	mu        sync.Mutex
	listeners []net.Listener
	conns     sync.WaitGroup
}

func newFront(shared *life.Front, logger *slog.Logger) *front {
	f := &front{rest: newHandedOver()}
	f.plain = &h1.Server{
		Front: shared, Logger: logger, HandOver: f.rest.give, HeaderTimeout: headerTimeout, KeepAlive: keepAlive,
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	f.http = &http.Server{
		Handler:     proxy.New(shared, logger),
		ConnContext: proxy.WithConn,
		ConnState:   h1.Track,
		Protocols:   protocols,
		// Without this net/http would answer OPTIONS * itself, for any host.
		DisableGeneralOptionsHandler: true,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReceiveBufferPerConnection: bounds.Window, MaxReceiveBufferPerStream: bounds.Window,
		},
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       keepAlive,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	return f
}

func (f *front) serve(l net.Listener) error {
	f.mu.Lock()
	f.listeners = append(f.listeners, l)
	f.mu.Unlock()
	served := make(chan error, 1)
	go func() { served <- f.http.Serve(f.rest) }()
	err := f.accept(l)
	if restErr := <-served; !errors.Is(restErr, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", l.Addr(), restErr)
	}
	return err
}

func (f *front) accept(l net.Listener) error {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			f.conns.Go(func() { f.plain.ServeConn(conn) })
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ECONNABORTED):
			time.Sleep(acceptPause) // until connections end
		default:
			f.close()
			return fmt.Errorf("accepting on %s: %w", l.Addr(), err)
		}
	}
}

// acceptPause is how long no connection is accepted when the process has no
// file descriptor left.
const acceptPause = 5 * time.Millisecond

// drain closes the listeners and connections without a request.
func (f *front) drain(ctx context.Context) error {
	f.closeListeners()
	f.plain.CloseIdle()
	return f.http.Shutdown(ctx)
}

// close ends everything at once.
func (f *front) close() {
	f.closeListeners()
	_ = f.http.Close() // the sockets are all that is left of it
	f.plain.Close()
	f.conns.Wait()
}

func (f *front) closeListeners() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.listeners {
		_ = l.Close() // a second time is fine
	}
}
