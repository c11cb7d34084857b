package h1

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/peer"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// toPod takes a pod and writes the request to it, as much as the pod takes. If
// it fails, no pod has got all of it and no connection is held.
func (c *conn) toPod(x *exchange, body []byte) (*wire.Conn, error) {
	if x.lease, x.leased = x.rev.TryAcquire(); !x.leased {
		if err := c.wait(x, x.rev.Acquire); err != nil {
			return nil, err
		}
	}
	for attempt := 1; ; attempt++ {
		c.head(x)
		c.out = append(c.out, body...)
		up, err := c.write(x)
		if err == nil {
			return up, nil
		}
		if !errors.Is(err, errRefused) || attempt == attempts {
			return nil, err
		}
		x.leased = false
		x.lease.Unreachable()
		x.rev.Stats.Retried()
		if err := c.wait(x, x.rev.Reacquire); err != nil {
			return nil, err
		}
	}
}

// head writes the request's head for the leased pod into c.out.
func (c *conn) head(x *exchange) {
	told, next := &c.peer, peer.Hop{}
	if c.server.Peers {
		told = nil
	}
	if x.lease.Pod.Peer {
		next = x.hop.Next(x.rev)
	}
	c.out = appendRequest(c.out[:0], &c.req, told, next, x.trace)
	x.trace.Sent(x.lease.Pod.Name, x.lease.Pod.Peer)
}

// errRefused is a pod that takes no connection.
var errRefused = errors.New("the pod refuses connections")

// write writes c.out to a connection of the leased pod: to an idle one, as
// long as they turn out to be closed before a byte was written, or a new one.
func (c *conn) write(x *exchange) (*wire.Conn, error) {
	for {
		up := x.lease.Pod.Idle(x.asked)
		reused := up != nil
		if !reused {
			ctx, cancel := context.WithDeadline(context.Background(), x.deadline)
			var err error
			up, err = x.lease.Pod.Dial(ctx)
			cancel()
			if err != nil {
				if time.Now().After(x.deadline) {
					return nil, answer.ErrTimeout
				}
				return nil, errRefused
			}
		}
		if !c.use(up) {
			up.Close()
			return nil, errLeaving
		}
		up.WriteWithin(x.asked, x.rev.Timeout)
		n, err := up.Write(c.out)
		if err == nil {
			return up, nil
		}
		late := errors.Is(err, os.ErrDeadlineExceeded)
		if !late && (n > 0 || !reused) {
			x.cut = true // it may have answered before it closed
			return up, nil
		}
		c.use(nil)
		up.Close()
		if late {
			return nil, answer.ErrTimeout
		}
	}
}

// wait waits for a pod while the client is watched.
func (c *conn) wait(x *exchange, acquire func(context.Context) (backend.Lease, error)) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	ctx, stop := context.WithDeadlineCause(ctx, x.deadline, answer.ErrNoPod)
	defer stop()
	c.watch.start(c.server.Clients, c.in, func() { cancel(context.Canceled) })
	since := time.Now()
	cold := x.trace.Recorded() && x.rev.Load().Open == 0
	lease, err := acquire(ctx)
	for errors.Is(err, backend.ErrRerouted) {
		lease, err = backend.Elsewhere(&x.rev, c.match(x).Revision)(ctx)
	}
	c.watch.calm()
	waited := time.Since(since)
	x.waited += waited
	x.rev.Stats.Waited(waited)
	x.trace.Waited(since, cold, err)
	x.lease, x.leased = lease, err == nil
	return err
}
