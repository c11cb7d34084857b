package h1

import (
	"errors"
	"io"
	"time"

	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// wide is the rest of a body from which on it is read in larger pieces.
const wide = 32 << 10

// copyBody sends the response with its body. delivered is whether the client
// got all of it, complete whether the pod has sent all of it.
func (c *conn) copyBody(up *wire.Conn, close bool) (delivered, complete bool) {
	c.out = appendResponse(c.out[:0], &c.resp, close)
	switch c.resp.framing {
	case byLength:
		return c.copyLength(up)
	case byChunks:
		return c.copyChunks(up)
	case byClose:
		return c.copyUntilClose(up)
	}
	return c.send(c.out), true
}

// take moves up to n buffered bytes of the pod into c.out.
func (c *conn) take(up *wire.Conn, n int64) int64 {
	b := up.Buffered()
	b = b[:min(int64(len(b)), n)]
	c.out = append(c.out, b...)
	up.Discard(len(b))
	c.x.Bytes += int64(len(b))
	return int64(len(b))
}

func (c *conn) copyLength(up *wire.Conn) (delivered, complete bool) {
	left := c.resp.length
	left -= c.take(up, left)
	for {
		if !c.send(c.out) {
			return false, left == 0
		}
		if left == 0 {
			return true, true
		}
		if left > wide {
			c.widen(up)
		}
		if err := c.more(up); err != nil {
			return false, false
		}
		c.out = c.out[:0]
		left -= c.take(up, left)
	}
}

func (c *conn) copyChunks(up *wire.Conn) (delivered, complete bool) {
	var body chunks
	for {
		var taken int
		var err error
		c.out, taken, err = body.step(c.out, up.Buffered())
		up.Discard(taken)
		c.x.Bytes = body.bytes
		if !c.send(c.out) || err != nil {
			return false, false
		}
		if body.state == done {
			return true, true
		}
		if body.state == data && body.left > wide && len(up.Buffered()) == 0 {
			c.widen(up)
		}
		if err := c.more(up); err != nil {
			return false, false
		}
		c.out = c.out[:0]
	}
}

// copyUntilClose sends a body whose end is the end of the connection. The
// client gets chunks: its connection goes on, and it can tell a whole body
// from one that broke off.
func (c *conn) copyUntilClose(up *wire.Conn) (delivered, complete bool) {
	for {
		if b := up.Buffered(); len(b) > 0 {
			c.out = appendChunk(c.out, b)
			c.x.Bytes += int64(len(b))
			up.Discard(len(b))
		}
		if !c.send(c.out) {
			return false, false
		}
		c.widen(up)
		switch err := c.more(up); {
		case errors.Is(err, io.EOF):
			return c.send([]byte("0\r\n\r\n")), true
		case err != nil:
			return false, false
		}
		c.out = c.out[:0]
	}
}

// more reads more of the body.
func (c *conn) more(up *wire.Conn) error {
	now := time.Now()
	return c.fill(up, now, now.Add(life.StreamIdle), life.ErrIdle)
}
