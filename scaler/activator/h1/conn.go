package h1

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/grammar"
	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// conn is a client's connection. One goroutine serves it.
type conn struct {
	server *Server
	in     *wire.Conn
	seat   *bounds.Seat
	peer   client
	idle   atomic.Bool
	watch  watch

	// Of one request after the other.
	x        life.Exchange
	req      request
	resp     response
	end      int // of the head, in the buffer
	out      []byte
	host     string
	deadline time.Time // of the start of the response
	cut      bool      // the pod did not take the whole request
	keep     bool      // the connection goes on
	wide     bool      // out may be larger than maxOut: there is room for it

	mu     sync.Mutex
	up     *wire.Conn // the pod's connection, while a request uses it; written by this goroutine
	killed bool
}

// maxOut is the size up to which the memory for writing is kept.
const maxOut = 16 << 10

// serve serves requests until the connection ends (false) or is net/http's
// (true).
func (c *conn) serve() (handOver bool) {
	defer func() {
		if p := recover(); p != nil {
			c.server.Logger.Error("request panicked", "panic", p, "stack", string(debug.Stack()))
			handOver = false
		}
	}()
	for fresh := true; ; fresh = false {
		var err error
		c.end, err = c.readHead()
		if fresh && bytes.HasPrefix(c.in.Buffered(), preface) {
			return true
		}
		if err == nil {
			err = c.req.parse(c.in.Buffered()[:c.end])
		}
		if !c.seat.Busy() {
			return false
		}
		if err != nil {
			return c.notServed(err)
		}
		if string(c.req.host) != c.host { // compares without making a string
			c.host = string(c.req.host)
		}
		c.keep, c.cut = !c.req.close, false
		c.server.Front.Serve(&c.x, c)
		if !c.keep {
			return false
		}
		c.in.Discard(c.end + int(c.req.length))
		if !c.watch.stop() {
			return false
		}
		if cap(c.out) > maxOut {
			c.out = nil
		}
		if c.in.Wide() {
			c.in.Shrink()
		}
	}
}

// notServed ends the connection, or hands it over if err says so.
func (c *conn) notServed(err error) (handOver bool) {
	var no *grammar.Refusal
	switch {
	case errors.As(err, &no):
		refuse(c.server.Front, c.in, c.out, answer.Refused(no))
	case errors.Is(err, wire.ErrNoRoom):
		c.crowded(answer.Large)
	}
	return errors.Is(err, errNotPlain)
}

// readHead waits for a request and returns the length of its head.
func (c *conn) readHead() (int, error) {
	next, began, skipped := 0, false, false
	for {
		b := c.in.Buffered()
		if !skipped && startsWithEmptyLine(b) {
			c.in.Discard(len(emptyLine))
			skipped = true
			continue
		}
		if len(b) > 0 {
			end, n, err := wholeHead(b, next)
			if err != nil || end > 0 {
				return end, err
			}
			next = n
			if !began {
				began = true
				c.in.ReadUntil(time.Now().Add(c.server.HeaderTimeout))
			}
		} else {
			c.idle.Store(true)
			now := time.Now()
			c.seat.Idle(now)
			c.in.ReadWithin(now, c.server.KeepAlive*9/10, c.server.KeepAlive)
			// Not while the server only leaves: a request may be on its way,
			// also on a connection that has just been made.
			if c.server.closing.Load() {
				return 0, life.ErrStopping
			}
		}
		err := c.in.Fill()
		c.idle.Store(false)
		if err != nil {
			return 0, err
		}
	}
}

// whole reports whether all of the request is buffered.
func (c *conn) whole() bool { return len(c.in.Buffered()) >= c.end+int(c.req.length) }

// readBody reads until the request is whole, for as long as bytes come: the
// longest pause between two is stall. The head is parsed again as it may have
// moved.
func (c *conn) readBody(stall time.Duration) error {
	var err error
	for err == nil && !c.whole() {
		c.in.ReadUntil(time.Now().Add(stall))
		err = c.in.Fill()
	}
	_ = c.req.parse(c.in.Buffered()[:c.end]) // as it was before
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return answer.ErrStalled
	case err != nil:
		return context.Canceled
	}
	return nil
}

// refuse answers what is not a request, with out for memory. The connection
// must be closed then.
func refuse(f *life.Front, in *wire.Conn, out []byte, a answer.Answer) {
	f.Refused(in.RemoteAddr().String(), a)
	if send(in, appendAnswer(out[:0], a.To(""), false, true)) {
		linger(in)
	}
}

// linger lets the client read the answer: closing while it still sends would
// make the kernel throw the answer away.
func linger(in *wire.Conn) {
	if half, ok := in.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	in.ReadUntil(time.Now().Add(life.Lingering))
	in.Discard(len(in.Buffered()))
	for in.Fill() == nil {
		in.Discard(len(in.Buffered()))
	}
}

// send writes to the client; false if it has gone.
func (c *conn) send(b []byte) bool { return send(c.in, b) }

func send(in *wire.Conn, b []byte) bool {
	_, err := deliver(in, b)
	return err == nil
}

// deliver writes to a client for as long as it takes bytes: it fails when none has
// moved for life.StreamIdle. Both codecs write by it.
func deliver(in *wire.Conn, b []byte) (n int, err error) {
	for n < len(b) {
		in.WriteWithin(time.Now(), life.StreamIdle)
		moved, err := in.Write(b[n:])
		if n += moved; err != nil && (moved == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return n, err
		}
	}
	return n, nil
}

// kill ends whatever the connection does. Any goroutine may call it.
func (c *conn) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed = true
	c.in.Close()
	if c.up != nil {
		c.up.Close()
	}
	c.watch.leave() // a request that waits for a pod must not
}

// use notes the pod's connection for kill; false if that was called.
func (c *conn) use(up *wire.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up = up
	return !c.killed
}
