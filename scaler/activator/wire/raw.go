package wire

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// The system calls of a request go past Go's scheduler. One of the usual kind
// has its processor taken away when it lasts for more than 20 µs, as a write
// may that carries its bytes over loopback or a bridge to the receiver. The
// hand-over, and the thread that watches for it, cost an eighth of a request,
// and give nothing where no call ever blocks. docs/performance.md has the
// numbers: only all three calls together make the difference.

// raw is what a system call needs and gives. It is kept in the connection, and
// the functions are made once, so that none allocates.
type raw struct {
	conn  syscall.RawConn
	peek  func(fd uintptr) bool
	read  func(fd uintptr) bool
	write func(fd uintptr) bool

	silent     bool   // of peek
	into, from []byte // of read, and what write has still to send
	got        int
	readErr    syscall.Errno
	writeErr   syscall.Errno
}

// open prepares the system calls, if the connection is a socket.
func (c *Conn) open() {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		if conn, err := sc.SyscallConn(); err == nil {
			c.raw = raw{conn: conn, peek: c.peekOnce, read: c.readOnce, write: c.writeOnce}
		}
	}
}

// Read is net.Conn's. One goroutine may read while another one writes.
func (c *Conn) Read(b []byte) (int, error) {
	if len(b) == 0 || c.raw.conn == nil {
		return c.Conn.Read(b)
	}
	c.raw.into, c.raw.got, c.raw.readErr = b, 0, 0
	err := c.raw.conn.Read(c.raw.read)
	c.raw.into = nil
	switch {
	case err != nil:
		return 0, err
	case c.raw.readErr != 0:
		return 0, os.NewSyscallError("read", c.raw.readErr)
	case c.raw.got == 0:
		return 0, io.EOF
	}
	return c.raw.got, nil
}

func (c *Conn) readOnce(fd uintptr) (done bool) {
	for {
		n, _, err := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(c.raw.into))), uintptr(len(c.raw.into)))
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return false
		case 0:
			c.raw.got = int(n)
		}
		c.raw.readErr = err
		return true
	}
}

// Write is net.Conn's.
func (c *Conn) Write(b []byte) (int, error) {
	if c.raw.conn == nil {
		return c.Conn.Write(b)
	}
	c.raw.from, c.raw.writeErr = b, 0
	err := c.raw.conn.Write(c.raw.write)
	n := len(b) - len(c.raw.from)
	c.raw.from = nil
	if err == nil && c.raw.writeErr != 0 {
		err = os.NewSyscallError("write", c.raw.writeErr)
	}
	return n, err
}

func (c *Conn) writeOnce(fd uintptr) (done bool) {
	for len(c.raw.from) > 0 {
		n, _, err := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(c.raw.from))), uintptr(len(c.raw.from)))
		switch err {
		case 0:
			c.raw.from = c.raw.from[n:]
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			c.raw.writeErr = err
			return true
		}
	}
	return true
}

func (c *Conn) peekOnce(fd uintptr) (done bool) {
	var b [1]byte
	_, _, err := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b[0])), 1, syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	c.raw.silent = err == syscall.EAGAIN
	return true
}
