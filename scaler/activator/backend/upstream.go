package backend

import (
	"net"
	"sync"
)

// Upstream is a connection of net/http's to a pod, for one HTTP/1.1 request
// after the other. An app may answer without reading the whole request, and
// close. Go's client gives up such a request as soon as a write fails, whether
// or not it has read the answer by then; here the failed write waits for that.
type Upstream struct {
	net.Conn
	ended chan struct{} // closed by Close

	mu     sync.Mutex
	seen   bool   // the app may have seen of the request
	closed func() // of the request
}

func newUpstream(c net.Conn) *Upstream {
	return &Upstream{Conn: c, ended: make(chan struct{})}
}

// NetConn returns the connection below, as that of crypto/tls does.
func (u *Upstream) NetConn() net.Conn { return u.Conn }

// Begin tells that another request uses the connection from now on: reused is
// whether there was one before, closed is called if the connection is closed.
func (u *Upstream) Begin(reused bool, closed func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	// A kept connection that turns out to be closed is no answer.
	u.seen, u.closed = !reused, closed
}

// Write is net.Conn's, except that it fails only when nothing more is read. A
// pod that takes no more has closed its side, so that does not last.
func (u *Upstream) Write(b []byte) (int, error) {
	n, err := u.Conn.Write(b)
	u.mu.Lock()
	u.seen = u.seen || n > 0
	seen := u.seen
	u.mu.Unlock()
	if err != nil && seen {
		<-u.ended
	}
	return n, err
}

// CloseWrite ends one direction of an upgraded connection.
func (u *Upstream) CloseWrite() error {
	HangUp(u.Conn)
	return nil
}

// Close implements net.Conn.
func (u *Upstream) Close() error {
	u.mu.Lock()
	closed := u.closed
	u.closed = nil
	select {
	case <-u.ended:
	default:
		close(u.ended)
	}
	u.mu.Unlock()
	err := u.Conn.Close()
	if closed != nil {
		closed()
	}
	return err
}
