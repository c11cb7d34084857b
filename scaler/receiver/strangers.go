package receiver

import (
	"context"
	"net"
	"sync"
)

const (
	// mostStrangers is how many connections there may be that have not shown an
	// activator's token, and ofOneAddress how many of them have the same peer.
	mostStrangers = 256
	ofOneAddress  = 16
)

// strangers is a listener whose connections have to show who they are. The
// oldest ends when there are too many: an activator shows its token with the
// first bytes. How long one may take for that is the server's business.
type strangers struct {
	net.Listener

	mu   sync.Mutex
	list []*stranger // the oldest first
}

// stranger is a connection of the listener.
type stranger struct {
	net.Conn
	address string
	among   *strangers
}

// Accept implements net.Listener.
func (s *strangers) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &stranger{Conn: conn, address: hostOf(conn.RemoteAddr().String()), among: s}
	if oldest := s.add(c); oldest != nil {
		refused.WithLabelValues(tooManyStrangers).Inc()
		_ = oldest.Conn.Close() // its server finds out, and calls Close
	}
	return c, nil
}

// add returns the stranger that has to go for c.
func (s *strangers) add(c *stranger) (oldest *stranger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	same, first := 0, -1
	for i, other := range s.list {
		if other.address == c.address {
			if same++; first < 0 {
				first = i
			}
		}
	}
	if same < ofOneAddress {
		first = 0
	}
	if same >= ofOneAddress || len(s.list) >= mostStrangers {
		oldest = s.list[first]
		s.list = append(s.list[:first:first], s.list[first+1:]...)
	}
	s.list = append(s.list, c)
	return oldest
}

func (s *strangers) remove(c *stranger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.list {
		if other == c {
			s.list = append(s.list[:i:i], s.list[i+1:]...)
			return
		}
	}
}

// known is for a connection that is no stranger any more.
func (c *stranger) known() { c.among.remove(c) }

// Close implements net.Conn.
func (c *stranger) Close() error {
	c.known()
	return c.Conn.Close()
}

type strangerKey struct{}

// withStranger is the ConnContext of the server.
func withStranger(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, strangerKey{}, conn)
}

func strangerOf(ctx context.Context) *stranger { return ctx.Value(strangerKey{}).(*stranger) }

func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
