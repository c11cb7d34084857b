package backend

import (
	"io"
	"net"
	"sync"
	"time"
)

// lingering is a connection of net/http's to a pod of a revision with a limit.
// When it is closed in the middle of a response, the pod is told, and counts
// as busy until it has ended the response or grace is over: only then may
// another request take the place.
type lingering struct {
	net.Conn
	grace time.Duration
	ended chan struct{}

	reading sync.Mutex // held during a read
	once    sync.Once
}

func newLingering(c net.Conn, grace time.Duration) *lingering {
	return &lingering{Conn: c, grace: grace, ended: make(chan struct{})}
}

func (l *lingering) Read(b []byte) (int, error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	return l.Conn.Read(b)
}

// CloseWrite ends one direction of an upgraded connection.
func (l *lingering) CloseWrite() error {
	HangUp(l.Conn)
	return nil
}

// Close ends our side at once and the connection when the pod ends its own.
func (l *lingering) Close() error {
	l.once.Do(func() {
		_ = l.SetReadDeadline(time.Unix(1, 0)) // ends a read that goes on
		HangUp(l.Conn)
		go func() {
			defer close(l.ended)
			l.reading.Lock()
			defer l.reading.Unlock()
			Linger(l.Conn, l.grace)
		}()
	})
	return nil
}

// Ended returns a channel that is closed when the pod has nothing to do any
// more for the connection that net/http used, nil if that cannot be known.
func Ended(c net.Conn) <-chan struct{} {
	for {
		above, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = above.NetConn()
	}
	if l, ok := c.(*lingering); ok {
		return l.ended
	}
	return nil
}

// HangUp tells a pod that its client has gone.
func HangUp(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // fails if the pod was faster
	}
}

// Linger waits until the pod has ended its side of a connection, for grace at
// most, and closes it.
func Linger(c net.Conn, grace time.Duration) {
	_ = c.SetReadDeadline(time.Now().Add(grace))
	_, _ = io.Copy(io.Discard, c) // any end is the end
	_ = c.Close()
}
