// Package wire is a network connection with a read buffer whose bytes can be
// looked at before they are taken, with deadlines that cost nothing while a
// connection is busy, and with the cheapest system calls.
package wire

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// Sizes of the read buffer. Small is what nearly every request head and small
// response fits into; the buffer grows to Max and no further.
const (
	Small = 8 << 10
	Large = 64 << 10
	Max   = 144 << 10
)

// ErrFull is returned by Fill when Max bytes are buffered.
var ErrFull = errors.New("read buffer is full")

// ErrNoRoom is returned by Fill when the buffer may not grow.
var ErrNoRoom = errors.New("there is no memory left for what was sent")

// Room decides whether buffers may be larger than Small.
type Room interface {
	// More asks for n bytes, and Less gives n back.
	More(n int) bool
	Less(n int)
}

// Conn is a connection with a read buffer. It is used by one goroutine, except
// that Read and Write may be called by two.
type Conn struct {
	net.Conn
	buf  []byte
	r, w int
	room Room // nil: there is no bound

	deadline time.Time // the read deadline that is set
	written  time.Time // the write deadline that is set

	raw raw
}

// New wraps conn.
func New(conn net.Conn) *Conn {
	c := &Conn{Conn: conn}
	c.open()
	return c
}

// Charge has a room asked before the buffer grows beyond Small, from now on; nil:
// nobody.
func (c *Conn) Charge(room Room) { c.room = room }

var (
	small = sync.Pool{New: func() any { return new([Small]byte) }}
	large = sync.Pool{New: func() any { return new([Large]byte) }}
)

// Buffered returns the bytes that were read and not discarded. They are valid
// until the next Fill or Shrink.
func (c *Conn) Buffered() []byte { return c.buf[c.r:c.w] }

// Discard takes n buffered bytes.
func (c *Conn) Discard(n int) {
	c.r += n
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
}

// Fill reads once, and appends to the buffered bytes.
func (c *Conn) Fill() error {
	if err := c.makeRoom(); err != nil {
		return err
	}
	n, err := c.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}

// Take moves buffered bytes to b, or reads once if there are none.
func (c *Conn) Take(b []byte) (int, error) {
	if c.r == c.w {
		c.Shrink()
		return c.Read(b)
	}
	n := copy(b, c.Buffered())
	c.Discard(n)
	return n, nil
}

func (c *Conn) makeRoom() error {
	switch {
	case c.buf == nil:
		c.buf = small.Get().(*[Small]byte)[:]
	case c.w < len(c.buf):
	case c.r > 0:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	case len(c.buf) >= Max:
		return ErrFull
	default:
		size := min(2*len(c.buf), Max)
		if c.room != nil && !c.room.More(size-len(c.buf)) {
			return ErrNoRoom
		}
		c.grow(size)
	}
	return nil
}

// Growth is how much larger the buffer has to be to hold n bytes.
func (c *Conn) Growth(n int) int { return sizeFor(n) - max(len(c.buf), Small) }

// Grow makes the buffer hold n bytes, at most Max. Growth must have been had from
// the room.
func (c *Conn) Grow(n int) {
	if size := sizeFor(n); size > len(c.buf) {
		c.grow(size)
	}
}

func sizeFor(n int) int {
	size := Small
	for size < min(n, Max) {
		size = min(2*size, Max)
	}
	return size
}

func (c *Conn) grow(size int) {
	old := c.buf
	c.buf = make([]byte, size)
	c.w = copy(c.buf, old[c.r:c.w])
	c.r = 0
	recycle(old)
}

// Cut takes n buffered bytes behind the first keep ones out, and memory that is
// not needed any more is given back.
func (c *Conn) Cut(keep, n int) {
	b := c.Buffered()
	rest := len(b) - n
	if rest > Small {
		c.w = c.r + keep + copy(b[keep:], b[keep+n:])
		return
	}
	fresh := small.Get().(*[Small]byte)[:]
	copy(fresh, b[:keep])
	copy(fresh[keep:], b[keep+n:])
	c.free()
	c.buf, c.w = fresh, rest
}

// Widen makes reads larger, for a body that is, if there is room. The buffer must
// be empty.
func (c *Conn) Widen() {
	if len(c.buf) < Large && (c.room == nil || c.room.More(Large-max(len(c.buf), Small))) {
		recycle(c.buf)
		c.buf = large.Get().(*[Large]byte)[:]
	}
}

// Shrink gives the buffer back if it is empty.
func (c *Conn) Shrink() {
	if c.r == c.w && c.buf != nil {
		c.free()
	}
}

func (c *Conn) free() {
	if c.room != nil && len(c.buf) > Small {
		c.room.Less(len(c.buf) - Small)
	}
	recycle(c.buf)
	c.buf, c.r, c.w = nil, 0, 0
}

// Wide reports whether the buffer is larger than one that is at hand.
func (c *Conn) Wide() bool { return len(c.buf) > Small }

func recycle(b []byte) {
	switch len(b) {
	case Small:
		small.Put((*[Small]byte)(b))
	case Large:
		large.Put((*[Large]byte)(b))
	}
}

// ReadWithin makes sure that a read ends between least and most from now. The
// deadline is only set anew when the one that stands does not do, which saves
// a lock and a timer on nearly every request.
func (c *Conn) ReadWithin(now time.Time, least, most time.Duration) {
	if left := c.deadline.Sub(now); left >= least && left <= most {
		return
	}
	c.deadline = now.Add(most)
	_ = c.SetReadDeadline(c.deadline) // fails on a closed connection, as the read will
}

// ReadUntil sets the read deadline; the zero time is none.
func (c *Conn) ReadUntil(t time.Time) {
	c.deadline = t
	_ = c.SetReadDeadline(t)
}

// WriteWithin makes sure that a write ends between half of most and most from
// now.
func (c *Conn) WriteWithin(now time.Time, most time.Duration) {
	if left := c.written.Sub(now); left >= most/2 && left <= most {
		return
	}
	c.WriteUntil(now.Add(most))
}

// WriteUntil sets the write deadline; the zero time is none.
func (c *Conn) WriteUntil(t time.Time) {
	c.written = t
	_ = c.SetWriteDeadline(t)
}

// Alive reports whether an idle connection can still be used: the peer has
// neither closed it nor sent anything. It asks the kernel and does not wait.
func (c *Conn) Alive() bool {
	if c.raw.conn == nil {
		return true // a read or write will find out
	}
	err := c.raw.conn.Read(c.raw.peek)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.ReadUntil(time.Time{})
		err = c.raw.conn.Read(c.raw.peek)
	}
	return err == nil && c.raw.silent
}
