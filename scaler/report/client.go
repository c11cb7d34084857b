package report

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// lookupEvery is how often the addresses of the other side are asked for.
	lookupEvery = 2 * time.Second
	// firstBackoff and lastBackoff bound the pause between two tries.
	firstBackoff, lastBackoff = 50 * time.Millisecond, time.Second
)

// Options of a Client.
type Options struct {
	// To is host:port; a stream goes to each address of the host.
	To string
	// Identity of this activator, unique in the cluster.
	Identity string
	// TokenFile holds the bearer token; it is read for each stream. Empty: no
	// token is sent.
	TokenFile string
	// Samples calls yield for each revision there is.
	Samples func(yield func(Sample))
	Logger  *slog.Logger
}

// Client is the activator's side.
type Client struct {
	options Options
	http    *http.Client
	lookup  func(ctx context.Context, host string) ([]string, error)

	mu      sync.Mutex
	streams map[string]*outgoing // by address
}

// outgoing is the stream to one address, open or about to be.
type outgoing struct {
	edge   chan struct{} // capacity 1
	cancel context.CancelFunc
}

// NewClient makes a client. Run it.
func NewClient(o Options) *Client {
	dialer := net.Dialer{Timeout: time.Second}
	return &Client{
		options: o,
		lookup:  net.DefaultResolver.LookupHost,
		streams: map[string]*outgoing{},
		http: &http.Client{Transport: &http.Transport{
			DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true,
		}},
	}
}

// Edge says that a request has begun to wait where none did. It is told at
// once. It never blocks.
func (c *Client) Edge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		select {
		case s.edge <- struct{}{}:
		default:
		}
	}
}

// Run keeps a stream to each address until ctx ends.
func (c *Client) Run(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.options.To)
	if err != nil {
		return fmt.Errorf("reading the address for reports: %w", err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	again := time.NewTicker(lookupEvery)
	defer again.Stop()
	for {
		// A name that cannot be looked up keeps its streams.
		if addrs, err := c.lookup(ctx, host); err == nil {
			c.follow(ctx, &running, addrs, port)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// follow opens streams to new addresses and ends those to addresses that are
// gone.
func (c *Client) follow(ctx context.Context, running *sync.WaitGroup, hosts []string, port string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for addr, s := range c.streams {
		if host, _, _ := net.SplitHostPort(addr); !slices.Contains(hosts, host) {
			s.cancel()
			delete(c.streams, addr)
		}
	}
	for _, host := range hosts {
		addr := net.JoinHostPort(host, port)
		if c.streams[addr] != nil {
			continue
		}
		s := &outgoing{edge: make(chan struct{}, 1)}
		var streamCtx context.Context
		streamCtx, s.cancel = context.WithCancel(ctx)
		c.streams[addr] = s
		running.Go(func() { c.keep(streamCtx, addr, s) })
	}
}

// keep opens the stream again and again.
func (c *Client) keep(ctx context.Context, addr string, s *outgoing) {
	defer s.cancel()
	backoff := firstBackoff
	for {
		began := time.Now()
		err := c.stream(ctx, addr, s.edge)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > silence {
			backoff = firstBackoff
		}
		if backoff == firstBackoff {
			c.options.Logger.Warn("stream of reports ended", "address", addr, "error", err)
		}
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			return
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

func (c *Client) token() (string, error) {
	if c.options.TokenFile == "" {
		return "", nil
	}
	token, err := os.ReadFile(c.options.TokenFile)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	return strings.TrimSpace(string(token)), nil
}
