package h1

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// Forward sends the request to a pod and the response back.
func (c *conn) Forward() error {
	x := &c.x
	defer c.narrow()
	if !c.whole() {
		if err := c.roomForBody(); err != nil {
			return err
		}
		if err := c.readBody(x.Revision.Stall); err != nil {
			return err
		}
		x.Asked = time.Now()
	}
	c.deadline = x.Asked.Add(x.Revision.Timeout)
	if err := x.Reach(); err != nil {
		return err
	}
	up := c.up
	if err := c.readResponse(up); err != nil {
		c.drop(up)
		return err
	}
	x.Status = c.resp.status
	x.Answered(x.Asked)
	x.Certain(c.resp.status)
	if cookie := x.NewCookie(); cookie != "" && !c.resp.setsSticky() {
		c.resp.cookie = cookie
	}
	if c.req.has[subscription] {
		c.resp.revision = x.Revision.Name
	}
	if c.resp.trusted {
		x.Relayed(firstOf(c.resp.fields, ownAnswer))
	}
	c.keep = c.keep && !c.server.Front.Draining.Load()
	delivered, complete := c.copyBody(up, !c.keep)
	c.watch.calm()
	if complete && c.resp.reuse && !c.cut && len(up.Buffered()) == 0 && c.use(nil) && !c.watch.left() {
		x.Lease.Pod.Keep(up, time.Now())
	} else {
		c.drop(up)
	}
	x.Broken = !delivered
	c.keep = c.keep && delivered
	return nil
}

// readResponse reads until the final response's head is in c.resp.
func (c *conn) readResponse(up *wire.Conn) error {
	next, now := 0, c.x.Asked
	for {
		end := 0
		if b := up.Buffered(); len(b) > 0 {
			if end, next = responseEnd(b, next); end == 0 && len(b) > maxHead {
				return errResponse
			}
		}
		if end == 0 {
			if err := c.fill(up, now, c.deadline, answer.ErrTimeout); err != nil {
				return err
			}
			continue
		}
		if err := c.resp.parse(up.Buffered()[:end], c.req.isHead(), false); err != nil {
			return err
		}
		c.resp.trusted = c.x.Lease.Pod.Peer
		if c.resp.status >= 200 {
			up.Discard(end)
			return nil
		}
		if c.resp.status != http.StatusContinue { // which the client did not ask for
			c.out = appendResponse(c.out[:0], &c.resp, false)
			if !c.send(c.out) {
				return context.Canceled
			}
		}
		up.Discard(end)
		next = 0
	}
}

// fill reads from the pod once. If that takes long, the client is watched, and
// the read ends at the deadline with late.
func (c *conn) fill(up *wire.Conn, now, deadline time.Time, late error) error {
	up.ReadWithin(now, life.Patience/4, life.Patience)
	err := up.Fill()
	for errors.Is(err, os.ErrDeadlineExceeded) {
		if !time.Now().Before(deadline) {
			return late
		}
		c.watch.start(c.server.Front.Clients, c.in, func() { c.hangUp(up) })
		up.ReadUntil(deadline)
		err = up.Fill()
	}
	switch {
	case err != nil && c.watch.left():
		return context.Canceled
	case errors.Is(err, wire.ErrNoRoom):
		return answer.ErrMemory // for a head that is large
	}
	return err
}

// hangUp tells the pod that the client has gone. Where a limit holds, the pod
// counts as busy until it has ended the response: then only our side closes.
func (c *conn) hangUp(up *wire.Conn) {
	if c.x.Revision.Limit > 0 {
		backend.HangUp(up.Conn)
		return
	}
	up.Close()
}

// drop ends a pod's connection that cannot be used again, and the lease.
func (c *conn) drop(up *wire.Conn) {
	c.use(nil)
	up.Discard(len(up.Buffered()))
	up.Shrink()
	if c.x.Revision.Limit == 0 {
		up.Close()
		return
	}
	backend.HangUp(up.Conn)
	lease, grace := c.x.Detach(), c.x.Revision.Timeout
	go func() {
		backend.Linger(up.Conn, grace)
		lease.Release()
	}()
}

// Answer sends a response of our own. A client that still sends its body has a
// moment to read it, and the connection ends.
func (c *conn) Answer(a answer.Answer) {
	whole := c.whole()
	c.keep = c.keep && whole && a.Status != answer.ClientGone && !c.server.Front.Draining.Load()
	if a.Status == answer.ClientGone {
		return
	}
	resp := a.To(c.req.first(contentType))
	if !c.req.isHead() {
		c.x.Bytes = int64(len(resp.Body))
	}
	c.out = appendAnswer(c.out[:0], resp, c.req.isHead(), !c.keep)
	c.keep = c.send(c.out) && c.keep
	if !whole {
		linger(c.in)
	}
}
