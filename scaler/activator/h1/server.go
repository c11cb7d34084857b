package h1

import (
	"bytes"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// Server serves connections.
type Server struct {
	// Front is what the requests share.
	Front  *life.Front
	Logger *slog.Logger
	// HandOver takes a connection whose next request is not plain. What was
	// read of it is read again.
	HandOver func(net.Conn)
	// HeaderTimeout is from the first byte of a request to the end of its
	// head, KeepAlive how long a connection may be idle.
	HeaderTimeout, KeepAlive time.Duration

	mu      sync.Mutex
	conns   map[*conn]struct{}
	closing atomic.Bool // written under mu
}

// ServeConn serves nc until it ends or is handed over.
func (s *Server) ServeConn(nc net.Conn) {
	c := newConn(s, nc)
	if c.seat = s.Front.Budget.Conns.Enter(func() { _ = nc.Close() }); c.seat == nil {
		c.crowded(answer.Crowded)
		nc.Close()
		return
	}
	c.in.Charge(c.seat.Memory)
	handOver := false
	if s.add(c) {
		handOver = c.serve()
		c.watch.stop()
		s.remove(c)
	}
	if !handOver || !s.handOver(c, nc) {
		c.in.Discard(len(c.in.Buffered()))
		c.in.Shrink()
		nc.Close()
		c.seat.Leave()
	}
}

// handOver gives a connection to net/http; false if there is no room for what it
// costs there.
func (s *Server) handOver(c *conn, nc net.Conn) bool {
	h := &handed{Conn: nc, in: c.in, seat: c.seat, front: s.Front, headerTimeout: s.HeaderTimeout}
	weight := int64(bounds.NetHTTP)
	if bytes.HasPrefix(c.in.Buffered(), preface) {
		weight, h.state = bounds.HTTP2, otherProtocol
	}
	if !c.seat.Busy() {
		return false
	}
	if !c.seat.Weigh(weight) {
		if weight == bounds.NetHTTP {
			c.crowded(answer.Crowded)
		}
		return false
	}
	c.in.ReadUntil(time.Time{})
	c.in.WriteUntil(time.Time{})
	s.HandOver(h)
	return true
}

// crowded answers a request that there is no room for. Its connection must be
// closed then, and nobody waits until the client has read the answer: there may
// be many like it.
func (c *conn) crowded(a answer.Answer) {
	c.server.Front.Refused(c.peer.addr, a)
	c.in.WriteWithin(time.Now(), time.Second) // the kernel takes it at once
	_, _ = c.in.Write(appendAnswer(c.out[:0], a.To(""), false, true))
	if half, ok := c.in.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if s.conns == nil {
		s.conns = map[*conn]struct{}{}
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// CloseIdle closes every connection that has no request, now and from now on.
// Front.Draining must be set before.
func (s *Server) CloseIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	for c := range s.conns {
		if c.idle.Load() {
			_ = c.in.SetReadDeadline(past) // wakes it up, and it sees that the server closes
		}
	}
}

// Close ends every connection at once.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	for c := range s.conns {
		c.kill()
	}
}

var past = time.Unix(1, 0)

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, in: wire.New(nc)}
	c.peer.addr = nc.RemoteAddr().String()
	c.peer.ip = c.peer.addr
	if host, _, err := net.SplitHostPort(c.peer.addr); err == nil {
		c.peer.ip = host
	}
	c.peer.forwarded = "for=" + c.peer.ip
	if ip := net.ParseIP(c.peer.ip); ip != nil && ip.To4() == nil {
		c.peer.forwarded = `for="[` + c.peer.ip + `]"`
	}
	c.x.Member.Cancel = c.kill
	return c
}
