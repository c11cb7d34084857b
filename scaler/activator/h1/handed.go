package h1

import (
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/grammar"
	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// handed is a connection that net/http serves. What it reads has been looked
// at here: the head of every request by the same rules as on the hot path, and
// chunked bodies, which are written anew. So net/http cannot understand other
// requests than this package does.
//
//	state      gives net/http                      then
//	atHead     a head that was checked             inBody or inChunks
//	inBody     as many bytes as the length says    atHead
//	inChunks   chunks of our own                   atHead
//	otherProtocol  what comes: HTTP/2, an upgrade
//
// The first byte of a head is given as soon as it is there, the others when all
// are: while a request runs net/http reads one byte to see whether the client
// goes away, and must not get an error if a bad request follows.
type handed struct {
	net.Conn
	in            *wire.Conn
	seat          *bounds.Seat
	front         *life.Front
	headerTimeout time.Duration

	state  handedState
	free   bool // an upgraded connection, which nothing ends
	req    request
	lent   int    // bytes of the next head that were given already
	ready  int    // bytes that are buffered and can be given
	left   int64  // of the body
	chunks chunks // of a body in chunks
	out    []byte // of it, to be given
	fault  error  // ends the connection
}

type handedState uint8

const (
	atHead handedState = iota
	inBody
	inChunks
	otherProtocol
)

// Read implements net.Conn.
func (h *handed) Read(b []byte) (int, error) {
	for {
		switch {
		case len(h.out) > 0:
			n := copy(b, h.out)
			h.out = h.out[n:]
			return n, nil
		case h.ready > 0:
			n := copy(b, h.in.Buffered()[:h.ready])
			h.in.Discard(n)
			h.ready -= n
			return n, nil
		case h.fault != nil:
			return 0, h.fault
		case h.state == otherProtocol:
			return h.in.Take(b)
		case h.state == inBody && h.left > 0:
			n, err := h.in.Take(b[:min(int64(len(b)), h.left)])
			h.left -= int64(n)
			return n, err
		case h.state == inChunks && h.chunks.state != done:
			if err := h.moreChunks(); err != nil {
				return 0, err
			}
		case h.lent == 0:
			return h.lend(b)
		default:
			if err := h.nextHead(); err != nil {
				return 0, err
			}
		}
	}
}

// moreChunks makes h.out of what is buffered, or reads more.
func (h *handed) moreChunks() error {
	var taken int
	var err error
	h.out, taken, err = h.chunks.step(h.out[:0], h.in.Buffered())
	h.in.Discard(taken)
	if err != nil {
		// An error would tell net/http that the client has gone, and the
		// client would get no answer.
		h.out, h.fault = append(h.out, malformed...), err
		return nil
	}
	if len(h.out) > 0 || h.chunks.state == done {
		return nil
	}
	if h.chunks.left > wide && len(h.in.Buffered()) == 0 {
		h.in.Widen()
	}
	return h.in.Fill()
}

// malformed is neither a chunk size nor a trailer.
const malformed = ":\r\n\r\n"

// lend gives the first byte of the next head.
func (h *handed) lend(b []byte) (int, error) {
	h.out = nil
	h.in.Shrink()
	for skipped := h.req.has[upgrade]; ; { // what follows an upgrade may not be HTTP
		in := h.in.Buffered()
		switch {
		case len(in) == 0, !skipped && len(in) == 1 && in[0] == '\r':
			if err := h.in.Fill(); err != nil {
				return 0, err
			}
		case !skipped && startsWithEmptyLine(in):
			h.in.Discard(len(emptyLine))
			skipped = true
		default:
			b[0], h.lent = in[0], 1
			return 1, nil
		}
	}
}

// nextHead reads the rest of a head. A bad one is answered here: net/http asks
// for it only when the response before it has been sent.
func (h *handed) nextHead() error {
	next, began := 0, false
	for {
		end, n, err := wholeHead(h.in.Buffered(), next)
		if err == nil && end > 0 {
			if err = h.req.parse(h.in.Buffered()[:end]); err == nil || errors.Is(err, errNotPlain) {
				h.begin(end)
				return nil
			}
		}
		var no *grammar.Refusal
		if errors.As(err, &no) {
			refuse(h.front, h.in, nil, answer.Refused(no))
			h.fault = &net.OpError{Op: "read", Err: no} // net/http says no more
			return nil
		}
		if next = n; !began {
			began = true
			h.in.ReadUntil(time.Now().Add(h.headerTimeout))
		}
		if err := h.in.Fill(); err != nil {
			if errors.Is(err, wire.ErrNoRoom) {
				refuse(h.front, h.in, nil, answer.Large)
			}
			return err
		}
	}
}

// begin gives out the head that ends at end, and expects its body.
func (h *handed) begin(end int) {
	h.in.Discard(h.lent)
	h.ready, h.lent = end-h.lent, 0
	h.state, h.left = inBody, h.req.length
	if h.req.chunked {
		h.state, h.chunks = inChunks, chunks{strict: true}
	}
}

// EndHTTP makes the connection one of another protocol: what net/http has not read of
// it is given as it came, and no time ends it.
func (h *handed) EndHTTP() {
	h.in.Discard(h.lent)
	h.state, h.lent, h.free = otherProtocol, 0, true
	h.in.WriteUntil(time.Time{})
}

// Write implements net.Conn.
func (h *handed) Write(b []byte) (int, error) {
	if h.free {
		return h.in.Write(b)
	}
	return deliver(h.in, b)
}

// Close implements net.Conn.
func (h *handed) Close() error {
	err := h.Conn.Close()
	h.seat.Leave()
	return err
}

// Seat is the connection's place among all others.
func (h *handed) Seat() *bounds.Seat { return h.seat }

// Track is the ConnState of the http.Server that serves what was handed over.
func Track(c net.Conn, state http.ConnState) {
	h, ok := c.(*handed)
	switch {
	case !ok:
	case state == http.StateIdle:
		h.seat.Idle(time.Now())
	case state == http.StateActive:
		h.seat.Busy() // one that was ended finds that out by itself
	}
}

// SyscallConn lets the kernel be asked about the connection.
func (h *handed) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := h.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, syscall.EINVAL
}

// CloseWrite ends one direction of an upgraded connection.
func (h *handed) CloseWrite() error {
	if half, ok := h.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return h.Close()
}
