package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/h1"
	"github.com/headway-dev/headway/scaler/activator/mirror"
	"github.com/headway-dev/headway/scaler/activator/peer"
	"github.com/headway-dev/headway/scaler/activator/record"
)

// maxCopied is how much of the answer to a copy is read, so that the connection
// to the pod can be used again.
const maxCopied = 256 << 10

// Copy is the request as the pod gets it; nil if it is none to be copied.
func (x *exchange) Copy() *http.Request {
	if x.in.ContentLength != 0 || !mirror.Copies(x.in.Method) || x.out.Header.Get("Upgrade") != "" {
		return nil
	}
	r := x.out.Clone(context.Background())
	r.Body, r.Trailer = nil, nil
	return r
}

// SendCopy is mirror.Send.
func SendCopy(r *http.Request, rev *backend.Revision, lease backend.Lease) record.Outcome {
	pod := &held{lease: lease, grace: rev.Timeout}
	if lease.Pod.Peer {
		peer.Hop{}.Next(rev).Set(r.Header)
	}
	r.URL.Scheme, r.URL.Host = "http", lease.Pod.Addr
	if r.URL.Opaque == "" {
		r.URL.Opaque = oddPath(r)
	}
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			pod.conn = info.Conn
			if conn, ok := info.Conn.(*h1.Checked); ok {
				conn.Expect(r)
				conn.NetConn().(*backend.Upstream).Begin(info.Reused, func() {})
			}
		},
	}))
	resp, err := lease.Pod.Transport(false, check).RoundTrip(r)
	if err != nil {
		pod.release(false)
		if errors.Is(err, context.DeadlineExceeded) {
			return record.Outcome{Status: http.StatusGatewayTimeout, Own: record.Late}
		}
		return record.Outcome{Status: http.StatusBadGateway, Own: record.Broken}
	}
	_, err = io.CopyN(io.Discard, resp.Body, maxCopied)
	resp.Body.Close()
	pod.release(errors.Is(err, io.EOF))
	o := record.Outcome{Status: resp.StatusCode}
	if lease.Pod.Peer {
		o.Own = resp.Header.Get(answer.Header)
	}
	return o
}
