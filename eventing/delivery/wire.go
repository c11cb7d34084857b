package delivery

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// maxIdle is how many connections to one address are kept for the next request, and
	// idleFor for how long.
	maxIdle = 512
	idleFor = 30 * time.Second
	// maxHeader is the longest header of an answer, in bytes.
	maxHeader = 64 << 10
	// maxWire is the largest body that wire sends.
	maxWire = 64 << 10
)

// wire sends requests with small bodies over HTTP/1.1 without TLS, which all deliveries
// to apps are: the goroutine of the request writes it and reads the answer itself. A
// http.Transport has two more for each connection, and handing over to them costs as
// much as all the rest of a delivery. Whatever else there is goes to that.
//
// A request is sent once: one that may have arrived is not sent again.
type wire struct {
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	other *http.Transport

	mu    sync.Mutex
	idle  map[string][]*wireConn // by address, the newest last
	sweep *time.Timer            // nil: nothing is idle
}

// wireConn is a connection with one request at a time.
type wireConn struct {
	net.Conn
	wire    *wire
	address string
	limit   io.LimitedReader // of what is read
	in      *bufio.Reader
	out     *bufio.Writer
	since   time.Time // idle
}

// RoundTrip is that of http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "http" || r.ContentLength < 0 || r.ContentLength > maxWire || strings.ContainsFunc(r.URL.Host, func(c rune) bool { return c > '~' }) {
		return w.other.RoundTrip(r)
	}
	if r.Body != nil {
		defer r.Body.Close()
	}
	c, err := w.connect(r.Context(), r.URL.Host, r.URL.Port())
	if err != nil {
		return nil, err
	}
	// A deadline is set only when the request has ended, and the connection ends with it.
	stop := context.AfterFunc(r.Context(), func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	answer, err := c.exchange(r)
	if err != nil {
		stop()
		_ = c.Close()
		return nil, cause(r.Context(), err)
	}
	body := &wireBody{ReadCloser: answer.Body, conn: c, ctx: r.Context(), stop: stop, reuse: !answer.Close && answer.StatusCode != http.StatusSwitchingProtocols}
	if answer.Body == http.NoBody {
		body.end(true)
	} else {
		answer.Body = body
	}
	return answer, nil
}

// cause is why there is no answer: the end of the request, if that came first.
func cause(ctx context.Context, err error) error {
	switch ended := ctx.Err(); {
	case ended != nil:
		return ended
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection was closed without an answer")
	}
	return err
}

// exchange sends a request and reads the header of its answer. That may come before
// all of the request was taken.
func (c *wireConn) exchange(r *http.Request) (*http.Response, error) {
	unsent := r.Write(c.out)
	if unsent == nil {
		unsent = c.out.Flush()
	}
	for {
		c.limit.N = maxHeader
		answer, err := http.ReadResponse(c.in, r)
		switch {
		case err == nil:
		case unsent != nil:
			return nil, unsent
		case c.limit.N <= 0:
			return nil, errors.New("the header of the answer is too long")
		default:
			return nil, err
		}
		if answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			c.limit.N = math.MaxInt64
			answer.Close = answer.Close || unsent != nil
			return answer, nil
		}
	}
}

// connect returns a connection that is idle, or makes one.
func (w *wire) connect(ctx context.Context, host, port string) (*wireConn, error) {
	if port == "" {
		host = net.JoinHostPort(trimBrackets(host), "80")
	}
	for {
		c := w.take(host)
		if c == nil {
			break
		}
		if c.alive() {
			return c, nil
		}
		_ = c.Close()
	}
	conn, err := w.dial(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	c := &wireConn{Conn: conn, wire: w, address: host, limit: io.LimitedReader{R: conn}, out: bufio.NewWriter(conn)}
	c.in = bufio.NewReader(&c.limit)
	return c, nil
}

func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}

// alive reports whether the other side has neither closed the connection nor said
// anything since the last answer.
func (c *wireConn) alive() bool {
	if c.in.Buffered() > 0 || time.Since(c.since) > idleFor {
		return false
	}
	conn, ok := c.Conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	silent := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && silent
}

// take takes the newest idle connection to an address; nil: there is none.
func (w *wire) take(address string) *wireConn {
	w.mu.Lock()
	defer w.mu.Unlock()
	idle := w.idle[address]
	if len(idle) == 0 {
		return nil
	}
	c := idle[len(idle)-1]
	idle[len(idle)-1] = nil
	w.idle[address] = idle[:len(idle)-1]
	return c
}

// put keeps a connection for the next request.
func (w *wire) put(c *wireConn) {
	c.since = time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.idle[c.address]) >= maxIdle {
		_ = c.Close()
		return
	}
	if w.idle == nil {
		w.idle = map[string][]*wireConn{}
	}
	w.idle[c.address] = append(w.idle[c.address], c)
	if w.sweep == nil {
		w.sweep = time.AfterFunc(idleFor, func() { w.closeIdle(time.Now().Add(-idleFor)) })
	}
}

// closeIdle closes connections that are idle since a time or longer.
func (w *wire) closeIdle(since time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for address, idle := range w.idle {
		n := 0
		for n < len(idle) && !idle[n].since.After(since) {
			_ = idle[n].Close()
			n++
		}
		if w.idle[address] = append([]*wireConn(nil), idle[n:]...); n == len(idle) {
			delete(w.idle, address)
		}
	}
	if w.sweep != nil {
		w.sweep.Stop()
	}
	if w.sweep = nil; len(w.idle) > 0 {
		w.sweep = time.AfterFunc(idleFor, func() { w.closeIdle(time.Now().Add(-idleFor)) })
	}
}

// CloseIdleConnections is what http.Client calls.
func (w *wire) CloseIdleConnections() {
	w.closeIdle(time.Now())
	w.other.CloseIdleConnections()
}

// wireBody is the body of an answer. Read to its end, it leaves the connection to the
// next request.
type wireBody struct {
	io.ReadCloser
	conn  *wireConn
	ctx   context.Context // of the request
	stop  func() bool     // of what happens when that ends
	reuse bool
	ended bool
}

func (b *wireBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		b.end(true)
	default:
		b.end(false)
		err = cause(b.ctx, err)
	}
	return n, err
}

// Close ends an answer that was not read to its end, and the connection with it.
func (b *wireBody) Close() error {
	b.end(false)
	return nil
}

func (b *wireBody) end(whole bool) {
	if b.ended {
		return
	}
	b.ended = true
	// Where the request has ended meanwhile, a deadline is about to be set.
	if running := b.stop(); running && whole && b.reuse {
		b.conn.wire.put(b.conn)
		return
	}
	_ = b.conn.Close()
}
