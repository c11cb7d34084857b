package h1

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/peer"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/activator/trace"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

const (
	// patience is how long a pod may take before the client is watched and
	// the deadline of the request matters.
	patience = 100 * time.Millisecond
	// streamIdle ends a connection on which no byte moves; as in package
	// proxy.
	streamIdle = 15 * time.Minute
	// attempts bounds how often a request looks for another pod; as in
	// package proxy.
	attempts = 10
)

// exchange is one request on its way.
type exchange struct {
	rev      *backend.Revision
	lease    backend.Lease
	started  time.Time // its head was there
	asked    time.Time // all of it was there
	deadline time.Time // of the start of the response
	waited   time.Duration
	status   int
	bytes    int64
	leased   bool
	hop      peer.Hop       // by which the request came
	trace    *trace.Request // nil: tracing is off
	broken   bool           // the client did not get the whole response
	cut      bool           // the pod did not take the whole request
	said     string         // what the activator itself has answered
}

// release ends the lease, once.
func (x *exchange) release() {
	if x.leased {
		x.leased = false
		x.lease.Release()
	}
}

// handle answers the request in c.req, whose head ends at end; false ends the
// connection.
func (c *conn) handle(now time.Time, end int) bool {
	if string(c.req.host) != c.host { // compares without making a string
		c.host = string(c.req.host)
	}
	x := &c.x
	*x = exchange{started: now, asked: now}
	if c.server.Tracer != nil {
		c.beginTrace(x)
	}
	match := c.match(x)
	x.rev = match.Revision
	var keep bool
	switch {
	case x.hop.TooFar():
		keep = c.deny(x, end, answer.TooFar)
	case !match.Known:
		keep = c.deny(x, end, answer.UnknownHost(c.host))
	case match.Revision == nil:
		keep = c.deny(x, end, answer.NoRevision(match))
	default:
		keep = c.forward(x, end)
		if !c.server.Peers {
			x.rev.Stats.Observe(x.status, time.Since(now))
			if x.lease.Pod != nil {
				x.rev.Stats.Ended(x.status)
			}
		}
	}
	if c.server.Access.On() && !c.server.Peers {
		c.log(x, match)
	}
	if x.trace.Recorded() {
		c.endTrace(x, match)
	}
	return keep
}

// match finds the revision: by the host, or as another activator has chosen.
func (c *conn) match(x *exchange) table.Match {
	tables := c.server.Tables.Load()
	if !c.server.Peers {
		return tables.Resolve(c.host)
	}
	x.hop = peer.Parse(string(c.req.revision), string(c.req.hops))
	return x.hop.Match(tables)
}

// forward sends the request to a pod and the response back.
func (c *conn) forward(x *exchange, end int) bool {
	c.server.Running.Enter(&c.member, x.rev.Timeout)
	defer c.server.Running.Leave(&c.member)
	defer x.release() // even if a fault of ours panics

	if !c.whole(end) {
		if err := c.readBody(x.rev.Stall, end); err != nil {
			return c.deny(x, end, answer.Failed(x.rev, err))
		}
		x.asked = time.Now()
	}
	x.deadline = x.asked.Add(x.rev.Timeout)
	up, err := c.toPod(x, c.in.Buffered()[end:end+int(c.req.length)])
	if err == nil {
		err = c.readResponse(x, up)
	}
	if err != nil {
		if up != nil {
			c.drop(x, up)
		}
		return c.answer(x, answer.Failed(x.rev, err))
	}
	x.status = c.resp.status
	x.trace.Answered()
	keep := !c.req.close && !c.server.Leaving.Load()
	delivered, complete := c.copyBody(x, up, !keep)
	c.watch.calm()
	if complete && c.resp.reuse && !x.cut && len(up.Buffered()) == 0 && c.use(nil) && !c.watch.left() {
		x.lease.Pod.Keep(up, time.Now())
	} else {
		c.drop(x, up)
	}
	x.broken = !delivered
	return keep && delivered
}

// readResponse reads until the final response's head is in c.resp.
func (c *conn) readResponse(x *exchange, up *wire.Conn) error {
	next, now := 0, x.asked
	for {
		end := 0
		if b := up.Buffered(); len(b) > 0 {
			if end, next = responseEnd(b, next); end == 0 && len(b) > maxHead {
				return errResponse
			}
		}
		if end == 0 {
			if err := c.fill(x, up, now, x.deadline, answer.ErrTimeout); err != nil {
				return err
			}
			continue
		}
		if err := c.resp.parse(up.Buffered()[:end], c.req.isHead(), false); err != nil {
			return err
		}
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
func (c *conn) fill(x *exchange, up *wire.Conn, now, deadline time.Time, late error) error {
	up.ReadWithin(now, patience/4, patience)
	err := up.Fill()
	for errors.Is(err, os.ErrDeadlineExceeded) {
		if !time.Now().Before(deadline) {
			return late
		}
		c.watch.start(c.server.Clients, c.in, func() { c.hangUp(x, up) })
		up.ReadUntil(deadline)
		err = up.Fill()
	}
	if err != nil && c.watch.left() {
		return context.Canceled
	}
	return err
}

// hangUp tells the pod that the client has gone. Where a limit holds, the pod
// counts as busy until it has ended the response: then only our side closes.
func (c *conn) hangUp(x *exchange, up *wire.Conn) {
	if x.rev.Limit > 0 {
		backend.HangUp(up.Conn)
		return
	}
	up.Close()
}

// drop ends a pod's connection that cannot be used again, and the lease.
func (c *conn) drop(x *exchange, up *wire.Conn) {
	c.use(nil)
	if x.rev.Limit == 0 {
		up.Close()
		return
	}
	backend.HangUp(up.Conn)
	lease, grace := x.lease, x.rev.Timeout
	x.leased = false
	go func() {
		backend.Linger(up.Conn, grace)
		lease.Release()
	}()
}

// deny answers a request that goes to no pod. A client that still sends its
// body has a moment to read that, and the connection ends.
func (c *conn) deny(x *exchange, end int, a answer.Answer) bool {
	if c.whole(end) {
		return c.answer(x, a)
	}
	c.req.close = true
	if c.answer(x, a); a.Status != answer.ClientGone {
		linger(c.in)
	}
	return false
}

// answer sends a response of our own; false ends the connection.
func (c *conn) answer(x *exchange, a answer.Answer) bool {
	x.status, x.said = a.Status, a.Text
	if a.Status == answer.ClientGone {
		return false
	}
	keep := !c.req.close && !c.server.Leaving.Load()
	resp := a.To(c.req.first(contentType))
	if !c.req.isHead() {
		x.bytes = int64(len(resp.Body))
	}
	c.out = appendAnswer(c.out[:0], resp, c.req.isHead(), !keep)
	return c.send(c.out) && keep
}

func (c *conn) log(x *exchange, m table.Match) {
	path, _, _ := strings.Cut(string(c.req.target), "?")
	e := accesslog.Entry{
		Method: string(c.req.method), Host: c.host, Path: path, Protocol: "HTTP/1.1", Client: c.peer.addr,
		Namespace: m.Namespace, App: m.App, Status: x.status, Bytes: x.bytes,
		Waited: x.waited, Took: time.Since(x.started),
		UserAgent: string(c.req.userAgent), Traceparent: string(c.req.traceparent),
	}
	if parent, _, ok := x.trace.Headers(); ok {
		e.Traceparent = string(parent)
	}
	if x.rev != nil {
		e.Revision = x.rev.Name
	}
	if x.lease.Pod != nil {
		e.Pod = x.lease.Pod.Name
	}
	c.server.Access.Write(e)
}
