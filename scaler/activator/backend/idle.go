package backend

import (
	"context"
	"fmt"
	"time"

	"github.com/headway-dev/headway/scaler/activator/wire"
)

// idleConn is a connection between two requests of the hot path.
type idleConn struct {
	conn  *wire.Conn
	since time.Time
}

// Idle takes the connection to the pod that was used last; nil if there is
// none that still stands.
func (p *Pod) Idle(now time.Time) *wire.Conn {
	for {
		p.conns.Lock()
		n := len(p.idle)
		if n == 0 {
			p.conns.Unlock()
			return nil
		}
		c := p.idle[n-1]
		p.idle[n-1] = idleConn{}
		p.idle = p.idle[:n-1]
		p.conns.Unlock()

		if now.Sub(c.since) < idleTimeout && c.conn.Alive() {
			return c.conn
		}
		c.conn.Close()
	}
}

// Keep gives a connection back whose last response was read to its end.
func (p *Pod) Keep(c *wire.Conn, now time.Time) {
	c.Shrink()
	c.Charge(nil)
	p.conns.Lock()
	defer p.conns.Unlock()
	if p.retired || len(p.idle) >= maxIdleConns {
		c.Close()
		return
	}
	p.idle = append(p.idle, idleConn{conn: c, since: now})
	if p.sweep == nil {
		p.sweep = time.AfterFunc(idleTimeout, p.closeOld)
	}
}

// Dial makes a new connection to the pod.
func (p *Pod) Dial(ctx context.Context) (*wire.Conn, error) {
	conn, err := dialer.DialContext(ctx, "tcp", p.Addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to pod %s: %w", p.Name, err)
	}
	return wire.New(conn), nil
}

// closeOld closes what was idle for too long; the oldest are in front.
func (p *Pod) closeOld() {
	p.conns.Lock()
	defer p.conns.Unlock()
	old, now := 0, time.Now()
	for old < len(p.idle) && now.Sub(p.idle[old].since) >= idleTimeout {
		p.idle[old].conn.Close()
		old++
	}
	p.idle = append(p.idle[:0], p.idle[old:]...)
	if len(p.idle) == 0 {
		p.idle, p.sweep = nil, nil
		return
	}
	p.sweep.Reset(idleTimeout)
}

// retire closes idle connections, and those in use when they become idle.
func (p *Pod) retire() {
	p.conns.Lock()
	defer p.conns.Unlock()
	p.retired = true
	for _, c := range p.idle {
		c.conn.Close()
	}
	p.idle = nil
	for _, t := range p.transports() {
		t.CloseIdleConnections()
	}
}

// revive undoes retire.
func (p *Pod) revive() {
	p.conns.Lock()
	defer p.conns.Unlock()
	p.retired = false
}
