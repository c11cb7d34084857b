package h1

import (
	"errors"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// What a request holds beyond the buffers that every connection has is charged
// to its app (package bounds): a head or body for which these are too small
// until the pod has it, and larger pieces in which a large response is copied.

// Admit charges the connection to the app of its request.
func (c *conn) Admit(app bounds.App) bool {
	if c.seat.For(app) {
		return true
	}
	c.keep = false // it is one too many
	return false
}

// roomForBody waits until there is memory for the whole request. Meanwhile its
// body stays with the client.
func (c *conn) roomForBody() error {
	need := c.end + int(c.req.length)
	n := c.in.Growth(need)
	if n <= 0 {
		return nil
	}
	if !c.seat.Memory.More(n) {
		c.deadline = c.x.Asked.Add(c.x.Revision.Timeout)
		ctx, release := c.Hold()
		err := c.seat.Memory.Wait(ctx, n)
		release()
		switch {
		case errors.Is(err, answer.ErrTimeout):
			return answer.ErrMemory
		case err != nil:
			return err
		}
	}
	c.in.Grow(need)
	return nil
}

// sent gives back what a body needed that a pod has got.
func (c *conn) sent() {
	if !c.in.Wide() || c.req.length == 0 {
		return
	}
	c.in.Cut(c.end, int(c.req.length))
	_ = c.req.parse(c.in.Buffered()[:c.end]) // as it was before, elsewhere
	c.req.length = 0
}

// widen reads a large response in larger pieces, if there is room for them here
// and where they are written from.
func (c *conn) widen(up *wire.Conn) {
	if !c.wide && !c.seat.Memory.More(wire.Large) {
		return
	}
	c.wide = true
	up.Widen()
}

// narrow undoes widen when the response has been delivered.
func (c *conn) narrow() {
	if c.wide {
		c.wide, c.out = false, nil
		c.seat.Memory.Less(wire.Large)
	}
}
