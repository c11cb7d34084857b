package proxy

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/headway-dev/headway/scaler/activator/wire"
)

type connKey struct{}

// WithConn is the ConnContext of the http.Server that serves a Handler.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// departure notices that the client of one request goes away. net/http does so
// only for a request whose body was read, and behind which nothing was sent.
type departure struct {
	clients *wire.Watcher
	conn    net.Conn // nil: HTTP/2, whose connection is always read
	gone    func()

	mu    sync.Mutex
	watch *wire.Watch
	over  bool
}

func newDeparture(clients *wire.Watcher, r *http.Request, gone func()) *departure {
	l := &departure{clients: clients, gone: gone}
	if r.ProtoMajor == 1 {
		l.conn, _ = r.Context().Value(connKey{}).(net.Conn)
	}
	return l
}

// start begins to watch, unless that has begun or is over.
func (l *departure) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil && l.watch == nil && !l.over {
		l.watch = l.clients.Watch(l.conn, l.gone)
	}
}

// stop ends the watch. gone is not called after it.
func (l *departure) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.watch != nil {
		l.watch.Stop()
		l.watch = nil
	}
}
