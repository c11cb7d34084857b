package h1

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/headway-dev/headway/scaler/activator/wire"
)

// Checked is a connection to a pod on which net/http sends requests. The
// responses that it reads from it have been parsed here, by the same rules as
// on the hot path, and are written anew.
//
//	state      gives net/http                      then
//	awaiting   a head of our own                   one of the others, or awaiting after a 1xx
//	inLength   as many bytes as the length says    awaiting
//	inPieces   chunks of our own                   awaiting
//	untilEnd   what comes until the pod closes, or after an upgrade
type Checked struct {
	net.Conn
	in *wire.Conn

	// expected is the kind of the request that is on its way; written by the
	// goroutine that sends it.
	expected atomic.Uint32

	state  checkedState
	resp   response
	left   int64
	chunks chunks
	out    []byte // to be given
	next   []byte // memory for out
	fault  error  // ends the connection
}

type checkedState uint8

const (
	awaiting checkedState = iota
	inLength
	inPieces
	untilEnd
)

// What is expected.
const (
	aResponse = 1 << iota // any
	toHead
	toUpgrade
)

// Check makes conn a connection whose responses are checked.
func Check(conn net.Conn) *Checked { return &Checked{Conn: conn, in: wire.New(conn)} }

// NetConn returns the connection below, as that of crypto/tls does.
func (c *Checked) NetConn() net.Conn { return c.Conn }

// Expect announces a request. It must be called before each.
func (c *Checked) Expect(r *http.Request) {
	expected := uint32(aResponse)
	if r.Method == http.MethodHead {
		expected |= toHead
	}
	if r.Header.Get("Upgrade") != "" {
		expected |= toUpgrade
	}
	c.expected.Store(expected)
}

var errUnexpected = errors.New("the app sent a response to no request")

// Read implements net.Conn.
func (c *Checked) Read(b []byte) (int, error) {
	for {
		switch {
		case len(c.out) > 0:
			n := copy(b, c.out)
			c.out = c.out[n:]
			return n, nil
		case c.fault != nil:
			return 0, c.fault
		case c.state == untilEnd:
			return c.in.Take(b)
		case c.state == inLength && c.left > 0:
			n, err := c.in.Take(b[:min(int64(len(b)), c.left)])
			if c.left -= int64(n); c.left == 0 {
				c.finish()
			}
			return n, err
		case c.state == inPieces && c.chunks.state != done:
			if err := c.moreChunks(); err != nil {
				return 0, err
			}
		default:
			if err := c.head(); err != nil {
				return 0, err
			}
		}
	}
}

// moreChunks makes c.out of what is buffered, or reads more.
func (c *Checked) moreChunks() error {
	var taken int
	var err error
	c.next, taken, err = c.chunks.step(c.next[:0], c.in.Buffered())
	c.in.Discard(taken)
	c.out = c.next
	if err != nil {
		c.fault = err
		return nil // what came before it goes on first
	}
	if c.chunks.state == done {
		c.finish()
	}
	if len(c.out) > 0 || c.chunks.state == done {
		return nil
	}
	if c.chunks.left > wide && len(c.in.Buffered()) == 0 {
		c.in.Widen()
	}
	return c.in.Fill()
}

// finish is for the end of a response, before net/http hears of it and may send
// the next request: what is there already answers none.
func (c *Checked) finish() {
	if len(c.in.Buffered()) > 0 {
		c.fault = errUnexpected
	}
}

// head reads the head of a response and makes c.out of it.
func (c *Checked) head() error {
	c.in.Shrink()
	for next := 0; ; {
		b := c.in.Buffered()
		if len(b) > 0 && c.expected.Load() == 0 {
			c.fault = errUnexpected
			return nil
		}
		end := 0
		if end, next = responseEnd(b, next); end > 0 {
			c.fault = c.begin(b[:end], int64(len(b)-end))
			c.in.Discard(end)
			return nil
		}
		if len(b) > maxHead {
			c.fault = errResponse
			return nil
		}
		if err := c.in.Fill(); err != nil {
			return err
		}
	}
}

// begin gives out the head of a response, and expects its body. more is how
// many bytes behind the head are there already.
func (c *Checked) begin(head []byte, more int64) error {
	expected := c.expected.Load()
	r := &c.resp
	if err := r.parse(head, expected&toHead != 0, expected&toUpgrade != 0); err != nil {
		return err
	}
	switch {
	case r.status == http.StatusSwitchingProtocols:
		c.next = append(c.next[:0], head...) // with the fields that name the protocol
		c.out, c.state = c.next, untilEnd
		return nil
	case r.status < http.StatusOK:
		c.state = awaiting
	default:
		c.expected.Store(0)
		c.state, c.left = inLength, 0
		switch r.framing {
		case byLength:
			c.left = r.length
		case byChunks:
			c.state, c.chunks = inPieces, chunks{}
		case byClose:
			c.state = untilEnd
		}
		if c.state == inLength && more > c.left {
			r.reuse = false // so that net/http sends no other request
		}
	}
	r.trusted = true // package proxy knows whether it is
	c.next = appendHead(c.next[:0], r, r.framing == byChunks, !r.reuse && r.status >= http.StatusOK)
	c.out = c.next
	return nil
}

// CloseWrite ends one direction of an upgraded connection.
func (c *Checked) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
