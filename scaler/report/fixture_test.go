package report

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
)

var quiet = slog.New(slog.DiscardHandler)

// network is a net.Listener in memory, so that time is synctest's.
type network struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newNetwork() *network {
	return &network{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case n.conns <- theirs:
		return ours, nil
	case <-n.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

// autoscaler is a server that can be killed.
type autoscaler struct {
	*Server
	network *network
	http    *http.Server

	mu      sync.Mutex
	changed int
}

func startAutoscaler() *autoscaler {
	a := &autoscaler{network: newNetwork()}
	a.Server = &Server{
		Logger: quiet,
		Changed: func(Key) {
			a.mu.Lock()
			a.changed++
			a.mu.Unlock()
		},
	}
	a.http = &http.Server{Handler: a.Server}
	go a.http.Serve(a.network)
	return a
}

func (a *autoscaler) changes() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changed
}

// counters is what an activator would count.
type counters struct {
	mu      sync.Mutex
	samples map[Key]Sample
}

func (c *counters) set(s Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.samples == nil {
		c.samples = map[Key]Sample{}
	}
	c.samples[s.Key] = s
}

func (c *counters) each(yield func(Sample)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.samples {
		yield(s)
	}
}

// run starts a client whose lookups and dials are the test's.
func run(t *testing.T, c *counters, lookup func() ([]string, error), dial func(addr string) *network) (*Client, func()) {
	t.Helper()
	client := NewClient(Options{To: "autoscaler:1", Identity: "activator-1", Samples: c.each, Logger: quiet})
	client.lookup = func(context.Context, string) ([]string, error) { return lookup() }
	client.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return dial(addr).dial(ctx, network, addr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx) }()
	return client, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		client.http.CloseIdleConnections()
	}
}

func one(host string) func() ([]string, error) {
	return func() ([]string, error) { return []string{host}, nil }
}

var shop = Key{"default", "shop-1a2b3c4d"}
