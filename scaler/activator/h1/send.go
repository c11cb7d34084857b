package h1

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// Send writes the request, as much as the pod takes, to a connection of the
// leased pod, c.up: to an idle one, as long as they turn out to be closed before
// a byte was written, or a new one.
func (c *conn) Send() error {
	x := &c.x
	told := &c.peer
	if c.server.Front.Peers {
		told = nil
	}
	c.out = appendRequest(c.out[:0], &c.req, told, x.Next, x.Trace)
	body := c.in.Buffered()[c.end : c.end+int(c.req.length)]
	if len(body) <= wire.Small {
		c.out, body = append(c.out, body...), nil // a larger one is not copied
	}
	for {
		up := x.Lease.Pod.Idle(x.Asked)
		reused := up != nil
		if !reused {
			ctx, cancel := context.WithDeadline(context.Background(), c.deadline)
			var err error
			up, err = x.Lease.Pod.Dial(ctx)
			cancel()
			if err != nil {
				if time.Now().After(c.deadline) {
					return answer.ErrTimeout
				}
				return life.ErrUnreachable
			}
		}
		if !c.use(up) {
			up.Close()
			return life.ErrStopping
		}
		up.WriteWithin(x.Asked, x.Revision.Timeout)
		up.Charge(c.seat.Memory)
		n, err := up.Write(c.out)
		if err == nil && len(body) > 0 {
			var more int
			more, err = up.Write(body)
			n += more
		}
		if err == nil {
			c.sent()
			return nil
		}
		late := errors.Is(err, os.ErrDeadlineExceeded)
		if !late && (n > 0 || !reused) {
			c.cut = true // it may have answered before it closed
			return nil
		}
		c.use(nil)
		up.Close()
		if late {
			return answer.ErrTimeout
		}
	}
}

// Hold watches the client while the request waits.
func (c *conn) Hold() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	ctx, stop := context.WithDeadlineCause(ctx, c.deadline, answer.ErrTimeout)
	c.watch.start(c.server.Front.Clients, c.in, func() { cancel(context.Canceled) })
	return ctx, func() {
		c.watch.calm()
		stop()
		cancel(nil)
	}
}
