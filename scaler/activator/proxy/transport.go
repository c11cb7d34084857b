package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/h1"
)

// transport sends a request to a pod of its exchange's revision.
type transport struct{}

// streamIdle ends a response in which no byte has moved for so long. It is
// far above the heartbeat of any server-sent events library. Upgraded
// connections are never ended by it.
const streamIdle = 15 * time.Minute

// patience is how long a pod may take before the client is watched; as in
// package h1.
const patience = 100 * time.Millisecond

// attempts bounds how often a request looks for another pod. Waiting for one
// is bounded by the revision's timeout; this is for pods that accept a probe
// and refuse the request time and again.
const attempts = 10

// RoundTrip implements http.RoundTripper.
func (transport) RoundTrip(r *http.Request) (*http.Response, error) {
	x := r.Context().Value(exchangeKey{}).(*exchange)
	x.clock = startClock(x.rev, x.end)
	if x.body != nil {
		x.body.clock = x.clock
	}
	watch := time.AfterFunc(patience, x.client.start)
	defer watch.Stop()
	resp, h, err := send(r, x)
	if !x.clock.stop() && err == nil && !errors.Is(context.Cause(r.Context()), errLost) {
		// The time was up in the moment the response came.
		resp.Body.Close()
		h.release(false)
		err = context.Cause(r.Context())
	}
	if err == nil && (resp.StatusCode < 100 || resp.StatusCode > 999) {
		resp.Body.Close()
		h.release(false)
		err = errStatus
	}
	if err != nil {
		return nil, x.explain(err, context.Cause(r.Context()))
	}
	x.trace.Answered()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		x.client.stop() // from now on one direction may end before the other
	}
	var once sync.Once
	done := func(complete bool) { once.Do(func() { h.release(complete) }) }
	if x.trace.Recorded() && isGRPC(r) {
		resp.Body = &withTrailers{ReadCloser: resp.Body, read: func() { x.traceGRPC(resp) }}
	}
	resp.Body = wrap(resp, done, func() { x.end(errIdle) })
	return resp, nil
}

// held is the pod that a request occupies.
type held struct {
	lease backend.Lease
	conn  net.Conn // that carries the request; nil if none does
	grace time.Duration
}

// release gives the pod free. If the response was not read to its end, the
// transport closes the connection, and where a limit holds the pod is busy
// until it has noticed.
func (h *held) release(complete bool) {
	ended := backend.Ended(h.conn)
	if complete || ended == nil {
		h.lease.Release()
		return
	}
	go func() {
		select {
		case <-ended:
		case <-time.After(h.grace):
		}
		h.lease.Release()
	}()
}

// errStatus is a response over HTTP/2 with a status that HTTP cannot have;
// over HTTP/1.1 package h1 has looked.
var errStatus = errors.New("the app's response has an impossible status")

var errIdle = errors.New("no byte moved for " + streamIdle.String())

// explain chooses between what went wrong and why the request had to end.
func (x *exchange) explain(err, cause error) error {
	switch {
	case errors.Is(err, answer.ErrNoPod):
		return err
	case cause != nil:
		return cause
	case x.body != nil && x.body.failed.Load():
		return answer.ErrBadBody
	}
	return err
}

// send tries pods until one takes the connection.
func send(r *http.Request, x *exchange) (*http.Response, *held, error) {
	acquire := x.rev.Acquire
	for attempt := 1; ; attempt++ {
		lease, err := wait(r.Context(), x, acquire)
		if err != nil {
			x.pod = ""
			return nil, nil, err
		}
		x.pod = lease.Pod.Name
		x.trace.Sent(lease.Pod.Name, lease.Pod.Peer)
		h := &held{lease: lease, grace: x.rev.Timeout}
		body := &trackedBody{ReadCloser: r.Body}
		resp, err := lease.Pod.Transport(isGRPC(r), check).RoundTrip(attemptOf(r, x, h, body))
		if err == nil {
			return resp, h, nil
		}
		if r.Context().Err() != nil || !refused(err) || body.read.Load() || attempt == attempts {
			h.release(false)
			return nil, nil, err
		}
		lease.Unreachable()
		x.rev.Stats.Retried()
		acquire = x.rev.Reacquire
	}
}

// attemptOf is r for one pod. It notes the connection in h.
func attemptOf(r *http.Request, x *exchange, h *held, body *trackedBody) *http.Request {
	out := r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			h.conn = info.Conn
			if conn, ok := info.Conn.(*h1.Checked); ok {
				conn.Expect(r)
				x.body.begin()
				conn.NetConn().(*backend.Upstream).Begin(info.Reused, x.lostPod)
			}
		},
	}))
	out.URL.Host = h.lease.Pod.Addr // the same URL as r's, which is ours
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = body
	}
	if h.lease.Pod.Peer {
		out.Header = r.Header.Clone()
		x.hop.Next(x.rev).Set(out.Header)
	}
	return out
}

// check makes responses follow the same rules as on the hot path.
func check(conn net.Conn) net.Conn { return h1.Check(conn) }

// lostPod is called when the connection to the pod has closed. If that was
// before the response, nobody needs to wait for the client any more.
func (x *exchange) lostPod() {
	if x.body.lose() && x.clock.stop() {
		x.end(errLost)
	}
}

var errLost = errors.New("the pod closed the connection")

// wait takes a pod, and notes the time if it took any.
func wait(ctx context.Context, x *exchange, acquire func(context.Context) (backend.Lease, error)) (backend.Lease, error) {
	if lease, ok := x.rev.TryAcquire(); ok {
		return lease, nil
	}
	x.client.start()
	x.body.wait()
	since := time.Now()
	cold := x.trace.Recorded() && x.rev.Load().Open == 0
	lease, err := acquire(ctx)
	for errors.Is(err, backend.ErrRerouted) {
		lease, err = backend.Elsewhere(&x.rev, x.match().Revision)(ctx)
	}
	waited := time.Since(since)
	x.waited += waited
	x.rev.Stats.Waited(waited)
	if errors.Is(err, answer.ErrTimeout) {
		err = answer.ErrNoPod
	}
	x.trace.Waited(since, cold, err)
	return lease, err
}

// refused tells whether the connection was never made.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// isGRPC requests go to the pod by HTTP/2, which the app must speak anyway.
func isGRPC(r *http.Request) bool {
	return r.ProtoMajor == 2 && answer.IsGRPC(r.Header.Get("Content-Type"))
}

// trackedBody notes whether the body was touched. A body that was not can be
// sent to another pod: closing it must not end it then.
type trackedBody struct {
	io.ReadCloser
	read atomic.Bool
}

func (b *trackedBody) Read(p []byte) (int, error) {
	b.read.Store(true)
	return b.ReadCloser.Read(p)
}

func (b *trackedBody) Close() error {
	if !b.read.Load() {
		return nil
	}
	return b.ReadCloser.Close()
}
