package wire

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
)

// Watcher notices when the peers of connections go away: when they close, reset
// or shut down their writing side, which look the same from here. It asks the
// kernel and reads nothing, so it sees that behind bytes which nobody has
// read, needs no memory for them, and does not care who reads the connection
// meanwhile. It cannot see what has not arrived: a peer that has more on its
// way than the kernel takes unread goes unnoticed until somebody reads.
//
// One goroutine serves all connections. The zero value is ready to use.
type Watcher struct {
	mu      sync.Mutex
	poll    *os.File        // an epoll instance; nil until the first Watch
	raw     syscall.RawConn // of poll
	watches map[uint64]*Watch
	last    uint64 // the newest key of watches
	closed  bool
}

// Watch is one connection that is watched.
type Watch struct {
	watcher *Watcher
	conn    syscall.RawConn
	key     uint64

	mu   sync.Mutex
	gone func() // nil once it was called or must not be any more
}

// Watch calls gone, once and from another goroutine, when the peer of conn has
// gone, also if it has already. gone must not block. Stop the watch when it is
// of no use any more, and before the next one of the same connection. A
// connection that is no socket is not watched.
func (w *Watcher) Watch(conn net.Conn, gone func()) *Watch {
	watch := &Watch{watcher: w, gone: gone}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return watch
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return watch
	}
	poll, err := w.add(watch)
	if err != nil {
		return watch // nothing lost but the time until somebody reads
	}
	watch.conn = raw
	event := syscall.EpollEvent{
		Events: syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, // errors are always told
		Fd:     int32(watch.key), Pad: int32(watch.key >> 32),
	}
	_ = watch.control(poll, syscall.EPOLL_CTL_ADD, &event) // fails on a closed connection, which its owner knows
	return watch
}

// Stop ends the watch. gone is not running when it returns, and will not be
// called any more.
func (c *Watch) Stop() {
	c.mu.Lock()
	c.gone = nil
	c.mu.Unlock()
	if c.conn == nil {
		return
	}
	if poll := c.watcher.remove(c); poll != nil {
		_ = c.control(poll, syscall.EPOLL_CTL_DEL, nil) // a closed connection has left by itself
	}
}

func (c *Watch) control(poll syscall.RawConn, operation int, event *syscall.EpollEvent) error {
	var err error
	outer := poll.Control(func(epoll uintptr) {
		inner := c.conn.Control(func(fd uintptr) {
			err = syscall.EpollCtl(int(epoll), operation, int(fd), event)
		})
		err = errors.Join(err, inner)
	})
	return errors.Join(err, outer)
}

func (c *Watch) fire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone != nil {
		c.gone()
		c.gone = nil
	}
}

// Close ends all watches, now and from now on.
func (w *Watcher) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.poll != nil {
		_ = w.poll.Close() // ends run
		w.poll = nil
	}
}

// add gives c a key. The epoll instance is made with the first one.
func (w *Watcher) add(c *Watch) (poll syscall.RawConn, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, os.ErrClosed
	}
	if w.poll == nil {
		if err := w.open(); err != nil {
			return nil, err
		}
	}
	w.last++
	c.key = w.last
	w.watches[c.key] = c
	return w.raw, nil
}

func (w *Watcher) open() error {
	// Non-blocking, so that Go waits for it as it does for a socket, without a
	// thread.
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return errors.Join(os.NewSyscallError("fcntl", err), syscall.Close(fd))
	}
	poll := os.NewFile(uintptr(fd), "epoll")
	raw, err := poll.SyscallConn()
	if err != nil {
		return errors.Join(err, poll.Close())
	}
	w.poll, w.raw, w.watches = poll, raw, map[uint64]*Watch{}
	go w.run(raw)
	return nil
}

// remove forgets c; nil if there is nothing to take it out of any more.
func (w *Watcher) remove(c *Watch) (poll syscall.RawConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.watches, c.key)
	if w.poll == nil {
		return nil
	}
	return w.raw
}

func (w *Watcher) get(key uint64) *Watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.watches[key]
}

// run calls those whose peer has gone, until poll is closed.
func (w *Watcher) run(poll syscall.RawConn) {
	var events [64]syscall.EpollEvent
	for {
		n := 0
		err := poll.Read(func(fd uintptr) (done bool) {
			var errno error
			n, errno = syscall.EpollWait(int(fd), events[:], 0)
			return n != 0 || errno != nil
		})
		if err != nil {
			return
		}
		for _, e := range events[:max(n, 0)] {
			if c := w.get(uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32); c != nil {
				c.fire()
			}
		}
	}
}
