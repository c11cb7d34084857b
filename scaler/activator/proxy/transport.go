package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/h1"
	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// transport sends a request to a pod of its exchange's revision.
type transport struct{}

// RoundTrip implements http.RoundTripper.
func (transport) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r)
	x.out = r
	x.clock = startClock(x.Revision, x.Wait(), x.end)
	if x.body != nil {
		x.body.clock = x.clock
	}
	watch := time.AfterFunc(life.Patience, x.client.start)
	defer watch.Stop()
	err := x.Reach()
	resp, pod := x.resp, x.pod
	// In the moment the response came the time was up, or the client left in its
	// body: then the app has answered half of a request, which nobody waits for.
	late := !x.clock.stop() || x.body.cutOff() && r.Context().Err() != nil
	if late && err == nil && !errors.Is(context.Cause(r.Context()), errLost) {
		resp.Body.Close()
		pod.release(false)
		err = context.Cause(r.Context())
	}
	if err == nil && (resp.StatusCode < 100 || resp.StatusCode > 999) {
		resp.Body.Close()
		pod.release(false)
		err = errStatus
	}
	if err != nil {
		return nil, x.explain(err, context.Cause(r.Context()))
	}
	if x.Lease.Pod.Peer {
		x.Relayed(resp.Header.Get(answer.Header))
	} else {
		resp.Header.Del(answer.Header)
	}
	if len(x.in.Header[answer.SubscriptionHeader]) > 0 {
		resp.Header.Set(answer.RevisionHeader, x.Revision.Name)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		x.client.stop() // from now on one direction may end before the other
	} else {
		x.Answered(x.clock.since(x.Asked))
	}
	if !isGRPC(r) { // whose status comes last
		x.Certain(resp.StatusCode)
	}
	if cookie := x.NewCookie(); cookie != "" && !slices.ContainsFunc(resp.Header["Set-Cookie"], table.SetsSticky) {
		resp.Header.Add("Set-Cookie", cookie)
	}
	var once sync.Once
	done := func(complete bool) { once.Do(func() { pod.release(complete) }) }
	if isGRPC(r) {
		resp.Body = &withTrailers{ReadCloser: resp.Body, read: func() { x.noteGRPC(resp) }}
	}
	resp.Body = wrap(resp, done, func() {
		x.end(life.ErrIdle)
		x.stopWriting()
	})
	return resp, nil
}

// noteGRPC notes the status of a gRPC call whose response has been read.
func (x *exchange) noteGRPC(resp *http.Response) {
	if x.GRPC = resp.Trailer.Get("Grpc-Status"); x.GRPC == "" {
		x.GRPC = resp.Header.Get("Grpc-Status") // a response without messages
	}
	x.Trace.GRPC(x.GRPC)
	resp.Trailer.Del(answer.Header)
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

// explain chooses between what went wrong and why the request had to end.
func (x *exchange) explain(err, cause error) error {
	switch {
	case errors.Is(err, answer.ErrNoPod):
		return err
	case cause != nil:
		return cause
	case x.body.cutOff():
		return answer.ErrBadBody
	}
	return err
}

// Send sends the request to the leased pod.
func (x *exchange) Send() error {
	pod := &held{grace: x.Revision.Timeout}
	body := &trackedBody{ReadCloser: x.out.Body}
	resp, err := x.Lease.Pod.Transport(isGRPC(x.out), check).RoundTrip(x.attempt(pod, body)) //nolint:bodyclose // whoever delivers x.resp closes it
	if err != nil && x.out.Context().Err() == nil && refused(err) && !body.read.Load() {
		return life.ErrUnreachable
	}
	pod.lease = x.Detach()
	if err != nil {
		pod.release(false)
	}
	x.resp, x.pod = resp, pod
	return err
}

// attempt is the request for one pod. It notes the connection in pod.
func (x *exchange) attempt(pod *held, body *trackedBody) *http.Request {
	out := x.out.WithContext(httptrace.WithClientTrace(x.out.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			pod.conn = info.Conn
			if conn, ok := info.Conn.(*h1.Checked); ok {
				conn.Expect(x.out)
				x.body.begin()
				conn.NetConn().(*backend.Upstream).Begin(info.Reused, x.lostPod)
			}
		},
	}))
	out.URL.Host = x.Lease.Pod.Addr // the same URL as that of x.out, which is ours
	if x.out.Body != nil && x.out.Body != http.NoBody {
		out.Body = body
	}
	if x.Lease.Pod.Peer {
		out.Header = x.out.Header.Clone()
		x.Next.Set(out.Header)
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

// refused reports whether the connection was never made.
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
