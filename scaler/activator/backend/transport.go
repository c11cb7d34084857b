package backend

import (
	"context"
	"net"
	"net/http"
	"time"
)

const (
	// DialTimeout bounds a connection to a pod; a healthy one takes less than
	// a millisecond, and one lost packet costs a second.
	DialTimeout = 2 * time.Second
	// idleTimeout is below the 2 s after which gunicorn closes an idle
	// connection (Node.js and uvicorn: 5 s), so that requests do not run into
	// a closing one. A new connection inside a cluster costs 0.1 ms.
	idleTimeout = 1500 * time.Millisecond

	maxIdleConns = 1024
)

// Transport returns the pod's own HTTP transport; h2c asks for HTTP/2 without
// TLS. One transport per pod means that no connection outlives its pod, even
// if the pod's address is given to another. HTTP/1.1 is read and written
// through what check makes of a connection.
func (p *Pod) Transport(h2c bool, check func(net.Conn) net.Conn) http.RoundTripper {
	p.conns.Lock()
	defer p.conns.Unlock()
	t := &p.plain
	if h2c {
		t = &p.h2c
	}
	if *t == nil {
		*t = p.newTransport(h2c, check)
	}
	return *t
}

func (p *Pod) newTransport(h2c bool, check func(net.Conn) net.Conn) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!h2c)
	protocols.SetUnencryptedHTTP2(h2c)
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := p.dial(ctx, network, addr)
			if err == nil && !h2c {
				conn = check(newUpstream(conn))
			}
			return conn, err
		},
		Protocols:             protocols,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   maxIdleConns,
		IdleConnTimeout:       idleTimeout,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       16 << 10,
		ReadBufferSize:        16 << 10,
	}
}

func (p *Pod) transports() []*http.Transport {
	var out []*http.Transport
	for _, t := range []*http.Transport{p.plain, p.h2c} {
		if t != nil {
			out = append(out, t)
		}
	}
	return out
}

var dialer = net.Dialer{Timeout: DialTimeout, KeepAlive: 15 * time.Second}

func (p *Pod) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok && p.Peer {
		// The end of a request must not reach the keeper behind what is still
		// on its way of a body: it reads that only when it has a pod.
		_ = tcp.SetLinger(0)
	}
	if p.linger > 0 {
		conn = newLingering(conn, p.linger)
	}
	return conn, nil
}
